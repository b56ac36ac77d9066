"""The generations of a read model's rows: the one that is shown, one that is built beside it, and the one that was shown before (docs/decisions/0018)."""

from msgspec import Struct
from msgspec.structs import replace

from app.errors import FoldstreamError
from app.streams.state.table import Table

Digests = tuple[str, str]
"""Of the rows before and after, where both were equally far."""


class NothingToRollBackTo(FoldstreamError):  # noqa: N818 (what it is)
    """There are no rows to go back to."""


class BuildInProgress(FoldstreamError):  # noqa: N818 (what it is)
    """Something else is being built."""


class Generation(Struct, frozen=True):
    """Rows that code of one fingerprint folded; the number stands in their keys and is never used again."""

    number: int
    fingerprint: str


class Build(Struct, frozen=True):
    """Rows on their way to be shown."""

    generation: Generation
    rebuild: str = ""
    """The id of the request; none when code came that folds in another way."""
    back: bool = False
    """True when it goes on from rows that were shown before."""
    paused: bool = False
    fault: str = ""
    """Why it cannot go on; a request of another id begins anew."""


class Switched(Struct, frozen=True):
    """What became of the last build; there are no digests when other code had folded the rows before."""

    rebuild: str
    generation: int
    digests: Digests | None = None
    parked: int = 0
    """Events that are not in the rows, because they could not be folded or wait behind one."""


class Generations(Struct, frozen=True):
    """Those of one read model in one partition."""

    highest: int = 0
    live: Generation | None = None
    build: Build | None = None
    kept: Generation | None = None
    last: Switched | None = None

    def shows(self, fingerprint: str) -> bool:
        """True if the live rows are what code of this fingerprint folds."""
        return self.live is not None and self.live.fingerprint == fingerprint

    @property
    def numbers(self) -> set[int]:
        """The generations of which there are rows."""
        found = (self.live, self.kept, self.build.generation if self.build else None)
        return {generation.number for generation in found if generation is not None}

    @property
    def active(self) -> bool:
        """True while there is something to build."""
        return self.build is not None and not self.build.paused and not self.build.fault

    def begun(self, fingerprint: str) -> "Generations":
        """Of a new disk: what is folded is shown."""
        return replace(self, highest=self.highest + 1, live=Generation(self.highest + 1, fingerprint))

    def opened(self, fingerprint: str) -> "Generations":
        """By code of this fingerprint: what other code was building is given up, and what other code folded is not shown."""
        rebuild = self.build.rebuild if self.build else ""
        mine = self if self.build is None or self.build.generation.fingerprint == fingerprint else replace(self, build=None)
        if mine.build is not None or (mine.shows(fingerprint) and not rebuild):
            return mine
        if mine.kept is not None and mine.kept.fingerprint == fingerprint and not mine.shows(fingerprint):
            return mine.rolled_back(rebuild, fingerprint)
        return mine.rebuilt(rebuild, fingerprint)

    def rebuilt(self, rebuild: str, fingerprint: str) -> "Generations":
        """A build from the beginning of the log; whatever else is beside the live rows goes."""
        number = self.highest + 1
        return replace(self, highest=number, build=Build(Generation(number, fingerprint), rebuild), kept=None)

    def rolled_back(self, rebuild: str, fingerprint: str) -> "Generations":
        """A build that goes on from the rows that were shown before. NothingToRollBackTo when there are none of this code."""
        if self.kept is None or self.kept.fingerprint != fingerprint:
            raise NothingToRollBackTo("no earlier rows of this code are kept: `foldstream rebuild` makes new ones; rows of other code are found by that code")
        return replace(self, build=Build(self.kept, rebuild, back=True), kept=None)

    def paused(self, *, paused: bool) -> "Generations":
        """Hold the build, or let it go on."""
        return self if self.build is None else replace(self, build=replace(self.build, paused=paused))

    def faulted(self, fault: str) -> "Generations":
        """The build cannot go on."""
        assert self.build is not None, "a build met it"
        return replace(self, build=replace(self.build, fault=fault))

    def switched(self, digests: Digests | None, parked: int = 0) -> "Generations":
        """What was built, without the events that are parked, is shown, and what was shown is kept."""
        assert self.build is not None, "it is done"
        last = Switched(self.build.rebuild, self.build.generation.number, digests, parked)
        return replace(self, live=self.build.generation, build=None, kept=self.live, last=last)


generations = Table[Generations](None, name="generations", value_type=Generations)
"""By agent."""
