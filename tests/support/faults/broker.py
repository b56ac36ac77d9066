"""Broker that workers reach only through proxies."""

from pathlib import Path

from app.embedded_kafka.embedded import EmbeddedKafka
from app.embedded_kafka.java import Java
from app.embedded_kafka.properties import HOST
from tests.conftest import FreePort
from tests.support.faults.proxy import Proxy


class ProxiedKafka(EmbeddedKafka):
    """Embedded Kafka with one more listener for each proxy, advertised at the proxy's address.

    A client that bootstraps through a proxy learns only that listener's address, so it cannot bypass the proxy.
    """

    def __init__(self, datadir: Path, free_port: FreePort, proxies: int = 1) -> None:
        super().__init__(datadir, free_port())
        self._behind = {f"PROXY{number}": (free_port(), free_port()) for number in range(proxies)}

    def proxies(self) -> list[Proxy]:
        """Return the proxies. None of them listens yet."""
        return [Proxy(port, broker_port) for port, broker_port in self._behind.values()]

    def _format(self, java: Java) -> None:
        super()._format(java)
        with self.home.properties.open("a", encoding="ascii") as file:  # if a name has two lines, the later one counts
            file.writelines(f"{name}={value}\n" for name, value in self._listeners().items())

    def _listeners(self) -> dict[str, str]:
        own = f"PLAINTEXT://{HOST}:{self.port}"
        listen = [own, f"CONTROLLER://{HOST}:{self.port + 1}", *(f"{name}://{HOST}:{behind}" for name, (_, behind) in self._behind.items())]
        advertise = [own, *(f"{name}://{HOST}:{port}" for name, (port, _) in self._behind.items())]
        protocols = [f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *self._behind)]
        named = {"listeners": listen, "advertised.listeners": advertise, "listener.security.protocol.map": protocols}
        return {name: ",".join(values) for name, values in named.items()}
