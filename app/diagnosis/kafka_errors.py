"""Explanations of Kafka errors, in one line each: the meaning, and what an operator can do about it."""

from collections.abc import Iterable, Iterator

from aiokafka import errors

from app.errors import FoldstreamError

SESSION = "group.min.session.timeout.ms and group.max.session.timeout.ms"
RIGHTS = "It is tried again and again: nothing has to be started once the right is given (kafka-acls)"

MEANINGS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.TopicAuthorizationFailedError, f"Kafka refuses the topic {{what}}: give this worker's user Describe, Read and Write on it. {RIGHTS}"),
    (errors.GroupAuthorizationFailedError, f"Kafka refuses the consumer group {{what}}: give this worker's user Describe and Read on it. {RIGHTS}"),
    (
        errors.TransactionalIdAuthorizationFailed,
        f"Kafka refuses the transactional id {{what}}: give this worker's user Describe and Write on the ids that begin with FOLDSTREAM_APP_ID. {RIGHTS}",
    ),
    (errors.ClusterAuthorizationFailedError, f"Kafka refuses this worker's user: give it IdempotentWrite on the cluster. {RIGHTS}"),
    (
        errors.InvalidSessionTimeoutError,
        f"Kafka does not take this session time-out: set FOLDSTREAM_SESSION_TIMEOUT_S to what the broker's {SESSION} allow, and start the worker again",
    ),
    (
        errors.InvalidProducerIdMapping,
        "Kafka has forgotten the transactional id, as it does when one is not used for a week (transactional.id.expiration.ms): the task opens with it again",
    ),
    (errors.NodeNotReadyError, "a broker does not answer at the address that it advertises (advertised.listeners): check it, and the network to it"),
)


def explained(error: BaseException) -> str:
    """Return one line that explains an error or its cause."""
    for cause in _chain(error):
        for kind, meaning in MEANINGS:
            if isinstance(cause, kind):
                return meaning.format(what=", ".join(sorted(topics_of(cause))) or "(it does not say which)")
    return str(error) if isinstance(error, errors.KafkaError | FoldstreamError) else f"{type(error).__name__}: {error}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes. An error that is raised again may be its own cause."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__


def topics_of(error: BaseException) -> set[str]:
    """Return the topics, or other things, that an aiokafka error names. aiokafka gives nothing, one name or a set of names."""
    about = error.args[0] if error.args else ()
    return set(map(str, about)) if isinstance(about, Iterable) and not isinstance(about, str) else {str(about)}
