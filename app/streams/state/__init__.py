"""The rows of a partition: RocksDB below, uncommitted rows above it, and the tables that are declared on them."""
