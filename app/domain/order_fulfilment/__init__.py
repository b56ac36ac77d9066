"""The order fulfilment saga: pays, reserves and confirms an order, or compensates all of that (contract, section 3)."""
