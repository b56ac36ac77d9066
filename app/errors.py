"""Errors that reach a person: each says what happened and what to do next."""


class FoldstreamError(Exception):
    """A failure whose message is meant for the user, one line or several; the command line prints it without a stack trace and exits 1."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
