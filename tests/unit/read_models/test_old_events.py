"""Events of every schema version ever published, as bytes of the log: each read model and each table of the write side folds them."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka import ConsumerRecord

from app.domain.order_fulfilment.evolve import DEFINITION
from app.domain.registry import EVENT_SOURCED
from app.eventsourcing import recorded_event as recorded
from app.eventsourcing.ids import event_id
from app.streams.app import app
from app.streams.processing.replies import PendingReplies
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.state.store import StateStore
from app.streams.topology import AggregateFold, ReadModel
from app.worker import check_declared
from schemas.upcasters import upcasters
from tables.history import entries
from tests.support.handlers.world import record

PUBLISHED = Path(__file__).parents[2] / "data" / "published"


class Published(NamedTuple):
    """Event as it was written in its schema version, and as it reads in the current one."""

    aggregate_type: str
    aggregate_id: str
    version: int
    event_type: str
    schema_version: int
    written: bytes
    today: bytes


def published() -> Iterator[Published]:
    """Yield every example, aggregate by aggregate."""
    for path in sorted(PUBLISHED.glob("*.jsonl")):
        versions: dict[str, int] = {}
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            version = versions[line["of"]] = versions.get(line["of"], 0) + 1
            yield _published(path.stem, version, line)


def _published(aggregate_type: str, version: int, line: dict[str, Any]) -> Published:
    aggregate_id, event_type, cause = line["of"], line["eventType"], f"cause-{version}"
    caused = event_id(aggregate_type, aggregate_id, f"{cause}/{version - 1}" if aggregate_type == "Saga" else cause, 0, line["payload"].get("orderId"))
    named = {"eventId": caused, "eventType": event_type, "aggregateId": aggregate_id, "aggregateType": aggregate_type, "version": version}
    said = {"timestamp": f"2024-01-01T00:00:{version:02d}.000Z", "metadata": {"correlationId": "k-1", "causationId": cause}}
    written = {name: line[name] for name in ("schemaVersion", "payload") if name in line}
    today = {"schemaVersion": upcasters.version(event_type), "payload": line.get("today", line["payload"])}
    values = [json.dumps({**named, **said, **form}).encode() for form in (written, today)]
    return Published(aggregate_type, aggregate_id, version, event_type, line.get("schemaVersion", 1), *values)


EVENTS = tuple(published())
PAIRS = {(event.event_type, event.schema_version): event for event in EVENTS}
"""One example of each event type in each version."""


def life(last: Published) -> Sequence[Published]:
    """Return the events of the same aggregate up to this one."""
    return [event for event in EVENTS if (event.aggregate_type, event.aggregate_id) == last[:2] and event.version <= last.version]


def log_of(aggregate_type: str) -> str:
    """Return the log of record of an aggregate type (name on the broker)."""
    [topic] = [decider.topic for decider in EVENT_SOURCED if decider.aggregate_type == aggregate_type]
    return app.side.settings.topic(f"events.{topic}")


def model_cases() -> Iterator[Any]:
    """Yield each read model with each event type and version of its logs."""
    for model in app.view.models:
        for (event_type, version), event in PAIRS.items():
            if log_of(event.aggregate_type) in model.events:
                yield pytest.param(model, event, id=f"{model.agent}-{event_type}-{version}")


def table_cases() -> Iterator[Any]:
    """Yield each table of the write side with each event type and version of its log."""
    for fold in app.side.folds:
        for (event_type, version), event in PAIRS.items():
            if log_of(event.aggregate_type) == fold.events:
                yield pytest.param(fold, event, id=f"write-{event_type}-{version}")


def rows(topic: str, fold: Callable[[ConsumerRecord], None], events: Sequence[bytes]) -> dict[bytes, Any]:
    """Return the rows folded from these bytes of a log. Events that the history keeps as written are upcast."""
    with tempfile.TemporaryDirectory() as directory:
        draft = UnitOfWork(StateStore(Path(directory) / "rows"), PendingReplies(1), {})
        draft.enter()
        try:
            for offset, value in enumerate(events):
                fold(record(topic, offset, json.loads(value)["aggregateId"].encode(), value))
            draft.rows.commit(draft.rows.changes())
            return {key: _read(key, value) for key, value in draft.rows.store.scan(b"")}
        finally:
            draft.close()


def _read(key: bytes, value: bytes) -> Any:  # noqa: ANN401 (a row)
    return json.loads(recorded.today(value) if key.startswith(entries.prefix) else value)


def test_every_read_model_is_among_the_cases() -> None:
    check_declared()
    assert {model.agent for model in app.view.models} == {case.values[0].agent for case in model_cases()}


def test_every_schema_version_of_every_event_type_has_an_example() -> None:
    wanted = {(name, version) for decider in EVENT_SOURCED for name in decider.events for version in range(1, upcasters.version(name) + 1)}

    assert set(PAIRS) == wanted, f"add a line to {PUBLISHED} for what is missing"


def test_every_definition_of_a_saga_has_an_example() -> None:
    found = {json.loads(event.written)["payload"]["definition"] for event in EVENTS if event.event_type == "SagaStarted"}

    assert found == set(range(1, DEFINITION + 1))


@pytest.mark.parametrize(("model", "event"), [*model_cases()])
def test_each_read_model_folds_each_published_version_as_if_it_was_written_today(model: ReadModel, event: Published) -> None:
    [handler] = [handler for handler in app.view.handlers if handler.agent == model.agent]
    topic, lived = log_of(event.aggregate_type), life(event)

    folded = rows(topic, handler, [each.written for each in lived])

    assert folded == rows(topic, handler, [each.today for each in lived])
    assert any(event.aggregate_id.encode() in key for key in folded), "there is a row of the aggregate"


@pytest.mark.parametrize(("fold", "event"), [*table_cases()])
def test_each_table_of_the_write_side_is_rebuilt_from_each_published_version(fold: AggregateFold, event: Published) -> None:
    lived = life(event)

    folded = rows(fold.events, fold.apply, [each.written for each in lived])

    assert folded == rows(fold.events, fold.apply, [each.today for each in lived])
    assert folded


@pytest.mark.control
def test_a_payload_that_is_upcast_and_not_encoded_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """msgspec: decoded parts are no `Raw`."""

    def decoded(event: recorded.RecordedEvent, wanted: type[Any]) -> Any:  # noqa: ANN401 (what was wanted)
        upcast = upcasters.upcast(event.event_type, event.schema_version, msgspec.json.decode(event.payload))
        return msgspec.convert(upcast, wanted)

    monkeypatch.setattr("app.domain.read_models.order_summary.payload", decoded)
    [case] = [case for case in model_cases() if case.id == "order_summary-OrderPlaced-1"]

    with pytest.raises(msgspec.ValidationError):
        test_each_read_model_folds_each_published_version_as_if_it_was_written_today(*case.values)


FINGERPRINTS = """
import json, sys
from schemas import upcasters as upcasts
if sys.argv[1] == "next":
    from app.domain.registry import EVENT_SOURCED
    types = [name for decider in EVENT_SOURCED for name in decider.events]
    before = upcasts.upcasters
    steps = [step for name in types for step in before.steps(name)]
    steps += [upcasts.Step(name, before.version(name), before.version(name) + 1, upcasts._order_placed_2) for name in types]
    before.__init__({name: before.version(name) + 1 for name in types}, steps)
from app.worker import app
print(json.dumps({model.agent: model.fingerprint for model in app.view.models}))
"""
"""Program that prints the fingerprints of all read models.

With the argument `next`, each event type has one more schema version.
"""


def test_a_new_schema_version_changes_the_fingerprint_of_each_read_model_that_reads_payloads() -> None:
    now, later = (json.loads(subprocess.run([sys.executable, "-c", FINGERPRINTS, which], capture_output=True, check=True).stdout) for which in ("now", "next"))

    assert {agent for agent in now if now[agent] == later[agent]} == {"history"}, "the history keeps events as they were written"
