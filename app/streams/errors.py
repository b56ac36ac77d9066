"""Errors of transactions and tasks, distinguished by what is known of the outcome."""

from aiokafka import TopicPartition, errors

from app.errors import FoldstreamError

ANSWERED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.CorruptRecordException,
    errors.InvalidTopicError,
    errors.PolicyViolationError,
)
"""Errors by which the broker rejects a Produce for good. The broker *answered*, so nothing of that batch is in the log; a retry would fail, too."""


class TransactionRejected(Exception):  # noqa: N818 (it names an outcome, as Transaction's docstring does)
    """Rejection of a Produce by the broker. The transaction was aborted, and something in it is at fault."""


class UnknownOutcome(errors.ProducerFenced):  # type: ignore[misc]  # aiokafka has no types
    """Indeterminate commit: this process cannot know whether the transaction was committed. Only the restart of the task finds out.

    Derives from ProducerFenced, because aiokafka's sender passes that error on unchanged and stops the producer for it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)


class NotAuthorized(errors.ProducerFenced):  # type: ignore[misc]  # as above
    """Denied access to a topic of the transaction, which was not committed. Nothing in it is at fault; an operator has to grant the right."""

    def __str__(self) -> str:
        return str(self.args[0])


class StateStoreError(Exception):
    """Failure of RocksDB to read or write. The task wipes the store and fills it again from Kafka."""


class FatalTaskError(FoldstreamError):
    """Error that a retry would not fix. The task stays closed and says why."""


class OpenTransaction(FoldstreamError):  # noqa: N818 (an outcome too)
    """Open transaction that hides records which a task has to read before it opens. The task retries until that transaction has ended."""


class FetchStalled(FoldstreamError):  # noqa: N818 (an outcome too)
    """A broker has records but does not return them; its disk may be damaged there."""


class DataLossDetected(FatalTaskError):  # noqa: N818 (an outcome too)
    """Kafka no longer holds records that this task's state depends on. Continuing takes an operator's decision (`foldstream worker --accept-loss`)."""


class Repartitioned(FatalTaskError):  # noqa: N818 (an outcome too)
    """The topics have another number of partitions than when the log was written. `--accept-loss` does not help."""


class UnreadableLog(FoldstreamError):  # noqa: N818 (an outcome too)
    """An event in the log of record was written by code that this version does not know. Its partition stays closed on this worker."""


class UnreadableBatch(UnreadableLog):
    """Batch that cannot be unpacked: its checksum is wrong, its codec unknown, its compression damaged, or its content too large."""

    def __init__(self, where: TopicPartition, first: int, last: int, why: object, appended_ms: int | None = None) -> None:
        """`appended_ms` is the time at which the batch was written, if its header gives one."""
        self.where, self.first, self.last, self.appended_ms = where, first, last, appended_ms
        offsets = f"{first}" if first == last else f"{first}..{last}"
        self.what = f"{where.topic} [{where.partition}] {offsets} cannot be read ({why!r})"
        super().__init__(f"{self.what}: restore it, or run `foldstream skip {where.topic} {where.partition} {offsets} --reason ...` to go on behind it")


class ReadModelUnavailable(FoldstreamError):  # noqa: N818 (what it is)
    """The rows of a table were projected by other code and are being rebuilt. Until then they are not served."""


def is_refusal(error: BaseException) -> bool:
    """Return True for a Produce error after which the transaction can be aborted in its own epoch."""
    return isinstance(error, ANSWERED)


def is_consequence(error: BaseException) -> bool:
    """Return True for the broker's answer to a batch that follows a rejected one. The sequence numbers of the rejected batch are missing."""
    return isinstance(error, errors.OutOfOrderSequenceNumber)
