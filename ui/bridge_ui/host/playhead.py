"""The plate frame at the playhead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_core.hosts.base import HostCapability

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host
    from bridge_core.models.shots import Shot, ShotId


@dataclass(frozen=True, slots=True)
class ViewedFrame:
    """A frame of a shot's plate, in the plate's numbering."""

    shot: ShotId
    frame: int

    def is_within(self, shot: Shot) -> bool:
        """Whether the frame is in the work range of ``shot``."""
        return shot.id == self.shot and self.frame in shot.work_range


def has_playhead(host: Host) -> bool:
    """Whether the host's current frame can be read synchronously."""
    return HostCapability.PLAYHEAD in host.capabilities and (
        HostCapability.ANY_THREAD not in host.capabilities
    )


def find_viewed_frame(host: Host, shots: Iterable[Shot]) -> ViewedFrame | None:
    """The frame that the host shows of one of these shots, including handles if the shot has no
    retime. None: it shows none of them."""
    record = host.current_frame() if has_playhead(host) else None
    if record is None:
        return None
    for shot in shots:
        frame = shot.plate_frame(record)
        if frame is not None:
            return ViewedFrame(shot.id, frame)
    return None
