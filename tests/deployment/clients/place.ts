// Places an order, reads it and cancels it with the generated client: node place.js URL ORDER_ID
import { Configuration, type ApiResponse, ReadsApi, ResponseError, WritesApi } from "./client/index.js";

declare const process: { argv: string[] };

const [url, orderId] = process.argv.slice(2) as [string, string];
const configuration = new Configuration({ basePath: url });
const writes = new WritesApi(configuration);
const reads = new ReadsApi(configuration);

async function show(written: ApiResponse<unknown>): Promise<void> {
    const consistencyToken = written.raw.headers.get("Consistency-Token")!;
    const order = await reads.getOrder({ orderId, consistencyToken, prefer: "wait=20" });
    console.log(`${order.status} ${order.totalAmount}`);
}

const items = [{ productId: "flat", quantity: 1, price: 1_000_000_000_000 }];
await show(await writes.placeOrderRaw({ postOrder: { customerId: "ada", items, shippingAddress: "1 Log Lane", currency: "VND", orderId } }));
await show(await writes.cancelOrderRaw({ orderId, cancelOrder: { reason: "changed my mind" } }));
try {
    await reads.getOrder({ orderId: `no-${orderId}` });
} catch (problem) {
    if (!(problem instanceof ResponseError)) throw problem;
    console.log((await problem.response.json()).code);
}
