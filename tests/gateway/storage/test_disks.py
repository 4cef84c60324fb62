"""Disks that hang delay only the calls that need them, and only for a while."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from job_helpers import DEADLINE, harness, wait_until

from bridge_core.errors import OutsideMediaRoots, StorageUnavailable
from bridge_core.models.jobs import JobState
from bridge_core.models.media import SourceFile
from bridge_gateway.jobs import workflow
from bridge_gateway.storage import disks
from bridge_gateway.storage.disks import Disk
from bridge_gateway.storage.media_roots import MediaRoots


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(workflow, "_RETRY_SECONDS", 0.1)


class HangingDisk:
    """System calls on paths below ``folder`` that do not return until :meth:`release`."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.calls = 0
        self._released = threading.Event()

    def wrap(self, real: Any) -> Any:
        def call(path: Any, *args: Any, **kwargs: Any) -> Any:
            hangs = self.folder is not None and isinstance(path, str | Path)
            if hangs and str(path).startswith(str(self.folder)):
                self.calls += 1
                assert self._released.wait(DEADLINE)
            return real(path, *args, **kwargs)

        return call

    def release(self) -> None:
        self.folder = None
        self._released.set()


@pytest.fixture
def hanging_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingDisk]:
    hanging = HangingDisk()
    monkeypatch.setattr(os.path, "realpath", hanging.wrap(os.path.realpath))
    monkeypatch.setattr(os, "scandir", hanging.wrap(os.scandir))
    yield hanging
    hanging.release()


def source(path: Path) -> SourceFile:
    stat = path.stat()
    return SourceFile(path=str(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def test_a_call_returns_or_raises(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert disk.run(lambda: 3) == 3
    for error in (ValueError("its own"), TimeoutError("its own")):

        def fail(error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error), match="its own"):
            disk.run(fail)


def test_hanging_threads_are_limited_and_nobody_else_waits(tmp_path: Path) -> None:
    disk, answers = Disk(tmp_path), threading.Event()

    def refused(_: int) -> float:
        started = time.monotonic()
        with pytest.raises(StorageUnavailable, match="does not answer") as caught:
            disk.run(answers.wait)
        assert caught.value.where == str(tmp_path) and caught.value.next_step
        return time.monotonic() - started

    before = threading.active_count()
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(refused, range(40)))
    assert threading.active_count() - before <= disks.THREADS_PER_DISK
    assert refused(0) < 0.2, "at once, while all threads hang"
    answers.set()
    wait_until(lambda: threading.active_count() <= before, "the threads to end")
    assert disk.run(lambda: "available") == "available"


def test_a_root_that_hangs_delays_no_other(tmp_path: Path, hanging_disk: HangingDisk) -> None:
    healthy, hanging = tmp_path / "healthy", tmp_path / "hanging"
    files = []
    for folder in (healthy, hanging):
        folder.mkdir()
        (folder / "plate.exr").touch()
        files.append(source(folder / "plate.exr"))
    roots = MediaRoots([healthy, hanging])
    hanging_disk.folder = hanging
    for call in (
        lambda: roots.resolve(str(hanging / "plate.exr")),
        lambda: roots.is_readable(files[1]),
        lambda: roots.readable_positions(files),
    ):
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert caught.value.where == str(hanging)
    for _ in range(disks.THREADS_PER_DISK):
        with pytest.raises(StorageUnavailable):
            roots.is_readable(files[1])
    assert hanging_disk.calls == disks.THREADS_PER_DISK
    assert roots.readable_positions([files[0]]) == [0]
    with pytest.raises(OutsideMediaRoots):
        roots.resolve("/etc/passwd")
    hanging_disk.release()
    wait_until(lambda: threading.active_count() < disks.THREADS_PER_DISK, "the threads to end")
    assert roots.readable_positions(files) == [0, 1]


def test_a_job_waits_for_its_root_and_can_be_cancelled(
    tmp_path: Path, hanging_disk: HangingDisk
) -> None:
    submission = harness.submission(harness.write_plate(tmp_path))
    runtime = harness.create_runtime(tmp_path)
    runtime.start()
    try:
        hanging_disk.folder = tmp_path / "plates"
        jobs = [
            runtime.jobs.submit(submission, f"the-key-{number}", harness.PRINCIPAL)[0]
            for number in range(2)
        ]
        wait_until(lambda: hanging_disk.calls, "the job to read the plate")
        assert next(one for one in runtime.check_health() if one.name == "queue").ok
        assert runtime.jobs.cancel(jobs[0].id).state is JobState.CANCELLED
        wait_until(
            lambda: runtime.jobs.get_job(jobs[1].id).state is JobState.RUNNING,
            "the next job's turn",
        )
        hanging_disk.release()
        wait_until(lambda: runtime.jobs.get_job(jobs[1].id).state.ended, "the job to end")
        assert runtime.jobs.get_job(jobs[1].id).state is JobState.SUCCEEDED
    finally:
        runtime.stop()


def test_a_library_that_hangs_is_reported_and_does_not_delay_the_stop(
    tmp_path: Path, hanging_disk: HangingDisk
) -> None:
    submission = harness.submission(harness.write_plate(tmp_path))
    runtime = harness.create_runtime(tmp_path)
    runtime.start()
    job, _ = runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)
    wait_until(lambda: runtime.jobs.get_job(job.id).state.ended, "the job to end")
    hanging_disk.folder = tmp_path / "library"
    version = str(runtime.jobs.get_job(job.id).version_id)
    for call in (
        lambda: runtime.jobs.list_frames(job.id),
        lambda: runtime.results.list_files(version),
        lambda: runtime.results.get_lineage(version),
        lambda: runtime.results.find_proxy(version, 1001),
        lambda: runtime.results.find_thumbnail(version),
        lambda: runtime.results.find_file(version, "thumbnail.jpg"),
        lambda: runtime.jobs.find_job_proxy(job.id, 1001),
    ):
        with pytest.raises(StorageUnavailable):
            call()
    assert runtime.results.get_version(version).number == 1
    started = time.monotonic()
    runtime.stop()
    assert time.monotonic() - started < 10


# --- health


def test_health_reports_problems_with_folders(tmp_path: Path, hanging_disk: HangingDisk) -> None:
    (tmp_path / "plates").mkdir()
    runtime = harness.create_runtime(tmp_path)
    runtime.start()
    try:

        def check(name: str) -> Any:
            return next(one for one in runtime.check_health() if one.name.startswith(name))

        assert check("media root").ok and "can be read" in check("media root").message
        for folder, name in (("plates", "media root"), ("library", "library")):
            (tmp_path / folder).rename(tmp_path / "away")
            assert not check(name).ok and check(name).next_step
            assert str(tmp_path / folder) in check(name).name + check(name).message
            (tmp_path / "away").rename(tmp_path / folder)
        assert not [path for path in (tmp_path / "library").iterdir() if path.name != ".work"]
        restore = harness.inject_os_error("bridge_gateway.jobs.health", "atomic_write", 30, 1, 99)
        try:
            assert not check("library").ok and "Read-only" in check("library").message
        finally:
            restore()
    finally:
        runtime.stop()
