"""Records that cannot be processed: the topic `parked`, the rows of those that are still parked, their release, and skips."""
