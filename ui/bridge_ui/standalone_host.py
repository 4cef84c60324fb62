"""The host of the desktop window: a cut in a file, and no other program around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import bridge_core
from bridge_core.errors import HostError
from bridge_core.host import (
    Capability,
    Host,
    HostProblem,
    HostShot,
    PlaceAs,
    Placed,
    Placement,
    Scene,
)

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_core.timeline.cut import CarriedVersion, Cut, CutProblem, CutShot, CutSource

#: A cut's versions are written beside it under this name.
OUTPUT = "{stem}_versions.otio"


class StandaloneHost(Host):
    """Works on ``cut``: an OTIO file, or an EDL, FCP XML or AAF where its reader is installed.

    Versions are placed in a cut of their own beside it, never in the cut itself. ``settings`` may
    be a function that reads them, called off the main thread when they are first needed.
    ``timeline`` names the one meant in a file with several, ``rate`` is what the cut counts at, as
    in :func:`bridge_core.timeline.reading.read_cut`.
    """

    def __init__(
        self,
        settings: Settings | Callable[[], Settings],
        cut: Path | None = None,
        *,
        timeline: str | None = None,
        rate: str | None = None,
    ) -> None:
        self._given = settings
        self._cut = self._named(cut, timeline, rate) if cut is not None else None

    @property
    def title(self) -> str:
        return f"Shotbridge {bridge_core.__version__}"

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.CUT, Capability.OPEN, Capability.PLACE, Capability.ANY_THREAD})

    @property
    def output(self) -> Path | None:
        """Where versions are placed; None while no cut is open."""
        if self._cut is None:
            return None
        return self._cut.path.with_name(OUTPUT.format(stem=self._cut.path.stem))

    def scene(self) -> Scene:
        if self._cut is None:
            return Scene("", self._settings.work.show or "")
        cut = self._read(self._cut)
        source = self._source()
        carried = {} if source == self._cut else {i.clip: i.versions for i in self._parse(source)}
        return Scene(
            title=cut.path.name,
            show=cut.show,
            shots=tuple(_shot(item, carried.get(item.clip, item.versions)) for item in cut),
            problems=tuple(_told(problem, cut) for problem in cut.problems),
            cut=cut,
        )

    def open(self, path: Path, *, timeline: str | None = None, rate: str | None = None) -> None:
        cut = self._named(path, timeline, rate)
        self._read(cut)
        self._cut = cut

    @staticmethod
    def _named(path: Path, timeline: str | None, rate: str | None) -> CutSource:
        from bridge_core.models.frames import to_rate
        from bridge_core.timeline.cut import CutSource

        return CutSource(path, timeline, None if rate is None else to_rate(rate))

    @property
    def place_as(self) -> tuple[PlaceAs, ...]:
        return (PlaceAs("cut", "In a cut of its own, beside this one"),)

    def place(self, placements: Sequence[Placement]) -> Placed:
        """Write the cut with these versions to :attr:`output`. What an earlier placing put there
        stays, as long as the cut has not been saved anew since.

        :raises HostError: no cut is open, it has no such clip, or :attr:`output` is a file that
            Shotbridge did not write.
        """
        from bridge_core.timeline.writing import PlacedVersion, write_versions

        if self._cut is None or self.output is None:
            raise HostError(
                "no cut is open that versions could be placed in",
                next_step="open a cut first",
            )
        known = {item.clip for item in self._read(self._cut)}
        unknown = sorted({one.handle for one in placements} - known)
        if unknown:
            raise HostError(
                f"the cut has no clip {', '.join(unknown)}",
                where=str(self._cut.path),
                next_step="read the cut again and place by its handles",
            )
        ways = sorted({one.place_as for one in placements} - {"", "cut"})
        if ways:
            raise HostError(
                f"a cut has no other way of placing, and none called {', '.join(ways)}",
                where=str(self._cut.path),
                next_step="choose one of Host.place_as",
            )
        self._check_output(self.output)
        versions: dict[str, list[PlacedVersion]] = {}
        for one in placements:
            folder = str(one.folder) if one.folder is not None else None
            versions.setdefault(one.handle, []).append(
                PlacedVersion(one.version, folder, one.output, one.notes)
            )
        written = write_versions(
            self._source(),
            versions,
            self.output,
            show=self._settings.work.show,
            overwrite=True,
        )
        words = [f"{self.output.name} written, beside the cut", *map(str, written.short)]
        return Placed("; ".join(words), self.output)

    @staticmethod
    def _check_output(output: Path) -> None:
        from bridge_core.timeline.document import is_ours

        if output.exists() and not is_ours(output):
            raise HostError(
                "the cut with versions would replace a file that Shotbridge did not write",
                where=str(output),
                next_step="move or rename that file, then place again",
            )

    def _source(self) -> CutSource:
        """What carries the versions placed so far: :attr:`output`, unless the cut was saved anew
        since."""
        assert self._cut is not None
        assert self.output is not None
        cut, output = self._cut, self.output
        if output.exists() and output.stat().st_mtime_ns >= cut.path.stat().st_mtime_ns:
            return replace(cut, path=output)
        return cut

    @cached_property
    def _settings(self) -> Settings:
        return self._given() if callable(self._given) else self._given

    def _read(self, source: CutSource) -> Cut:
        from bridge_core.timeline.lookup import look_for_media

        return look_for_media(self._parse(source))

    def _parse(self, source: CutSource) -> Cut:
        from bridge_core.timeline.reading import read_cut

        work = self._settings.work
        return read_cut(
            source.path,
            show=work.show,
            handles=work.handles,
            rate=source.rate,
            timeline=source.timeline,
        )


def _shot(item: CutShot, carried: tuple[CarriedVersion, ...]) -> HostShot:
    return HostShot(
        item.shot,
        item.clip,
        item.track,
        placed=tuple(one.version for one in carried),
        in_use=next((one.version for one in carried if one.active), ""),
    )


def _told(problem: CutProblem, cut: Cut) -> HostProblem:
    handle = ""
    if not problem.skipped:
        place = (problem.clip, problem.track, problem.record)
        handle = next((i.clip for i in cut if (i.name, i.track, i.shot.record_range) == place), "")
    return HostProblem(
        source=problem.clip or problem.track,
        what=problem.what,
        next_step=problem.next_step,
        skipped=problem.skipped,
        handle=handle,
        record=problem.record,
    )
