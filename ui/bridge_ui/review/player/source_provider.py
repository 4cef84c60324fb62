"""The pictures of what can be A or B in a review, and whether a plate is still what it was."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.models.base import fingerprint
from bridge_ui.core.workers import BackgroundTask, LatestCall
from bridge_ui.review.compare.media_choices import PLATE, MediaChoice
from bridge_ui.review.player.gateway_frames import (
    GatewayFrameSource,
    PlateFrames,
    ResultFrames,
    ShiftedFrames,
)
from bridge_ui.review.player.job_frame_tracker import JobFrameTracker

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import TestFrame, Version
    from bridge_ui.core.session import Session

FileStamps = tuple[tuple[int, int] | None, ...]
"""Size and time of each of a plate's files; None: it is not there."""


class SourceProvider:
    """Makes sources of choices; those of running jobs are followed until they are let go."""

    def __init__(self, session: Session) -> None:
        self.test_frames: dict[str, TestFrame] = {}
        """What was tried, as far as it was asked for, by id."""
        self._session = session
        self._fetching_ids: set[str] = set()
        """Ids of tries that are on their way."""
        self._job_trackers: dict[str, JobFrameTracker] = {}
        self._plate_call: LatestCall[FileStamps] = LatestCall(session.plate_pool)
        self._stamps: dict[str, FileStamps] = {}
        """What the files of a plate were when they were last looked at, by its fingerprint."""
        self._editions: dict[str, int] = {}

    def source_for(self, choice: MediaChoice, shot: Shot) -> GatewayFrameSource:
        """In the numbering of ``shot``'s plate; a version of another shot is laid beside it, so
        that both cuts begin on the same frame."""
        client = self._session.client
        if choice.id == PLATE:
            return PlateFrames(client, shot, self._editions.get(fingerprint(shot.plate), 0))
        if choice.version is not None:
            source = ResultFrames(client, choice.version, choice.label)
            if choice.other_shot is None:
                return source
            return ShiftedFrames(source, shot.cut_range.first - choice.other_shot.cut_range.first)
        if choice.id in self.test_frames:
            return ResultFrames(client, self.test_frames[choice.id], choice.label)
        if choice.id not in self._job_trackers:
            job = self._session.store.jobs[choice.id]
            self._job_trackers[choice.id] = JobFrameTracker(self._session, job, choice.label)
        return self._job_trackers[choice.id].source

    def shot_as_sent(self, shot: Shot, version: Version | None) -> Shot | None:
        """A shot whose plate the host renders, as it was when ``version``, or else its last job,
        was asked for; None: nothing is known of any."""
        board = self._session.store
        job = board.jobs.get(version.job_id) if version is not None else None
        jobs = [job] if job is not None else board.jobs_of(shot.id)
        return jobs[-1].request.shot if jobs else None

    def fetch_test_frames(self, shot: Shot, on_changed: Callable[[], None]) -> None:
        """What was tried of a shot, once for each; ``changed`` is told when one has come."""
        client = self._session.client
        for job in self._session.store.jobs_of(shot.id):
            which = job.test_frame_id
            if which is None or which in self.test_frames or which in self._fetching_ids:
                continue
            self._fetching_ids.add(which)

            def fetched(found: TestFrame) -> None:
                self._fetching_ids.discard(found.id)
                self.test_frames[found.id] = found
                on_changed()

            def failed(_: ShotbridgeError, which: str = which) -> None:
                self._fetching_ids.discard(which)

            def ask(_: BackgroundTask, which: str = which) -> TestFrame:
                return client.test_frame(which)

            self._session.request_pool.run(ask, fetched, failed)

    def keep_only(self, which: Collection[str]) -> None:
        """Let go of all jobs but these."""
        for gone in self._job_trackers.keys() - set(which):
            self._job_trackers.pop(gone).close()

    def check_plate(self, shot: Shot, on_changed: Callable[[], None]) -> None:
        """See whether the plate's files are what they were; ``changed`` is told if not, and from
        then on the plate's source is another one. Its files may lie where only the gateway sees
        them: then nothing is ever told."""
        plate, key = shot.plate, fingerprint(shot.plate)
        frames = shot.work_range

        def read_stamps(_: object) -> FileStamps:
            paths = dict.fromkeys(plate.path_at(frame) for frame in frames.frames())
            return tuple(_file_stamp(path) for path in paths)

        def stamps_read(stamp: FileStamps) -> None:
            before = self._stamps.get(key)
            self._stamps[key] = stamp
            if before is not None and before != stamp:
                self._editions[key] = self._editions.get(key, 0) + 1
                on_changed()

        self._plate_call.run(read_stamps, stamps_read)

    def close(self) -> None:
        self._plate_call.cancel()
        self.keep_only(())


def _file_stamp(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).expanduser().stat()
    except (OSError, RuntimeError):  # RuntimeError: there is no home for the path's ``~``
        return None
    return status.st_size, status.st_mtime_ns
