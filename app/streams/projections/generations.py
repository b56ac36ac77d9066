"""Generations of a read model's rows: the live one, the one being built beside it, and the previous one (docs/decisions/0018)."""

from msgspec import Struct
from msgspec.structs import replace

from app.errors import FoldstreamError
from app.streams.state.table import Table

Digests = tuple[str, str]
"""Digests of the rows before and after a switch, at the same position."""


class NothingToRollBackTo(FoldstreamError):  # noqa: N818 (what it is)
    """No previous rows exist to which a rollback could return."""


class BuildInProgress(FoldstreamError):  # noqa: N818 (what it is)
    """Another build is in progress."""


class Generation(Struct, frozen=True):
    """Rows projected by code of one fingerprint. The number is part of their keys and is never used again."""

    number: int
    fingerprint: str


class Build(Struct, frozen=True):
    """Build of the rows of a generation."""

    generation: Generation
    rebuild: str = ""
    """Id of the request; empty if the build started because of new code."""
    back: bool = False
    """True if the build continues from the previous rows."""
    paused: bool = False
    fault: str = ""
    """Reason why the build cannot continue. A request with another id starts again from the beginning."""


class Switched(Struct, frozen=True):
    """Outcome of the last build. It has no digests if other code had projected the rows before."""

    rebuild: str
    generation: int
    digests: Digests | None = None
    parked: int = 0
    """Events missing in the rows, because they could not be projected or wait behind such an event."""


class Generations(Struct, frozen=True):
    """Generations of one read model in one partition."""

    highest: int = 0
    live: Generation | None = None
    build: Build | None = None
    kept: Generation | None = None
    last: Switched | None = None

    def shows(self, fingerprint: str) -> bool:
        """Return True if code of this fingerprint projected the live rows."""
        return self.live is not None and self.live.fingerprint == fingerprint

    @property
    def numbers(self) -> set[int]:
        """Numbers of the generations that have rows."""
        found = (self.live, self.kept, self.build.generation if self.build else None)
        return {generation.number for generation in found if generation is not None}

    @property
    def active(self) -> bool:
        """True while there is something to build."""
        return self.build is not None and not self.build.paused and not self.build.fault

    def begun(self, fingerprint: str) -> "Generations":
        """Return the state of a new disk, on which the first generation is live at once."""
        return replace(self, highest=self.highest + 1, live=Generation(self.highest + 1, fingerprint))

    def opened(self, fingerprint: str) -> "Generations":
        """Return the state after code of this fingerprint opens the store.

        Builds of other code are abandoned, rows of other code are hidden, and a build or rollback resumes or starts if needed.
        """
        rebuild = self.build.rebuild if self.build else ""
        mine = self if self.build is None or self.build.generation.fingerprint == fingerprint else replace(self, build=None)
        if mine.build is not None or (mine.shows(fingerprint) and not rebuild):
            return mine
        if mine.kept is not None and mine.kept.fingerprint == fingerprint and not mine.shows(fingerprint):
            return mine.rolled_back(rebuild, fingerprint)
        return mine.rebuilt(rebuild, fingerprint)

    def rebuilt(self, rebuild: str, fingerprint: str) -> "Generations":
        """Return the state with a build from the beginning of the log. All other rows beside the live ones are dropped."""
        number = self.highest + 1
        return replace(self, highest=number, build=Build(Generation(number, fingerprint), rebuild), kept=None)

    def rolled_back(self, rebuild: str, fingerprint: str) -> "Generations":
        """Return the state with a build that continues from the previous rows. Raise NothingToRollBackTo if this code has none."""
        if self.kept is None or self.kept.fingerprint != fingerprint:
            raise NothingToRollBackTo("no earlier rows of this code are kept: `foldstream rebuild` makes new ones; rows of other code are found by that code")
        return replace(self, build=Build(self.kept, rebuild, back=True), kept=None)

    def paused(self, *, paused: bool) -> "Generations":
        """Return the state with the build paused or resumed."""
        return self if self.build is None else replace(self, build=replace(self.build, paused=paused))

    def faulted(self, fault: str) -> "Generations":
        """Return the state with the build stopped for a fault."""
        assert self.build is not None, "a build met it"
        return replace(self, build=replace(self.build, fault=fault))

    def switched(self, digests: Digests | None, parked: int = 0) -> "Generations":
        """Return the state after the switch: the built rows are live, without the events that are parked, and the live ones are kept as previous."""
        assert self.build is not None, "it is done"
        last = Switched(self.build.rebuild, self.build.generation.number, digests, parked)
        return replace(self, live=self.build.generation, build=None, kept=self.live, last=last)


generations = Table[Generations](None, name="generations", value_type=Generations)
"""Generations by agent."""
