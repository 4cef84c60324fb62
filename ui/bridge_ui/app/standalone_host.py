"""The host of the standalone panel: a cut in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import bridge_core
from bridge_core.errors import HostError, InvalidRequest
from bridge_core.hosts.base import (
    CutHostShot,
    Host,
    HostCapability,
    HostProblem,
    HostScene,
    HostShot,
    Placement,
    PlacementMode,
    PlacementResult,
)
from bridge_core.system.pacing import paced

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_core.timeline.cut import Cut, CutShot, CutSource, ReferencedVersion

#: Name of the cut with versions, next to the cut.
OUTPUT_NAME = "{stem}_versions.otio"


class StandaloneHost(Host):
    """Works on ``cut``: an OTIO file, or an EDL, FCP XML or AAF if its adapter is installed.

    Versions are placed in another cut next to it, never in the cut itself. ``settings`` may be a
    function that reads them, called on a worker thread when first needed. For ``timeline`` and
    ``rate`` see :func:`bridge_core.timeline.cut_reader.read_cut`.
    """

    def __init__(
        self,
        settings: Settings | Callable[[], Settings],
        cut: Path | None = None,
        *,
        timeline: str | None = None,
        rate: str | None = None,
    ) -> None:
        self._settings_source = settings
        self._given_cut = (cut, timeline, rate) if cut is not None else None
        self._opened: Cut | None = None
        """The cut that was just opened, for the next scene."""

    @property
    def title(self) -> str:
        return f"Shotbridge {bridge_core.__version__}"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset(
            {
                HostCapability.CUT,
                HostCapability.OPEN,
                HostCapability.PLACE,
                HostCapability.ANY_THREAD,
            }
        )

    @property
    def output(self) -> Path | None:
        """The cut in which versions are placed; None if no cut is open."""
        if self._cut is None:
            return None
        return self._cut.path.with_name(OUTPUT_NAME.format(stem=self._cut.path.stem))

    def scene(self) -> HostScene:
        if self._cut is None:
            return HostScene("", self._settings.work.show or "")
        opened, self._opened = self._opened, None
        cut = opened if opened is not None else self._read(self._cut)
        source = self._carrying_source()
        carried = (
            {} if source == self._cut else {i.clip_id: i.versions for i in self._parse(source)}
        )
        return HostScene(
            title=cut.path.name,
            show=cut.show,
            shots=tuple(
                _host_shot(item, carried.get(item.clip_id, item.versions)) for item in paced(cut)
            ),
            problems=HostProblem.all_of_cut(cut),
            cut=cut,
        )

    def open_cut(self, path: Path, *, timeline: str | None = None, rate: str | None = None) -> None:
        source = self._make_source(path, timeline, rate)
        self._opened = self._read(source)
        self._cut = source

    @staticmethod
    def _make_source(path: Path, timeline: str | None, rate: str | None) -> CutSource:
        from bridge_core.models.frames import to_rate
        from bridge_core.timeline.cut import CutSource

        try:
            return CutSource(path, timeline, None if rate is None else to_rate(rate))
        except ValueError as error:
            raise InvalidRequest(
                str(error), where=str(path), next_step="correct the rate that was given for it"
            ) from error

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        return (PlacementMode("cut", "In a separate cut next to this one"),)

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        """Write the cut with these versions to :attr:`output`. Versions placed earlier are kept
        unless the cut was saved since.

        :raises HostError: no cut is open, it has no such clip, or :attr:`output` is a file that
            Shotbridge did not write.
        """
        from bridge_core.hosts.placement_plan import plan_placement
        from bridge_core.timeline.version_writer import PlacedVersion, write_versions

        if self._cut is None or self.output is None:
            raise HostError("no cut is open to place versions in", next_step="open a cut first")
        host_shots = {item.clip_id: _host_shot(item, ()) for item in self._read(self._cut)}
        plans = [
            plan_placement(
                host_shots.get(placement.item_id),
                placement,
                self.placement_modes,
                where=str(self._cut.path),
            )
            for placement in placements
        ]
        self._check_output_path(self.output)
        versions: dict[str, list[PlacedVersion]] = {}
        for plan in plans:
            placement = plan.placement
            folder = str(placement.folder) if placement.folder is not None else None
            versions.setdefault(placement.item_id, []).append(
                PlacedVersion(placement.version, folder, placement.output, placement.notes)
            )
        written = write_versions(
            self._carrying_source(),
            versions,
            self.output,
            show=self._settings.work.show,
            overwrite=True,
        )
        messages = [f"{self.output.name} written next to the cut"]
        messages += map(str, written.short_versions)
        return PlacementResult("; ".join(messages), self.output)

    @staticmethod
    def _check_output_path(output: Path) -> None:
        from bridge_core.timeline.document import has_placed_versions

        if output.exists() and not has_placed_versions(output):
            raise HostError(
                "the cut with versions would replace a file that Shotbridge did not write",
                where=str(output),
                next_step="move or rename that file, then place again",
            )

    def _carrying_source(self) -> CutSource:
        """The file with the versions placed so far: :attr:`output`, unless the cut was saved
        since."""
        assert self._cut is not None
        assert self.output is not None
        cut, output = self._cut, self.output
        if output.exists() and output.stat().st_mtime_ns >= cut.path.stat().st_mtime_ns:
            return replace(cut, path=output)
        return cut

    @cached_property
    def _cut(self) -> CutSource | None:
        """The open cut. Created when it is first read, on a worker thread: it imports pydantic."""
        return None if self._given_cut is None else self._make_source(*self._given_cut)

    @cached_property
    def _settings(self) -> Settings:
        return self._settings_source() if callable(self._settings_source) else self._settings_source

    def _read(self, source: CutSource) -> Cut:
        from bridge_core.timeline.media_check import check_media

        return check_media(self._parse(source))

    def _parse(self, source: CutSource) -> Cut:
        from bridge_core.timeline.cut_reader import read_cut

        work = self._settings.work
        return read_cut(
            source.path,
            show=work.show,
            handles=work.handles,
            rate=source.rate,
            timeline=source.timeline,
        )


def _host_shot(item: CutShot, carried: tuple[ReferencedVersion, ...]) -> HostShot:
    return CutHostShot(
        item,
        placed_version_ids=tuple(one.version for one in carried),
        active_version_id=next((one.version for one in carried if one.is_active), ""),
    )
