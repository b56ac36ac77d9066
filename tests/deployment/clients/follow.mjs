// Follows an order as a browser's page does: node follow.mjs URL ORDER_ID; ends with its cancellation, or when the stream is given up for good.
import { EventSource } from "eventsource";

const [url, orderId] = process.argv.slice(2);
const source = new EventSource(`${url}/orders/${orderId}/stream?wait=30`);

function end(line) {
    console.log(line);
    source.close();
}

source.addEventListener("open", () => console.log("open"));
source.addEventListener("OrderPlaced", (event) => console.log(`${event.type} ${event.lastEventId}`));
source.addEventListener("OrderCancelled", (event) => end(`${event.type} ${event.lastEventId}`));
source.addEventListener("not-found", (event) => end(event.data));
source.addEventListener("error", () => source.readyState === EventSource.CLOSED && end("given up"));
