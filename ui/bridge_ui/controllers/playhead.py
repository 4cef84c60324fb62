"""Which frame of a plate the host shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge_core.host import Capability

if TYPE_CHECKING:
    from bridge_core.host import Host
    from bridge_core.models.shots import Shot


def has_playhead(host: Host) -> bool:
    """The host can be asked for its frame here and now: it has one, and has it in memory."""
    return Capability.PLAYHEAD in host.capabilities and (
        Capability.ANY_THREAD not in host.capabilities
    )


def plate_frame(host: Host, shots: Iterable[Shot]) -> int | None:
    """The frame, in the plate's numbering, that the host shows of the first of these shots that it
    shows; with handles, where the shot has no retime. None: it shows none of them."""
    record = host.frame() if has_playhead(host) else None
    if record is None:
        return None
    for shot in shots:
        span = shot.record_range
        if span is None:
            continue
        if record in span:
            return list(shot.retime.plate_frames(shot.cut_range, span.count))[record - span.first]
        beside = shot.cut_range.first + record - span.first
        if shot.retime.identity and beside in shot.work_range:
            return beside
    return None
