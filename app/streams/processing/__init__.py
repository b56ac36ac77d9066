"""Processing of records: the context of handlers, the unit of work that commits, the queue of batches, and pending replies."""
