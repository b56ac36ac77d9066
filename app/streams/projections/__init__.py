"""Events into the rows of read models, in generations; what a view writes to other topics goes through its outbox."""
