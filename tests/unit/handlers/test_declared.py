"""A worker that lacks an agent, the tables or a reaction that the registry names says so instead of starting."""

import pytest

from agents.order import answer
from app.domain import registry
from app.domain.registry import DECIDERS, POLICIES, SAGAS
from app.errors import FoldstreamError
from app.streams.app import app
from app.worker import check_declared
from tables.aggregates import AGGREGATES


def test_a_worker_with_everything_may_start() -> None:
    check_declared()


@pytest.mark.parametrize("name", [*(decider.topic for decider in DECIDERS), *(saga.name for saga in SAGAS)])
def test_an_agent_that_is_not_declared_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.side, "handlers", {topic: handler for topic, handler in app.side.handlers.items() if handler.agent != name})

    with pytest.raises(FoldstreamError, match=f"no agent handles {name}: declare it in agents/"):
        check_declared()


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.decider.topic)
def test_tables_that_are_not_declared_are_named(aggregate: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.side, "folds", [fold for fold in app.side.folds if fold is not aggregate])

    with pytest.raises(FoldstreamError, match=r"has no tables: declare them in tables/\w+.py"):
        check_declared()


@pytest.mark.parametrize("name", [each.name for each in (*SAGAS, *POLICIES)])
def test_a_reaction_that_is_not_declared_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "followers", [reaction for reaction in answer.followers if reaction.name != name])

    with pytest.raises(FoldstreamError, match=f"{name} does not react to the events of Order"):
        check_declared()


def test_every_event_sourced_type_is_in_the_registry_once() -> None:
    names = [decider.topic for decider in registry.EVENT_SOURCED]

    assert len(names) == len(set(names))
