"""Reading for verify: records as they lie in the log, the ends up to which they are judged, and a map on disk."""
