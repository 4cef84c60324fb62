"""A placement that was checked against the host's scene, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import HostError
from bridge_core.hosts.base import item_gone_error
from bridge_core.version_fit import require_fitting_output

if TYPE_CHECKING:
    from bridge_core.hosts.base import HostShot, Placement, PlacementMode
    from bridge_core.models.versions import ResultOutput, Version


def version_title(service: str, output: str, label: str) -> str:
    """``upscale v003``; with the output's name if it is not the main one: ``matte alpha v001``."""
    return " ".join(filter(None, (service, "" if output == "main" else output, label)))


@dataclass(frozen=True, slots=True)
class PlacementPlan:
    """A placement that fits its shot."""

    host_shot: HostShot
    placement: Placement
    output: ResultOutput
    mode_id: str
    """The host's default mode if the placement names none; empty if the host has no modes."""

    @property
    def version(self) -> Version:
        return self.placement.version

    @property
    def title(self) -> str:
        """See :func:`version_title`."""
        return version_title(self.version.service, self.output.name, self.version.label)

    @property
    def folder(self) -> Path:
        return self.placement.folder or Path(self.version.folder)

    @property
    def path(self) -> str:
        """The output's files, with a frame number as ``%04d``."""
        return str(self.folder / self.output.pattern)

    @property
    def is_movie(self) -> bool:
        from bridge_core.models.media import is_movie

        return is_movie(self.output.pattern)

    @property
    def frame_offsets(self) -> tuple[int, int]:
        """The first frame that the cut shows, and the frame after the last one, both counted from
        the output's first frame."""
        cut_range = self.host_shot.shot.cut_range
        first = cut_range.first - self.output.range.first
        return first, first + cut_range.count


def plan_placement(
    host_shot: HostShot | None, placement: Placement, modes: Sequence[PlacementMode], *, where: str
) -> PlacementPlan:
    """Check a placement. Hosts plan all placements before they make the first.

    :param host_shot: the shot with the placement's item id; None if the scene has none.
    :param modes: the host's placement modes, the default first; a host may have none.
    :param where: the scene, for messages: a script, a file, a timeline.
    :raises HostError: the item or the mode does not exist, the version was made for another shot,
        or the output does not fit (:func:`bridge_core.version_fit.require_fitting_output`).
    """
    version = placement.version
    if host_shot is None:
        raise item_gone_error(placement.item_id, where, "place the version from the shot list")
    mode_ids = [mode.id for mode in modes]
    mode_id = placement.mode_id or (mode_ids[0] if mode_ids else "")
    if placement.mode_id and mode_id not in mode_ids:
        next_step = f"choose one of {', '.join(mode_ids)}"
        if not mode_ids:
            next_step = "place it without a mode: this host has none"
        message = f"there is no placement mode {mode_id!r}"
        raise HostError(message, where=where, next_step=next_step)
    label, shot = host_shot.label or host_shot.item_id, host_shot.shot
    if version.shot != shot.id:
        title = f"{version.service} {version.label}"
        message = f"{title} was made for {version.shot}, and {label} is {shot.id}"
        next_step = "open the scene that the shot was sent from, and place the version there"
        raise HostError(message, where=where, next_step=next_step)
    output = require_fitting_output(version, placement.output, shot, where=f"{where}, {label}")
    return PlacementPlan(host_shot, placement, output, mode_id)
