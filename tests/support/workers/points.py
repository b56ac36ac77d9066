"""Named points of a write task's life at which a test can kill the worker."""

from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.producer.sender import EndTxnHandler

from app.streams.parking.release import ParkedReleaser
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.recovery import restore
from app.streams.recovery.changelog_rebuild import ChangelogRebuilder
from app.streams.recovery.takeover import TakeOver
from app.streams.tasks import write_task
from app.streams.tasks.write_processor import WriteProcessor


class Point(NamedTuple):
    """Call of a function at which the worker dies, as it begins or after it has ended."""

    owner: object
    """Class or module in which the function is looked up."""
    name: str
    call: int = 1
    after: bool = False
    """True for the end of the call, which only coroutines have."""
    since: "Point | None" = None
    """Point from whose first call on this point's calls count."""


WORK = 3
"""Number of the first transaction with commands. Before it come the claim and, in a new changelog, the identity row."""

RECORDS = 10
"""Number of records in one transaction, one chunk of a rebuild and one read of the changelog, so that each of them has a middle."""

RELEASED = 2
"""Number of records in one transaction of a release."""

TRANSACTION = {
    "before-begin": Point(AIOKafkaProducer, "begin_transaction", WORK),
    "after-begin": Point(AIOKafkaProducer, "begin_transaction", WORK, after=True),
    "between-produces": Point(AIOKafkaProducer, "send_batch", WORK, after=True),
    "after-produces": Point(AIOKafkaProducer, "commit_transaction", WORK),
    "commit-answer-unread": Point(EndTxnHandler, "handle_response", WORK),
    "before-store-write": Point(AIOKafkaProducer, "commit_transaction", WORK, after=True),
    "after-store-write": Point(TransactionalUnitOfWork, "commit", WORK, after=True),
}

TAKE_OVER = {
    "after-fence": Point(TakeOver, "run"),
    "half-of-changelog": Point(restore, "_stored", 3),
    "before-claim": Point(write_task, "claim"),
    "after-claim": Point(write_task, "claim", after=True),
}

REBUILD = {"half-of-rebuild": Point(ChangelogRebuilder, "_advance", 5 * RECORDS // 2)}

RELEASE = {
    "release-uncommitted": Point(AIOKafkaProducer, "commit_transaction", WORK),
    "between-steps-of-release": Point(ParkedReleaser, "follow", after=True),
}

WAKING = {
    "before-waking": Point(WriteProcessor, "commit_woken"),
    "waking-answer-unread": Point(EndTxnHandler, "handle_response", since=Point(WriteProcessor, "commit_woken")),
    "after-waking": Point(WriteProcessor, "commit_woken", after=True),
}
"""Points around the first transaction that fires timers."""

POINTS = TRANSACTION | TAKE_OVER | REBUILD | RELEASE | WAKING
