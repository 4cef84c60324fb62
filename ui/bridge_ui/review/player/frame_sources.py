"""What the player can show: JPEGs of plates, versions, test frames and running jobs.

:meth:`FrameSource.frame` waits for the gateway: call it in a worker thread. Several threads may
call it at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from bridge_ui.core.observable import Observable, Unwatch, unwatch_all
from bridge_ui.core.thread_pool import LatestCall

if TYPE_CHECKING:
    from bridge_core.client import Client
    from bridge_core.models.jobs import Job, JobFrame
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import Result
    from bridge_ui.core.session import Session
    from bridge_ui.core.store import StoreChange


class FrameSource(Protocol):
    """Pictures by plate frame number, with the display view applied."""

    @property
    def key(self) -> str:
        """Identifies the source in a cache: the same key and frame always give the same picture."""

    @property
    def frames(self) -> tuple[int, ...]:
        """The available frames, ascending; those of a running job increase."""

    def frame(self, number: int, /) -> bytes:
        """A frame as JPEG.

        :raises Exception: the frame cannot be loaded now; it is requested again later.
        """


def has_frame(source: FrameSource, frame: int) -> bool:
    """Whether a source has a frame."""
    frames = source.frames
    index = bisect_left(frames, frame)
    return index < len(frames) and frames[index] == frame


@dataclass(frozen=True)
class GatewayFrames:
    """Frames that do not change; ``load`` gets one from the gateway by its number there."""

    key: str
    frames: tuple[int, ...]
    load: Callable[[int], bytes]
    shift: int = 0
    """Added to the gateway's frame numbers."""

    def frame(self, number: int, /) -> bytes:
        return self.load(number - self.shift)


def plate_frames(client: Client, shot: Shot, change_count: int = 0) -> GatewayFrames:
    """The plate of a shot, over its work range. ``change_count`` counts changes of its files
    under the same names."""
    from bridge_core.models.base import fingerprint

    key = f"plate:{fingerprint(shot.plate)}:{change_count}"
    load = partial(client.plate_proxy, shot.plate)
    return GatewayFrames(key, tuple(shot.work_range.frames()), load)


def result_frames(client: Client, result: Result, shift: int = 0) -> GatewayFrames:
    """A version or a test frame, without frames if it has no pictures; ``shift`` is added to its
    frame numbers."""
    numbers = result.frames if result.proxies is not None else ()
    frames = tuple(frame + shift for frame in numbers)
    load = partial(client.proxy, result.id)
    return GatewayFrames(f"result:{result.id}:{shift:+d}", frames, load, shift)


class JobFrames:
    """The finished frames of a running job, kept up to date until :meth:`close`."""

    def __init__(self, session: Session, job: Job) -> None:
        self.key = f"job:{job.id}"
        self._session, self._job_id = session, job.id
        self._frames: Observable[tuple[int, ...]] = Observable(())
        self._frames_call: LatestCall[list[JobFrame]] = LatestCall(session.request_pool)
        self._done_count = -1
        self.close = unwatch_all(session.store.watch(self._store_changed), self._frames_call.cancel)
        self._fetch()

    @property
    def frames(self) -> tuple[int, ...]:
        return self._frames.value

    def frame(self, number: int, /) -> bytes:
        return self._session.client.job_proxy(self._job_id, number)

    def watch(self, callback: Callable[[tuple[int, ...]], None]) -> Unwatch:
        """Call ``callback`` with :attr:`frames` whenever frames are added."""
        return self._frames.watch(callback, immediately=False)

    def _store_changed(self, change: StoreChange) -> None:
        if self._job_id in change.jobs:
            self._fetch()

    def _fetch(self) -> None:
        job = self._session.store.jobs.get(self._job_id)
        done = job.progress.done if job is not None else 0
        # A new call would cancel the running one, and a slow gateway would never get to answer.
        if self._frames_call.busy or (
            done == self._done_count and job is not None and not job.state.ended
        ):
            return
        self._done_count = done

        def frames_listed(job_frames: list[JobFrame]) -> None:
            listed = {finished.frame for finished in job_frames}
            self._frames.set(tuple(sorted(listed.union(self.frames))))
            now = self._session.store.jobs.get(self._job_id)
            if now is not None and now.progress.done != self._done_count and not now.state.ended:
                self._fetch()

        client, job_id = self._session.client, self._job_id
        self._frames_call.run(lambda _: client.job_frames(job_id), frames_listed)
