"""The rows of read models as workers serve them, each compared with what its events fold to."""
