"""Settings of Foldstream, read from the environment (`FOLDSTREAM_<NAME>`); `docs/operations/settings.md` shows the table."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.embedded_kafka.home import BrokerFiles
from app.errors import FoldstreamError

LAST_PORT = 65_535

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
"""Host name or IP address, optionally with a port; Kafka's default port is 9092."""

_URL = re.compile(
    r"(?P<scheme>(?i:https?))://(?P<address>(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?)(?P<path>(?:/[A-Za-z0-9._~%-]*)*)", re.ASCII
)

EVERY_ADDRESS = ("0.0.0.0", "::", "[::]")  # noqa: S104 (no one is bound to here)
"""Wildcard addresses: a server that binds to one listens on every address of its host. Other hosts cannot reach it under a wildcard."""

_SECRETIVE = ("broker", "advertised_url", "public_url")
"""Settings in which people write passwords and tokens."""


def _bootstrap(text: str) -> str:
    addresses = [each.strip() for each in text.split(",")]
    if not all(map(_is_address, addresses)):
        raise PydanticCustomError("bootstrap", "Input should be a bootstrap list host:port,host:port")
    return ",".join(addresses)


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return found is not None and 1 <= int(found["port"] or 9092) <= LAST_PORT


Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
"""Addresses of brokers, separated by commas."""


def _url(text: str) -> str:
    found = _URL.fullmatch(text.strip())
    if found is None or not 1 <= int(found["port"] or 80) <= LAST_PORT:
        raise PydanticCustomError("url", "Input should be http://host:port or https://host:port, without user, query or fragment")
    if found["host"] in EVERY_ADDRESS:
        raise PydanticCustomError("url", "Input should name a host that other workers can reach: this address is each host's own")
    return f"{found['scheme'].lower()}://{found['address']}{found['path'].rstrip('/')}"


Url = Annotated[str, AfterValidator(_url)]
"""Base URL of a worker; paths are appended to it."""

APP_ID = re.compile("[A-Za-z0-9._-]{1,100}", re.ASCII)
"""Name of an environment."""


class Settings(BaseSettings):
    """Settings of one process. `foldstream settings` prints the description of each field."""

    model_config = SettingsConfigDict(env_prefix="FOLDSTREAM_", env_ignore_empty=True, frozen=True)

    broker: Bootstrap | None = Field(None, description="bootstrap list host:port,host:port; without it the embedded Kafka of the data directory is used")
    datadir: Path = Field(Path(".foldstream"), description="where the embedded Kafka and the workers keep their data")
    app_id: str = Field("foldstream", pattern=f"^{APP_ID.pattern}$", description="consumer group, prefix of transactional ids and of internal topics")
    topic_prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,100}$", description="stands before every topic name")
    partitions: int = Field(4, ge=1, le=10_000, description="partitions of every keyed topic")
    replication: int | None = Field(None, ge=1, le=32, description="replicas of every topic; 1 with the embedded Kafka, else 3")
    worker_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,100}$", description="the name under which this worker keeps its partitions over a restart")
    session_timeout_s: float = Field(10, ge=1, le=300, description="a worker silent for this long loses its partitions (seconds)")
    web_host: str = Field("127.0.0.1", description="address the worker's HTTP server binds to; :: is every one, of IPv6 and IPv4")
    web_port: int = Field(6066, ge=0, le=LAST_PORT, description="port of the worker's HTTP server")
    advertised_url: Url | None = Field(None, description="http or https URL under which other workers reach this one; by default made of host and port")
    public_url: Url | None = Field(None, description="http or https URL under which clients reach the workers behind a proxy, with its path if it has one")
    kafka_port: int = Field(29_092, ge=1, le=LAST_PORT - 1, description="port on which the embedded Kafka is started; its controller listens on the next one")
    java: Path | None = Field(None, description="a Java >= 17 for the embedded Kafka; without it the one that came with the packages")
    saga_step_timeout_s: float = Field(60, ge=0.1, le=86_400, description="a saga's command that was read and not answered for so long is sent again (seconds)")
    saga_backoff_s: float = Field(1, ge=0, le=3_600, description="before a saga's command is sent again; twice as long each further time (seconds)")
    saga_retries: int = Field(5, ge=0, le=10, description="how often a saga sends the same command again before it gives the step up")
    saga_deadline_s: float = Field(900, ge=0.1, le=31_536_000, description="an order that is not fulfilled after this long is undone (seconds)")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="what the worker logs")
    log_format: Literal["text", "json"] = Field("text", description="how the worker logs: lines for a terminal, or one JSON object a line")

    @property
    def embedded(self) -> bool:
        """True if no broker is configured, so that the embedded one is used."""
        return self.broker is None

    @property
    def bootstrap(self) -> str:
        """Bootstrap list of the broker in use; for the embedded one, the address at which it is started. `located` knows where it runs."""
        return self.broker or f"127.0.0.1:{self.kafka_port}"

    @property
    def home(self) -> BrokerFiles:
        """Files of the embedded broker in the data directory."""
        return BrokerFiles.of(self.datadir)

    @property
    def replicas(self) -> int:
        """Replicas of every topic: as set, or else 1 with the embedded broker and 3 with any other."""
        return self.replication or (1 if self.embedded else 3)

    def topic(self, name: str) -> str:
        """Return the broker's name for a topic of the contract."""
        return self.topic_prefix + name

    def web_url(self, port: int) -> str:
        """Return the URL of a worker that binds to this port on the host of the settings."""
        host = self.web_host.strip("[]")
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def changelog(self) -> str:
        """Changelog topic of the write side's tables."""
        return self.topic(f"{self.app_id}-write-changelog")


@cache
def settings() -> Settings:
    """Return the settings of this process, read once. Raise FoldstreamError, which names the variables that are wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise FoldstreamError(*(_complaint(each) for each in error.errors())) from error


def variable(name: str) -> str:
    """Return the name of a setting's environment variable."""
    return f"FOLDSTREAM_{name.upper()}"


def shown(name: str, value: object) -> object:
    """Return the value of a setting without secrets: an address loses its user, password and query."""
    return _without_secrets(value) if name in _SECRETIVE and isinstance(value, str) else value


def _without_secrets(address: str) -> str:
    """Hide user, password, query and fragment. Everything between the scheme and the last @ counts as user and password."""
    anonymous = re.sub(r"^([\w+.-]+://)?.*@", r"\1***@", address, flags=re.DOTALL)
    return re.sub(r"[?#].*", "?***", anonymous, flags=re.DOTALL)


def _complaint(error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    return f"{variable(name)} is {shown(name, error['input'])!r}: {error['msg']}"
