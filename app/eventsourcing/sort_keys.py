"""Sort keys of lists that begin with the newest row."""

_BACKWARDS = str.maketrans("0123456789", "9876543210")


def place(under: str, began: str, identity: str) -> str:
    """Return the sort key under a heading of a row that began at this time. It changes only if the heading does."""
    return f"{under}/{newest_first(began, identity)}"


def newest_first(began: str, identity: str) -> str:
    """Return a sort key that precedes those of all older rows. Ids and times never contain a slash."""
    return f"{began.translate(_BACKWARDS)}/{identity}"
