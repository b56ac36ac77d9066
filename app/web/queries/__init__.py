"""What routes ask: rows, lists over all partitions, histories, pages and streams of events."""
