"""Fixes for how aiokafka 0.14 sends requests, all in one place.

A connection that breaks just as it is written to raises an error of the event loop, which ends the caller; the refresh of the metadata then never runs again.

Queries about topics create missing topics, where a broker allows that: with other settings than the contract's, and in the place of a lost log.

`BaseHandler.do` repeats a request without an answer, within the same epoch. A delayed first copy can then act on the *next* transaction (KIP-890). So such a
failure is an unknown outcome here: the task is restarted, which raises the epoch. InitProducerId may be repeated: each one only fences again.

A batch that fails before it is sent leaves its error in a future that nothing awaits: asyncio logs that with a traceback.
"""

import asyncio
from typing import Any

from aiokafka import __version__
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError, KafkaError, ProducerFenced, TopicAuthorizationFailedError
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.protocol.metadata import MetadataRequest

from app.diagnosis.kafka_errors import explained
from app.streams.aiokafka_patches import fetcher as fetching
from app.streams.aiokafka_patches import throttling as quota
from app.streams.errors import NotAuthorized, UnknownOutcome

PINNED = "0.14.0"
"""Version of aiokafka whose sender this module replaces in part. Read another version before you use it."""

BACKOFF_S = 0.003
"""Pause before a transaction is tried again while the broker still writes the markers of the one before (seconds)."""


async def do(self: Any, node_id: int) -> bool:  # noqa: ANN401 (a method of aiokafka's, which has no types)
    """Send the request. Return True when done, False when an *answer* asks for a repetition. Raises UnknownOutcome when no answer came."""
    request = self.create_request()
    try:
        response = await self._sender.client.send(node_id, request, group=self.group)
    except IncompatibleBrokerVersion:
        raise
    except KafkaError as error:
        return await _unanswered(self, error)
    if refused := _refused(self, response):
        raise NotAuthorized(explained(TopicAuthorizationFailedError(refused)))
    try:
        backoff_s = self.handle_response(response)
    except ProducerFenced:
        raise
    except KafkaError as error:  # the sender would hide it behind one that says nothing
        raise UnknownOutcome(explained(error)) from error
    if backoff_s is None:
        return True
    await asyncio.sleep(backoff_s)
    return False


def _refused(handler: Any, response: Any) -> set[str]:  # noqa: ANN401 (aiokafka has no types)
    """Return the topics that may not be written to.

    Without this check aiokafka would continue, and its next requests would be answered as if there were no transaction.
    """
    if not isinstance(handler, sender.AddPartitionsToTxnHandler):
        return set()
    codes = ((topic, code) for topic, partitions in response.errors for _, code in partitions)
    return {topic for topic, code in codes if code == TopicAuthorizationFailedError.errno}


async def _unanswered(handler: Any, error: KafkaError) -> bool:  # noqa: ANN401 (aiokafka has no types)
    if not isinstance(handler, sender.InitPIDHandler):
        message = f"no answer to {type(handler).__name__.removesuffix('Handler')}: {error!r}"
        raise UnknownOutcome(message) from error
    await asyncio.sleep(handler.handle_error())
    return False


def ask_only(self: Any, request: Any) -> Any:  # noqa: ANN401 (a method of aiokafka's, which has no types)
    """Build a query about topics that creates none, whatever the broker allows."""
    self._allow_auto_topic_creation = False
    return _build(self, request)


_build = MetadataRequest.build
send_whole = AIOKafkaConnection.send


def send(self: Any, request: Any, expect_response: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 (a method of aiokafka's, which has no types)
    """Send a request. Raises KafkaConnectionError also when the transport has closed and the connection does not know it yet."""
    try:
        return send_whole(self, request, expect_response)
    except NotImplementedError:
        raise
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        message = f"the connection to {self._host}:{self._port} has just broken"
        raise KafkaConnectionError(message) from error


batch_failure = MessageBatch.failure


def failure(self: Any, exception: BaseException) -> None:  # noqa: ANN401 (a method of aiokafka's, which has no types)
    """End the batch with this error, and count it as seen where the batch waits to be sent: its own future gives the error to the caller."""
    batch_failure(self, exception)
    self._drain_waiter.exception()


def install() -> None:
    """Replace the sender's request loop and back-off, queries about topics, sending on a broken connection, and the parts in `fetcher` and `throttling`.

    Each program that uses aiokafka calls this once, where it starts: importing patches nothing.
    Raises RuntimeError when another version of aiokafka is installed.
    """
    if __version__ != PINNED:
        message = f"aiokafka {__version__} is installed, the transactional sender was made for {PINNED}"
        raise RuntimeError(message)
    MetadataRequest.build = ask_only
    AIOKafkaConnection.send = send
    sender.BaseHandler.do = do
    MessageBatch.failure = failure
    sender.BACKOFF_OVERRIDE = BACKOFF_S
    fetching.install()
    quota.install()


def check_installed() -> None:
    """Raise RuntimeError if this program has not called `install`. With aiokafka as it comes, a late answer could end the wrong transaction."""
    if AIOKafkaClient.send is not quota.send:  # `install` replaces it last
        message = "aiokafka is used as it comes: call app.streams.aiokafka_patches.sender.install() where this program starts"
        raise RuntimeError(message)
