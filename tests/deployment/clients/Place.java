import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.ReadsApi;
import org.openapitools.client.api.WritesApi;
import org.openapitools.client.model.CancelOrder;
import org.openapitools.client.model.OrderItem;
import org.openapitools.client.model.OrderSummary;
import org.openapitools.client.model.PostOrder;

/** Places an order, reads it and cancels it with the generated client: Place URL ORDER_ID. */
class Place {
    public static void main(String[] arguments) throws ApiException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        WritesApi writes = new WritesApi(client);
        ReadsApi reads = new ReadsApi(client);
        String id = arguments[1];

        OrderItem flat = new OrderItem().productId("flat").quantity(1L).price(1_000_000_000_000L);
        PostOrder order = new PostOrder().customerId("ada").items(List.of(flat)).shippingAddress("1 Log Lane").currency(PostOrder.CurrencyEnum.VND).orderId(id);
        show(reads, id, token(writes.placeOrderWithHttpInfo(order, null, null, null, null, null)));
        show(reads, id, token(writes.cancelOrderWithHttpInfo(id, new CancelOrder().reason("changed my mind"), null, null, null, null, null)));
        try {
            reads.getOrder("no-" + id, null, null, null, null, null);
        } catch (ApiException problem) {
            System.out.println(problem.getResponseBody().replaceAll(".*\"code\":\"([a-z-]+)\".*", "$1"));
        }
    }

    private static String token(ApiResponse<?> response) {
        return response.getHeaders().get("consistency-token").get(0);
    }

    private static void show(ReadsApi reads, String id, String token) throws ApiException {
        OrderSummary order = reads.getOrder(id, null, null, token, "wait=20", null);
        System.out.println(order.getStatus() + " " + order.getTotalAmount());
    }
}
