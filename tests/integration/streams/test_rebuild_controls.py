"""Negative controls: with one mechanism of rebuilds switched off, the scenario of its guarantee fails."""

import pytest

from app.streams.projections.generation_store import GenerationStore
from app.streams.projections.generations import Generations
from app.streams.rebuild.build import BuildUnit, ReadModelBuild
from app.streams.state.positions import positions
from tests.integration.streams import test_rebuild
from tests.support.streams.rebuild_scenarios import killed_at_every_step, reads_never_go_back, rebuilt
from tests.support.streams.view_harness import OpenedView, ViewHarness

pytestmark = pytest.mark.control


async def test_rows_that_are_shown_before_they_are_as_far_as_the_live_ones_are_found(views: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_self: ReadModelBuild) -> None:
        pass

    monkeypatch.setattr(ReadModelBuild, "_approach", nothing)
    monkeypatch.setattr(ReadModelBuild, "_arrive", nothing)

    with pytest.raises((AssertionError, TimeoutError)):
        await reads_never_go_back(views)


async def test_positions_of_a_build_that_are_written_before_its_rows_are_found(folded: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def commit(self: BuildUnit) -> None:
        changes, store = self.rows.changes(), self.rows.store
        store.disk.write([change for change in changes if change[0].startswith(store.prefix(positions.prefix))])
        store.disk.write([change for change in changes if not change[0].startswith(store.prefix(positions.prefix))])
        self.drop()

    monkeypatch.setattr(BuildUnit, "commit", commit)

    with pytest.raises((AssertionError, TimeoutError)):
        await killed_at_every_step(folded, "rebuild")


async def test_rows_of_other_code_that_are_shown_are_found(folded: ViewHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Generations, "shows", lambda self, _: self.live is not None)

    with pytest.raises(AssertionError):
        await test_rebuild.test_rows_of_other_code_are_not_shown_until_they_are_rebuilt_and_that_is_said(folded, caplog, monkeypatch)


async def test_digests_of_the_same_rows_twice_are_found(folded: ViewHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = GenerationStore.frozen
    monkeypatch.setattr(GenerationStore, "frozen", lambda self, agent, _: frozen(self, agent, 2))
    opened = await folded.open_view()
    await opened.pump()

    with pytest.raises(AssertionError):
        await test_rebuild.test_a_row_that_was_changed_by_hand_is_told_by_the_digests_and_made_good(opened, caplog)


async def test_rows_that_are_rolled_back_to_as_they_were_are_found(folded: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_self: ReadModelBuild) -> None:
        pass

    opened = await folded.open_view()
    await opened.pump()
    await rebuilt(opened)
    monkeypatch.setattr(ReadModelBuild, "_approach", nothing)
    monkeypatch.setattr(ReadModelBuild, "_arrive", nothing)

    with pytest.raises(AssertionError):
        await _rolled_back(folded, opened)


async def _rolled_back(folded: ViewHarness, opened: OpenedView) -> None:
    await test_rebuild.test_rows_that_are_rolled_back_to_were_brought_up_to_date(folded, opened)
