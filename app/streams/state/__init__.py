"""State of a partition: rows in RocksDB, uncommitted rows above them, and the tables that are declared on them."""
