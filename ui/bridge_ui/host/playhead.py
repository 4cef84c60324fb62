"""Which frame of which plate somebody looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.hosts.base import Capability

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host
    from bridge_core.models.shots import Shot, ShotId


@dataclass(frozen=True, slots=True)
class ViewedFrame:
    """A frame of a shot's plate, in its numbering."""

    shot: ShotId
    frame: int

    def is_within(self, shot: Shot) -> bool:
        """Whether this is a frame of what would be sent of ``shot``."""
        return shot.id == self.shot and self.frame in shot.work_range


def has_playhead(host: Host) -> bool:
    """The host can be asked for its frame here and now: it has one, and has it in memory."""
    return Capability.PLAYHEAD in host.capabilities and (
        Capability.ANY_THREAD not in host.capabilities
    )


def find_viewed_frame(host: Host, shots: Iterable[Shot]) -> ViewedFrame | None:
    """What the host shows of the first of these shots that it shows; with handles, where the shot
    has no retime. None: it shows none of them."""
    record = host.current_frame() if has_playhead(host) else None
    if record is None:
        return None
    for shot in shots:
        frame = shot.plate_frame(record)
        if frame is not None:
            return ViewedFrame(shot.id, frame)
    return None
