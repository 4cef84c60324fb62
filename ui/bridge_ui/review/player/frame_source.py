"""What the review room looks at."""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol


class FrameSource(Protocol):
    """Pictures by plate frame number; the sources of :mod:`bridge_ui.review.player.gateway_frames` are such.

    The same key and frame are the same picture for ever.
    """

    @property
    def key(self) -> str: ...

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that there are by now, ascending; of a running job they grow."""

    def frame(self, number: int, /) -> bytes:
        """A frame as JPEG. Called on worker threads, by several at once; may wait for network and
        disk.

        :raises Exception: the frame cannot be had now; it is asked for again later.
        """


def has_frame(source: FrameSource, frame: int) -> bool:
    """Whether a source has a frame."""
    frames = source.frames
    at = bisect_left(frames, frame)
    return at < len(frames) and frames[at] == frame
