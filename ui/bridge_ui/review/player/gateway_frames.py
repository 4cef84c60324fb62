"""Frame sources of the gateway: JPEGs of plates, versions, test frames and running jobs.

:meth:`GatewayFrameSource.frame` waits for the gateway: call it in a worker thread. Several threads
may call it at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge_core.models.frames import FrameRange
from bridge_ui.core.observable import Observable, Unwatch
from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.jobs import Job
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Result


class GatewayFrameSource(ABC):
    """JPEGs by plate frame number, with the display view applied."""

    def __init__(self, client: Client, key: str, label: str, range: FrameRange) -> None:  # noqa: A002  a range is a range everywhere
        self._client = client
        self.key = key
        """Identifies the source in a cache: the same key and frame always give the same picture."""
        self.label = label
        """``Plate``, ``Upscale v003``"""
        self.range = range
        """The range of plate frames that there are or will be."""

    @property
    @abstractmethod
    def frames(self) -> tuple[int, ...]:
        """The available plate frames, ascending; those of a running job increase."""

    @abstractmethod
    def frame(self, number: int, /) -> bytes:
        """The JPEG of a frame.

        :raises ShotbridgeError: the frame does not exist, or the gateway does not answer.
        """


class PlateFrames(GatewayFrameSource):
    """The plate of a shot, over its work range. ``change_count`` counts changes of its files
    under the same names."""

    def __init__(self, client: Client, shot: Shot, change_count: int = 0) -> None:
        from bridge_core.models.base import fingerprint

        key = f"plate:{fingerprint(shot.plate)}:{change_count}"
        super().__init__(client, key, tr("Plate"), shot.work_range)
        self.shot = shot
        self._frames = tuple(shot.work_range.frames())

    @property
    def frames(self) -> tuple[int, ...]:
        return self._frames

    def frame(self, number: int, /) -> bytes:
        return self._client.plate_proxy(self.shot.plate, number)


class ResultFrames(GatewayFrameSource):
    """A version or a test frame; one without pictures has no frames."""

    def __init__(self, client: Client, result: Result, label: str) -> None:
        rate = next((output.range.rate for output in result.outputs), 24)
        span = FrameRange.of(result.frames[0], result.frames[-1], rate)
        super().__init__(client, f"result:{result.id}", label, span)
        self.result = result

    @property
    def frames(self) -> tuple[int, ...]:
        return self.result.frames if self.result.proxies is not None else ()

    def frame(self, number: int, /) -> bytes:
        return self._client.proxy(self.result.id, number)


class ShiftedFrames(GatewayFrameSource):
    """Pictures of another shot, with ``by`` added to their frame numbers."""

    def __init__(self, source: ResultFrames, by: int) -> None:
        span = FrameRange.of(source.range.first + by, source.range.last + by, source.range.rate)
        super().__init__(source._client, f"{source.key}:{by:+d}", source.label, span)
        self._source, self._by = source, by
        self._frames = tuple(frame + by for frame in source.frames)

    @property
    def frames(self) -> tuple[int, ...]:
        return self._frames

    def frame(self, number: int, /) -> bytes:
        return self._source.frame(number - self._by)


class JobFrames(GatewayFrameSource):
    """The finished frames of a running job; :meth:`add_frames` adds more."""

    def __init__(self, client: Client, job: Job, label: str) -> None:
        super().__init__(client, f"job:{job.id}", label, job.request.shot.work_range)
        self.job = job.id
        self._frames: Observable[tuple[int, ...]] = Observable(())

    @property
    def frames(self) -> tuple[int, ...]:
        return self._frames.value

    def watch(self, callback: Callable[[tuple[int, ...]], None]) -> Unwatch:
        """Call ``callback`` with :attr:`frames` whenever frames are added."""
        return self._frames.watch(callback, immediately=False)

    def add_frames(self, frames: tuple[int, ...]) -> None:
        """Add finished frames."""
        self._frames.set(tuple(sorted({*self._frames.value, *frames})))

    def frame(self, number: int, /) -> bytes:
        return self._client.job_proxy(self.job, number)
