"""Where a row stands in a list that begins with the newest; its place says so in the order of keys."""

_BACKWARDS = str.maketrans("0123456789", "9876543210")


def place(under: str, began: str, identity: str) -> str:
    """The place under a heading of what began then; it does not change as long as the heading does not."""
    return f"{under}/{newest_first(began, identity)}"


def newest_first(began: str, identity: str) -> str:
    """Sorts before that of everything that is older; a slash is in no id and in no time."""
    return f"{began.translate(_BACKWARDS)}/{identity}"
