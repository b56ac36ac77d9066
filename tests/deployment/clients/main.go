// Places an order, reads it and cancels it with the generated client: main URL ORDER_ID.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	foldstream "example.org/foldstream/client"
)

func main() {
	configuration := foldstream.NewConfiguration()
	configuration.Servers = foldstream.ServerConfigurations{{URL: os.Args[1]}}
	client, ctx, id := foldstream.NewAPIClient(configuration), context.Background(), os.Args[2]

	order := foldstream.NewPostOrder("ada", []foldstream.OrderItem{*foldstream.NewOrderItem("flat", 1, 1_000_000_000_000)}, "1 Log Lane", "VND")
	order.SetOrderId(id)
	_, placed, err := client.WritesAPI.PlaceOrder(ctx).PostOrder(*order).Execute()
	check(err)
	show(client, id, placed.Header.Get("Consistency-Token"))

	_, cancelled, err := client.WritesAPI.CancelOrder(ctx, id).CancelOrder(*foldstream.NewCancelOrder("changed my mind")).Execute()
	check(err)
	show(client, id, cancelled.Header.Get("Consistency-Token"))

	_, _, err = client.ReadsAPI.GetOrder(ctx, "no-"+id).Execute()
	var failure *foldstream.GenericOpenAPIError
	if !errors.As(err, &failure) {
		log.Fatal(err)
	}
	fmt.Println(failure.Model().(foldstream.ProblemDetails).Code)
}

func show(client *foldstream.APIClient, id string, token string) {
	order, _, err := client.ReadsAPI.GetOrder(context.Background(), id).ConsistencyToken(token).Prefer("wait=20").Execute()
	check(err)
	fmt.Println(order.Status, order.TotalAmount)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
