"""What a handler runs in: the context, the unit of work that commits, the queue of records, and who waits for an answer."""
