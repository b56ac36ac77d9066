"""Projection of events into the rows of read models, in generations. A view writes to other topics through its outbox."""
