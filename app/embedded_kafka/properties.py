"""Configuration of the embedded broker: one KRaft node, broker and controller in one, on the loopback address only."""

import json
from pathlib import Path

from app.errors import FoldstreamError

HOST = "127.0.0.1"

_MIB = 1 << 20

_FIXED: dict[str, object] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # There is one node, so nothing can have a second replica.
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # Each partition of these topics costs files and start-up time, and one machine has few groups and producers.
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 1,
    # Workers start quickly, and one that died is noticed quickly.
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    # A broker that was killed may come back only after the controller has given up its predecessor (default 9 s).
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    # The topics are those of the contract, created by `foldstream topics apply`; the largest message is 4 MiB.
    "auto.create.topics.enable": "false",
    "message.max.bytes": 4 * _MIB,
    "file.delete.delay.ms": 1000,
    # The default of 128 MiB is an eighth of the broker's memory.
    "log.cleaner.dedupe.buffer.size": 16 * _MIB,
}


def render(port: int, records: Path) -> str:
    """Return the text of server.properties for a broker on `port`, with its controller on the next port and its data in `records`."""
    controller = f"{HOST}:{port + 1}"
    own = {
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": _escaped(records),
    }
    return "".join(f"{name}={value}\n" for name, value in {**_FIXED, **own}.items())


def _escaped(path: Path) -> str:
    """Escape a path as Java reads it: Latin-1 with the escapes of JSON. Raise FoldstreamError for a comma, behind which Kafka expects another folder."""
    if "," in str(path):
        raise FoldstreamError(f"Kafka cannot keep its data in {path} because of the comma: set FOLDSTREAM_DATADIR to a folder without one")
    return json.dumps(str(path))[1:-1]
