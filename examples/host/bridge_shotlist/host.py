"""The host: reads shots from the list, and writes placed versions into it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError
from bridge_core.hosts.base import (
    Host,
    HostCapability,
    HostProblem,
    HostScene,
    HostShot,
    Placement,
    PlacementMode,
    PlacementResult,
)
from bridge_core.hosts.placement_plan import plan_placement

if TYPE_CHECKING:
    from bridge_core.models.frames import FrameRange

PLACEMENT_MODES = (PlacementMode("list", "In the shot list"),)


class ShotListHost(Host):
    """A list in a file, so its methods may be called in any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def title(self) -> str:
        return "Shot list 1.0"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset({HostCapability.PLACE, HostCapability.ANY_THREAD})

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        return PLACEMENT_MODES

    def scene(self) -> HostScene:
        content = self._read()
        shots, problems = [], []
        for entry in content["shots"]:
            host_shot = self._host_shot(content["show"], entry)
            plate, frames = host_shot.shot.plate, host_shot.shot.work_range.frames()
            if all(Path(plate.path_at(frame)).is_file() for frame in frames):
                shots.append(host_shot)
            else:
                problems.append(
                    HostProblem(entry["name"], "its plate has missing frames", "copy them again")
                )
        return HostScene(self._file.name, content["show"], tuple(shots), tuple(problems))

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        items = {item.item_id: item for item in self.scene().shots}
        # All are checked before the list is changed.
        plans = [
            plan_placement(items.get(p.item_id), p, PLACEMENT_MODES, where=str(self._file))
            for p in placements
        ]
        content = self._read()
        entries = {entry["name"]: entry for entry in content["shots"]}
        for plan in plans:
            versions = entries[plan.host_shot.item_id].setdefault("versions", [])
            placed = {"id": plan.version.id, "path": plan.path}
            if placed not in versions:
                versions.append(placed)
        self._write(content)
        return PlacementResult(f"{len(plans)} in {self._file.name}", self._file)

    def _host_shot(self, show: str, entry: dict[str, Any]) -> HostShot:
        # Imported when they are needed: hosts start without pydantic.
        from bridge_core.models.media import Plate
        from bridge_core.models.shots import Shot, ShotId

        plate = Plate(
            path=str(self._file.parent / entry["plate"]),
            range=_range(entry["frames"], entry["rate"]),
        )
        cut_range = _range(entry["cut"], entry["rate"])
        shot = Shot(
            id=ShotId(show=show, sequence="list", shot=entry["name"]),
            plate=plate,
            cut_range=cut_range,
            head_handle=cut_range.first - plate.range.first,
            tail_handle=plate.range.last - cut_range.last,
        )
        ids = tuple(version["id"] for version in entry.get("versions", ()))
        return HostShot(
            shot,
            entry["name"],
            placed_version_ids=ids,
            active_version_id=ids[-1] if ids else "",
        )

    def _read(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise HostError(
                f"the shot list cannot be read: {error}",
                where=str(self._file),
                next_step="check the file",
            ) from error
        return content

    def _write(self, content: dict[str, Any]) -> None:
        partial = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            partial.write_text(json.dumps(content, indent=2), encoding="utf-8")
            partial.replace(self._file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise HostError(
                f"the shot list cannot be written: {error}",
                where=str(self._file),
                next_step="check the permissions of its folder",
            ) from error


def _range(frames: Sequence[int], rate: int) -> FrameRange:
    from bridge_core.models.frames import FrameRange

    first, last = frames
    return FrameRange.of(first, last, rate)
