"""The fulfilment saga: an order is paid, reserved and confirmed, or all of that is undone (contract, section 3)."""
