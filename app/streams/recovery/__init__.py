"""Recovery of a store from whatever is on disk, so that it agrees with the changelog and the log of record."""
