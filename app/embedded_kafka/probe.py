"""Probes of a port of this machine: whether it is free, and which Kafka cluster answers there."""

import socket
import struct

from aiokafka.protocol.api import RequestHeader_v1, ResponseHeader_v0
from aiokafka.protocol.metadata import MetadataRequest_v2, MetadataResponse_v2

from app.embedded_kafka.properties import HOST
from app.errors import FoldstreamError

_TIMEOUT_S = 5.0
_LENGTH = struct.Struct(">i")


def is_free(port: int) -> bool:
    """Return True if a server can listen on `port`."""
    try:
        require_free(port)
    except FoldstreamError:
        return False
    return True


def require_free(port: int) -> None:
    """Raise FoldstreamError unless a server can listen on `port`."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError as error:
            raise FoldstreamError(
                f"port {port} is taken by another program: stop that one, or set FOLDSTREAM_KAFKA_PORT to another ({error.strerror})"
            ) from error


def cluster_at(port: int) -> str | None:
    """Return the id of the cluster whose broker on `port` is ready for clients, or None while there is none."""
    try:
        metadata = _metadata(port)
    except (OSError, ValueError, struct.error):
        return None
    return str(metadata.get_item("cluster_id")) if metadata.get_item("brokers") else None


def _metadata(port: int) -> MetadataResponse_v2:
    request = MetadataRequest_v2([])
    body = RequestHeader_v1(request).encode() + request.encode()
    with socket.create_connection((HOST, port), _TIMEOUT_S) as connection:
        connection.sendall(_LENGTH.pack(len(body)) + body)
        answer = _receive(connection)
    return MetadataResponse_v2.decode(answer[len(ResponseHeader_v0(0).encode()) :])


def _receive(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
        return stream.read(length)
