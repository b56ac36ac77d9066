"""One task per partition: it opens, serves until something fails, and opens again. Also the ownership of partitions and of topics."""
