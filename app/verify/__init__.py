"""`foldstream verify`: judges the whole log, the changelog and the read models of a system.

* `run`, `partition`: the order in which a system and each of its partitions are read.
* `reading`: the logs up to a common end, and a map on disk for what does not fit into memory.
* `write_side`: results, events and changelog rows of one partition.
* `orders`: money and stock of each order over all partitions.
* `read_models`: the rows that workers serve.
"""
