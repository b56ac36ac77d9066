"""Script that prints the pins of another Kafka version: change KAFKA, run `python -m app.embedded_kafka.pins > jars.sha256` and move the file here."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from jgo.maven import MavenContext

from app.embedded_kafka.jars import sha256

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
"""Logging backend, which Kafka's own distribution adds to the broker's dependencies. Without it nothing is logged."""


def resolve(cache: Path) -> list[str]:
    """Resolve the jars that Kafka needs by Maven's rules. Return a line for each jar, in the order of the file."""
    maven = MavenContext(repo_cache=cache)
    own, needed = maven.resolver.resolve([maven.create_dependency(KAFKA)])
    jars = [dependency.artifact.resolve() for dependency in [*own, *needed, maven.create_dependency(LOGGING)]]
    return sorted((f"{sha256(jar)}  {jar.relative_to(cache).as_posix()}\n" for jar in jars), key=lambda line: line.split()[1])


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        sys.stdout.writelines(resolve(Path(scratch)))
