"""From whatever is on disk to a store that is what the changelog and the log of record say."""
