"""Records that cannot be processed: the topic `parked`, the rows of those that are open, their release, and skips."""
