"""The interface of everything that the player can show."""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol


class FrameSource(Protocol):
    """Pictures by plate frame number, as in :mod:`bridge_ui.review.player.gateway_frames`.

    The same key and frame always give the same picture.
    """

    @property
    def key(self) -> str: ...

    @property
    def frames(self) -> tuple[int, ...]:
        """The available frames, ascending; those of a running job increase."""

    def frame(self, number: int, /) -> bytes:
        """A frame as JPEG. Called in several worker threads at once; may block.

        :raises Exception: the frame cannot be loaded now; it is requested again later.
        """


def has_frame(source: FrameSource, frame: int) -> bool:
    """Whether a source has a frame."""
    frames = source.frames
    at = bisect_left(frames, frame)
    return at < len(frames) and frames[at] == frame
