"""The ways a transaction can fail, told apart by what is known of its fate."""

from aiokafka import TopicPartition, errors

from app.errors import FoldstreamError

ANSWERED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.CorruptRecordException,
    errors.InvalidTopicError,
    errors.PolicyViolationError,
)
"""Refusals of a Produce that the broker *answered* and that no repetition heals: nothing of that batch is in the log."""


class TransactionRejected(Exception):  # noqa: N818 (it names an outcome, as Transaction's docstring does)
    """The broker answered a Produce with a refusal: the transaction was aborted, and something in it is at fault."""


class UnknownOutcome(errors.ProducerFenced):  # type: ignore[misc]  # aiokafka has no types
    """It cannot be known from here whether the transaction was committed: only taking the task over again tells.

    It derives from ProducerFenced because that is what aiokafka's sender passes on untouched and ends the producer for.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)


class NotAuthorized(errors.ProducerFenced):  # type: ignore[misc]  # as above
    """Kafka refused a topic of the transaction, which was not committed: nothing in it is at fault, the right has to be given."""

    def __str__(self) -> str:
        return str(self.args[0])


class StateStoreError(Exception):
    """RocksDB could not read or write: the store is wiped and filled again from the changelog."""


class FatalTaskError(FoldstreamError):
    """The task cannot go on, and trying again would not help: the worker ends and says why."""


class OpenTransaction(FoldstreamError):  # noqa: N818 (an outcome too)
    """A transaction hides what a task has to read before it opens: it is tried again until that has ended."""


class FetchStalled(FoldstreamError):  # noqa: N818 (an outcome too)
    """A broker has records and does not give them: its disk may be damaged there."""


class DataLossDetected(FatalTaskError):  # noqa: N818 (an outcome too)
    """Kafka no longer holds what this task stands on; going on needs a person's word (`foldstream worker --accept-loss`)."""


class Repartitioned(FatalTaskError):  # noqa: N818 (an outcome too)
    """The topics have another number of partitions than the log was written with: no person's word can make that good."""


class UnreadableLog(FoldstreamError):  # noqa: N818 (an outcome too)
    """An event in the log of record was written by code that this one does not know: its partition stays closed here."""


class UnreadableBatch(UnreadableLog):
    """What lies at these offsets cannot be unpacked: its checksum is wrong, its codec unknown, its compression damaged, or too much is in it."""

    def __init__(self, where: TopicPartition, first: int, last: int, why: object, appended_ms: int | None = None) -> None:
        """`appended_ms` is when it was written, as far as its own head says so."""
        self.where, self.first, self.last, self.appended_ms = where, first, last, appended_ms
        offsets = f"{first}" if first == last else f"{first}..{last}"
        self.what = f"{where.topic} [{where.partition}] {offsets} cannot be read ({why!r})"
        super().__init__(f"{self.what}: restore it, or run `foldstream skip {where.topic} {where.partition} {offsets} --reason ...` to go on behind it")


class ReadModelUnavailable(FoldstreamError):  # noqa: N818 (what it is)
    """The rows of a table were folded by other code, and are being made anew: nobody may see them."""


def is_refusal(error: BaseException) -> bool:
    """True for a Produce error after which the transaction can be aborted in its own epoch."""
    return isinstance(error, ANSWERED)


def is_consequence(error: BaseException) -> bool:
    """True for what the broker answers to a batch that follows a refused one: the numbers between them are missing."""
    return isinstance(error, errors.OutOfOrderSequenceNumber)
