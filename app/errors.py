"""Errors that reach a person: each says what happened and what to do next."""


class FoldstreamError(Exception):
    """A failure whose message is meant for the user; the command line prints it without a stack trace and exits 1."""
