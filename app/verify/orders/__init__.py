"""Money and stock of each order, settled over all partitions, and the ends of sagas."""
