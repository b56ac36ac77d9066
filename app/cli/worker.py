"""`foldstream worker`: runs one worker in the foreground."""

from typing import Annotated

import typer

ACCEPT_LOSS = "Go on although Kafka no longer holds all that the positions stand on; what was lost stays lost."


FOLD_AGAIN = "Fold the rows of all aggregates from the log again, when a partition is taken over; answers and positions stay."


def worker(
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help=ACCEPT_LOSS)] = False,  # noqa: FBT002 (typer's way)
    fold_again: Annotated[bool, typer.Option("--fold-again", help=FOLD_AGAIN)] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Run one worker in the foreground. SIGTERM ends it cleanly. A non-zero exit code means that it could not keep its partitions: start it again."""
    from app.worker import check_declared, run_worker  # noqa: PLC0415 (Faust takes a second to import, and only this command needs it)

    check_declared()
    raise typer.Exit(run_worker(accept_loss, fold_again=fold_again))
