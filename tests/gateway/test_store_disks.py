"""Disks that hang: each holds up only who needs it, and only for a while."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from running_jobs import DEADLINE, killable, until

from bridge_core.errors import OutsideRoots, StorageUnavailable
from bridge_core.models.jobs import JobState
from bridge_core.models.media import SourceFile
from bridge_gateway.jobs import workflow
from bridge_gateway.store import disks
from bridge_gateway.store.disks import Disk
from bridge_gateway.store.roots import Roots


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(workflow, "_RETRY_SECONDS", 0.1)


class Hanging:
    """System calls on paths below ``folder`` that do not return until :meth:`answer`."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.calls = 0
        self._answers = threading.Event()

    def wrap(self, real: Any) -> Any:
        def call(path: Any, *args: Any, **kwargs: Any) -> Any:
            hangs = self.folder is not None and isinstance(path, str | Path)
            if hangs and str(path).startswith(str(self.folder)):
                self.calls += 1
                assert self._answers.wait(DEADLINE)
            return real(path, *args, **kwargs)

        return call

    def answer(self) -> None:
        self.folder = None
        self._answers.set()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    hanging = Hanging()
    monkeypatch.setattr(os.path, "realpath", hanging.wrap(os.path.realpath))
    monkeypatch.setattr(os, "scandir", hanging.wrap(os.scandir))
    yield hanging
    hanging.answer()


def source(path: Path) -> SourceFile:
    found = path.stat()
    return SourceFile(path=str(path), size=found.st_size, mtime_ns=found.st_mtime_ns)


def test_a_call_gives_what_it_gives(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert disk.run(lambda: 3) == 3
    for error in (ValueError("its own"), TimeoutError("its own")):

        def fail(error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error), match="its own"):
            disk.run(fail)


def test_only_so_many_threads_hang_and_nobody_else_waits(tmp_path: Path) -> None:
    disk, answers = Disk(tmp_path), threading.Event()

    def refused(_: int) -> float:
        begun = time.monotonic()
        with pytest.raises(StorageUnavailable, match="does not answer") as caught:
            disk.run(answers.wait)
        assert caught.value.where == str(tmp_path) and caught.value.next_step
        return time.monotonic() - begun

    before = threading.active_count()
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(refused, range(40)))
    assert threading.active_count() - before <= disks.THREADS
    assert refused(0) < 0.2, "told at once, while all threads hang"
    answers.set()
    until(lambda: threading.active_count() <= before, "the threads to end")
    assert disk.run(lambda: "well again") == "well again"


def test_one_root_that_hangs_holds_up_no_other(tmp_path: Path, hanging: Hanging) -> None:
    well, dead = tmp_path / "well", tmp_path / "dead"
    files = []
    for folder in (well, dead):
        folder.mkdir()
        (folder / "plate.exr").touch()
        files.append(source(folder / "plate.exr"))
    roots = Roots([well, dead])
    hanging.folder = dead
    for look in (
        lambda: roots.resolve(str(dead / "plate.exr")),
        lambda: roots.readable(files[1]),
        lambda: roots.readable_among(files),
    ):
        with pytest.raises(StorageUnavailable) as caught:
            look()
        assert caught.value.where == str(dead)
    for _ in range(disks.THREADS):
        with pytest.raises(StorageUnavailable):
            roots.readable(files[1])
    assert hanging.calls == disks.THREADS
    assert roots.readable_among([files[0]]) == [0]
    with pytest.raises(OutsideRoots):
        roots.resolve("/etc/passwd")
    hanging.answer()
    until(lambda: threading.active_count() < disks.THREADS, "the threads to end")
    assert roots.readable_among(files) == [0, 1]


def test_a_job_waits_for_its_root_and_can_be_cancelled(tmp_path: Path, hanging: Hanging) -> None:
    submission = killable.submission(killable.write_plate(tmp_path))
    desk = killable.open_desk(tmp_path)
    desk.start()
    try:
        hanging.folder = tmp_path / "plates"
        jobs = [desk.submit(submission, f"the-key-{number}")[0] for number in range(2)]
        until(lambda: hanging.calls, "the job to look")
        assert next(line for line in desk.health() if line.name == "engine").ok
        assert desk.cancel(jobs[0].id).state is JobState.CANCELLED
        until(lambda: desk.job(jobs[1].id).state is JobState.RUNNING, "the next job's turn")
        hanging.answer()
        until(lambda: desk.job(jobs[1].id).state.ended, "the job to end")
        assert desk.job(jobs[1].id).state is JobState.SUCCEEDED
    finally:
        desk.stop()


def test_a_library_that_hangs_is_told_and_does_not_hold_up_the_end(
    tmp_path: Path, hanging: Hanging
) -> None:
    submission = killable.submission(killable.write_plate(tmp_path))
    desk = killable.open_desk(tmp_path)
    desk.start()
    job, _ = desk.submit(submission, "the-key-1")
    until(lambda: desk.job(job.id).state.ended, "the job to end")
    hanging.folder = tmp_path / "library"
    version = str(desk.job(job.id).version)
    for look in (
        lambda: desk.frames(job.id),
        lambda: desk.files(version),
        lambda: desk.lineage(version),
        lambda: desk.proxy(version, 1001),
        lambda: desk.thumbnail(version),
        lambda: desk.file(version, "thumbnail.jpg"),
        lambda: desk.job_proxy(job.id, 1001),
    ):
        with pytest.raises(StorageUnavailable):
            look()
    assert desk.version(version).number == 1
    begun = time.monotonic()
    desk.stop()
    assert time.monotonic() - begun < 10


# --- health


def test_health_says_what_is_wrong_with_folders(tmp_path: Path, hanging: Hanging) -> None:
    (tmp_path / "plates").mkdir()
    desk = killable.open_desk(tmp_path)
    desk.start()
    try:

        def line(name: str) -> Any:
            return next(line for line in desk.health() if line.name.startswith(name))

        assert line("media root").ok and "can be read" in line("media root").says
        for folder, name in (("plates", "media root"), ("library", "library")):
            (tmp_path / folder).rename(tmp_path / "away")
            assert not line(name).ok and line(name).next_step
            assert str(tmp_path / folder) in line(name).name + line(name).says
            (tmp_path / "away").rename(tmp_path / folder)
        assert not [path for path in (tmp_path / "library").iterdir() if path.name != ".work"]
        mend = killable.plant("bridge_gateway.jobs.health", "new_file", 30, 1, 99)
        try:
            assert not line("library").ok and "Read-only" in line("library").says
        finally:
            mend()
    finally:
        desk.stop()
