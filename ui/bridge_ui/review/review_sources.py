"""Frame sources for the choices of a review, and detection of changed plates."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.models.base import fingerprint
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall
from bridge_ui.review.compare.media_choices import PLATE, MediaChoice
from bridge_ui.review.player.frame_sources import (
    FrameSource,
    JobFrames,
    plate_frames,
    result_frames,
)

if TYPE_CHECKING:
    from bridge_core.errors import ShotbridgeError
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import TestFrame, Version
    from bridge_ui.core.session import Session

FileStamps = tuple[tuple[int, int] | None, ...]
"""Size and modification time of each file of a plate; None for a missing file."""


class ReviewSources:
    """Creates sources for choices, and tracks those of running jobs until they are released."""

    def __init__(self, session: Session) -> None:
        self.test_frames: dict[str, TestFrame] = {}
        """The test frames that were fetched, by id."""
        self._session = session
        self._fetching_ids: set[str] = set()
        """Test frames that are being fetched."""
        self._job_frames: dict[str, JobFrames] = {}
        self._plate_call: LatestCall[FileStamps] = LatestCall(session.plate_pool)
        self._stamps: dict[str, FileStamps] = {}
        """Stamps of each plate's files at the last check, by the plate's fingerprint."""
        self._change_counts: dict[str, int] = {}
        """How often each plate has changed, by fingerprint."""

    def source_for(self, choice: MediaChoice, shot: Shot) -> FrameSource:
        """A source with the frame numbers of ``shot``'s plate. A version of another shot is
        shifted, so that both cuts begin on the same frame."""
        client = self._session.client
        if choice.id == PLATE:
            return plate_frames(client, shot, self._change_counts.get(fingerprint(shot.plate), 0))
        if choice.version is not None:
            own_shot = choice.other_shot or shot
            shift = shot.cut_range.first - own_shot.cut_range.first
            return result_frames(client, choice.version, shift)
        if choice.id in self.test_frames:
            return result_frames(client, self.test_frames[choice.id])
        if choice.id not in self._job_frames:
            job = self._session.store.jobs[choice.id]
            self._job_frames[choice.id] = JobFrames(self._session, job)
        return self._job_frames[choice.id]

    def shot_as_sent(self, shot: Shot, version: Version | None) -> Shot | None:
        """The shot in the request of ``version``, or else of its last job; None if there is no
        job. For shots whose plate the host has yet to render."""
        store = self._session.store
        job = store.jobs.get(version.job_id) if version is not None else None
        jobs = [job] if job is not None else store.jobs_of(shot.id)
        return jobs[-1].request.shot if jobs else None

    def fetch_test_frames(self, shot: Shot, on_changed: Callable[[], None]) -> None:
        """Fetch each test frame of a shot once; ``on_changed`` is called for each."""
        client = self._session.client
        for job in self._session.store.jobs_of(shot.id):
            frame_id = job.test_frame_id
            if frame_id is None or frame_id in self.test_frames or frame_id in self._fetching_ids:
                continue
            self._fetching_ids.add(frame_id)

            def fetched(test_frame: TestFrame) -> None:
                self._fetching_ids.discard(test_frame.id)
                self.test_frames[test_frame.id] = test_frame
                on_changed()

            def failed(_: ShotbridgeError, frame_id: str = frame_id) -> None:
                self._fetching_ids.discard(frame_id)

            def fetch(_: BackgroundTask, frame_id: str = frame_id) -> TestFrame:
                return client.test_frame(frame_id)

            self._session.request_pool.run(fetch, fetched, failed)

    def keep_only(self, choice_ids: Collection[str]) -> None:
        """Stop tracking all jobs except these."""
        for choice_id in self._job_frames.keys() - set(choice_ids):
            self._job_frames.pop(choice_id).close()

    def check_plate(self, shot: Shot, on_changed: Callable[[], None]) -> None:
        """Check whether the plate's files have changed; if so, its source gets another key and
        ``on_changed`` is called. Files that only the gateway can see are never reported."""
        plate, key = shot.plate, fingerprint(shot.plate)
        frames = shot.work_range

        def read_stamps(_: object) -> FileStamps:
            paths = dict.fromkeys(plate.path_at(frame) for frame in frames.frames())
            return tuple(_file_stamp(path) for path in paths)

        def stamps_read(stamps: FileStamps) -> None:
            previous = self._stamps.get(key)
            self._stamps[key] = stamps
            if previous is not None and previous != stamps:
                self._change_counts[key] = self._change_counts.get(key, 0) + 1
                on_changed()

        self._plate_call.run(read_stamps, stamps_read)

    def close(self) -> None:
        self._plate_call.cancel()
        self.keep_only(())


def _file_stamp(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).expanduser().stat()
    except (OSError, RuntimeError):  # RuntimeError: ``~`` without a home directory
        return None
    return status.st_size, status.st_mtime_ns
