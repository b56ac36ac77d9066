"""The saga of an order: it is paid, reserved and confirmed, or all of that is undone (contract, section 3)."""
