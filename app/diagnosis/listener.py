"""Probes of a listener that does not answer as a plaintext Kafka: a TLS handshake, and a request for a SASL mechanism."""

import asyncio
import ssl
import struct

from aiokafka.conn import collect_hosts

TIMEOUT_S = 2.0
"""Timeout of each probe (seconds)."""

SASL_HANDSHAKE = struct.pack(">hhih5s", 17, 1, 0, -1, b"\0\x03xyz")
"""Request SaslHandshake version 1, without a client id, for a mechanism that does not exist."""

NO_SASL_HERE = 34
"""Error code with which a listener without SASL answers the request."""


async def described(bootstrap: str) -> str | None:
    """Describe the first address of a bootstrap list that speaks TLS or SASL, and what to do about it. Return None if there is none."""
    for host, port, _ in collect_hosts(bootstrap, randomize=False):
        for name, speaks in (("TLS", _speaks_tls), ("SASL", _wants_sasl)):
            if await speaks(host, port):
                return (
                    f"the listener at {host}:{port} speaks {name}, and Foldstream speaks neither TLS nor SASL: set FOLDSTREAM_BROKER to a PLAINTEXT listener "
                    "of the broker that only a trusted network reaches (SECURITY.md)"
                )
    return None


async def _speaks_tls(host: str, port: int) -> bool:
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=anybody)
    except ssl.SSLError as error:
        return "ALERT" in str(error.reason)  # only a TLS server refuses with a TLS alert
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


async def _wants_sasl(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(struct.pack(">i", len(SASL_HANDSHAKE)) + SASL_HANDSHAKE)
            _, _, code = struct.unpack(">iih", await reader.readexactly(10))
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    writer.transport.abort()
    return bool(code != NO_SASL_HERE)
