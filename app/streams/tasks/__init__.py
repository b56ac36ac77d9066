"""One task per partition: it opens, serves until something fails, and opens again. Also who owns a partition, and whose the topics are."""
