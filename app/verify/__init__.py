"""`foldstream verify`: checks the whole log, the changelog and the read models of a system.

* `run`, `partition`: the order in which verify reads a system and each of its partitions.
* `reading`: the logs up to consistent end offsets, and a map on disk for what does not fit into memory.
* `write_side`: results, events and changelog rows of one partition.
* `orders`: money and stock of each order over all partitions.
* `read_models`: the rows that workers serve.
"""
