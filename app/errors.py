"""Errors for users: each says what happened and what to do next."""


class FoldstreamError(Exception):
    """Failure with a message for the user, in one or more lines. The command line prints it without a stack trace and exits with 1."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
