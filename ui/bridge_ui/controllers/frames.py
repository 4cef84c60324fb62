"""Where a player gets its pictures from: JPEGs of plates, versions, tries and running jobs.

A source knows which frames there are; :meth:`FrameSource.get` fetches one and waits for the
gateway, so it is called in a thread of the player's own. It may be called from several at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from bridge_core.client import Client
    from bridge_core.models.jobs import Job
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Result


class FrameSource(ABC):
    """Pictures by plate frame number, display view baked in, as JPEG."""

    def __init__(self, client: Client, key: str, label: str, rate: Fraction) -> None:
        self._client = client
        self.key = key
        """Tells sources apart in a cache: the same key and frame are the same picture for ever."""
        self.label = label
        """``plate``, ``Upscale v003``."""
        self.rate = rate
        """Frames per second."""

    @property
    @abstractmethod
    def frames(self) -> tuple[int, ...]:
        """The plate frames that there are pictures of by now, ascending; of a running job they
        grow."""

    @abstractmethod
    def get(self, frame: int) -> bytes:
        """The JPEG of a frame.

        :raises ShotbridgeError: there is none, or no gateway.
        """

    @property
    def first(self) -> int:
        return self.frames[0]

    @property
    def last(self) -> int:
        return self.frames[-1]


class PlateFrames(FrameSource):
    """The plate of a shot, over its work range."""

    def __init__(self, client: Client, shot: Shot) -> None:
        from bridge_core.models.base import fingerprint

        key = f"plate:{fingerprint(shot.plate)}"
        super().__init__(client, key, "plate", shot.plate.range.rate)
        self.shot = shot
        self._frames = tuple(shot.work_range.frames())

    @property
    def frames(self) -> tuple[int, ...]:
        return self._frames

    def get(self, frame: int) -> bytes:
        return self._client.plate_proxy(self.shot.plate, frame)


class ResultFrames(FrameSource):
    """A version or a try."""

    def __init__(self, client: Client, result: Result, label: str, rate: Fraction) -> None:
        super().__init__(client, f"result:{result.id}", label, rate)
        self.result = result

    @property
    def frames(self) -> tuple[int, ...]:
        return self.result.frames

    def get(self, frame: int) -> bytes:
        return self._client.proxy(self.result.id, frame)


class JobFrames(FrameSource):
    """What a running job has finished so far; :meth:`grow` is told of more."""

    def __init__(self, client: Client, job: Job, label: str) -> None:
        super().__init__(client, f"job:{job.id}", label, job.request.shot.plate.range.rate)
        self.job = job.id
        self._frames: tuple[int, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        return self._frames

    def grow(self, frames: tuple[int, ...]) -> bool:
        """These are finished by now; whether that is news."""
        grown = tuple(sorted({*self._frames, *frames}))
        news = grown != self._frames
        self._frames = grown
        return news

    def get(self, frame: int) -> bytes:
        return self._client.job_proxy(self.job, frame)
