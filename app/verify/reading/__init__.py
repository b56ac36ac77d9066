"""Input of verify: records of the log, the end offsets up to which they are checked, and a map on disk."""
