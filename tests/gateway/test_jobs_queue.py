"""Queues, restarts and full disks: jobs on desks of their own."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_jobs import DEADLINE, killable, mounted_disk, opened, until, wait

from bridge_core.errors import ConfigError, NotWritable
from bridge_core.models.jobs import Job, JobState
from bridge_gateway.jobs import engine as engine_module
from bridge_gateway.jobs.desk import Desk


def wait_for_frame(desk: Desk, job: Job) -> None:
    until(lambda: desk.frames(job.id), "a frame")


def work(folder: Path) -> list[str]:
    """The jobs that have a work folder."""
    return [path.name.split(".")[0] for path in (folder / "library" / ".work").iterdir()]


def instance(folder: Path) -> str:
    return (folder / "data" / "executor").read_text()


def engine(folder: Path, statement: str, *values: str) -> None:
    """Change what the engine has written down, while nobody has it open."""
    connection = sqlite3.connect(folder / "data" / "engine.sqlite")
    with connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


# --- the queue


def test_jobs_wait_in_line_and_can_be_cancelled_there(tmp_path: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    slow = killable.submission(pattern, parameters={"seconds": 30})
    quick = killable.submission(pattern)
    with opened(tmp_path, workers=1) as desk:
        assert not desk.busy()
        first, _ = desk.submit(slow, "first-key")
        wait(desk, first, JobState.RUNNING)
        second, _ = desk.submit(quick, "second-key")
        third, _ = desk.submit(quick, "third-key")
        assert [desk.job(job.id).queue_position for job in (first, second, third)] == [None, 1, 2]
        assert desk.busy()
        cancelled = desk.cancel(second.id)
        assert cancelled.state is JobState.CANCELLED and cancelled.started is None
        assert desk.job(third.id).queue_position == 1
        assert desk.cancel(first.id).state is JobState.CANCELLED
        assert wait(desk, third).state is JobState.SUCCEEDED
        assert desk.job(second.id) == cancelled
        assert [version.number for version in desk.versions()] == [1]
        assert not desk.busy()


def test_no_more_jobs_at_once_than_workers(tmp_path: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    submission = killable.submission(pattern, parameters={"mood": "hold"})
    with opened(tmp_path, workers=2) as desk:
        jobs = [desk.submit(submission, f"key-{number:05d}")[0] for number in range(6)]
        most, deadline = 0, time.monotonic() + DEADLINE
        while most < 2:
            assert time.monotonic() < deadline
            most = max(most, len(desk.jobs(state=JobState.RUNNING)))
            time.sleep(0.01)
        killable.go_on(tmp_path).touch()
        while any(not desk.job(job.id).state.ended for job in jobs):
            most = max(most, len(desk.jobs(state=JobState.RUNNING)))
            time.sleep(0.01)
        assert most == 2
        assert [version.number for version in desk.versions()] == [1, 2, 3, 4, 5, 6]


def test_nothing_waits_for_the_next_look_at_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "POLLING_SECONDS", 100 * DEADLINE)
    stopped = interrupted(tmp_path)
    submission = killable.submission(killable.write_plate(tmp_path, "020"), shot="020")
    with opened(tmp_path, workers=1) as desk:
        queued = [desk.submit(submission, f"key-{number:05d}")[0] for number in range(3)]
        for job in (stopped, *queued):
            assert wait(desk, job).state is JobState.SUCCEEDED


# --- restarts


def test_draining_lets_a_running_job_end(tmp_path: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    desk = killable.open_desk(tmp_path, workers=1)
    desk.start()
    job, _ = desk.submit(killable.submission(pattern, parameters={"seconds": 0.2}), "the-key-1")
    wait_for_frame(desk, job)
    desk.stop(drain_seconds=DEADLINE)
    with opened(tmp_path) as desk:
        assert desk.job(job.id).state is JobState.SUCCEEDED
        assert desk.job(job.id).progress.attempt == 1


def test_leftovers_are_swept_and_work_in_progress_is_kept(tmp_path: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    desk = killable.open_desk(tmp_path)
    desk.start()
    job, _ = desk.submit(killable.submission(pattern, parameters={"mood": "hold"}), "the-key-1")
    wait_for_frame(desk, job)
    desk.stop()
    assert work(tmp_path) == [job.id]
    gone = tmp_path / "library" / ".work" / f"of-a-job-long-gone.{instance(tmp_path)}"
    (gone / "pictures").mkdir(parents=True)
    with opened(tmp_path) as desk:
        assert work(tmp_path) == [job.id]
        assert desk.job_proxy(job.id, 1001).is_file()
        killable.go_on(tmp_path).touch()
        assert wait(desk, job).state is JobState.SUCCEEDED
    assert work(tmp_path) == []


@pytest.mark.parametrize("status", ["ERROR", "SUCCESS", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"])
def test_a_job_that_the_engine_gave_up_ends(tmp_path: Path, status: str) -> None:
    job = interrupted(tmp_path)
    engine(
        tmp_path, "UPDATE workflow_status SET status = ? WHERE workflow_uuid = ?", status, job.id
    )
    with opened(tmp_path) as desk:
        ended = desk.job(job.id)
        assert ended.state is JobState.FAILED and ended.problem is not None
        assert ended.problem.code == "gateway_fault" and ended.problem.next_step
    assert work(tmp_path) == []


def test_a_job_that_was_cancelled_in_the_engine_only_ends(tmp_path: Path) -> None:
    job = interrupted(tmp_path)
    engine(
        tmp_path, "UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = ?", job.id
    )
    with opened(tmp_path) as desk:
        assert desk.job(job.id).state is JobState.CANCELLED
    assert work(tmp_path) == []


def test_a_job_begun_by_another_version_begins_anew(tmp_path: Path) -> None:
    job = interrupted(tmp_path)
    engine(
        tmp_path,
        "UPDATE workflow_status SET application_version = '0' WHERE workflow_uuid = ?",
        job.id,
    )
    with opened(tmp_path) as desk:
        ended = wait(desk, job)
        assert ended.state is JobState.SUCCEEDED, ended.problem
        assert [version.number for version in desk.versions()] == [1]
    # Frames of the other version's attempt are kept.
    frames = (tmp_path / "frames.log").read_text().split()
    assert sorted(frames) == [str(frame) for frame in range(1001, 1007)]


def interrupted(folder: Path) -> Job:
    """A job in the middle of its frames, its gateway stopped; it goes on with the next one."""
    pattern = killable.write_plate(folder)
    desk = killable.open_desk(folder)
    desk.start()
    job, _ = desk.submit(killable.submission(pattern, parameters={"mood": "hold"}), "the-key-1")
    wait_for_frame(desk, job)
    desk.stop()
    killable.go_on(folder).touch()
    return job


def test_a_template_that_cannot_be_filled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        killable.open_desk(tmp_path, file_name="{shot}_{artist}_{version}")
    assert "{artist}" in caught.value.what and caught.value.where == "gateway.file_name"


def test_templates_of_a_studio(tmp_path: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    settings = {
        "version_folder": "{show}/shots/{sequence}/{sequence}_{shot}/{service}/{version}/exr",
        "file_name": "{show}_{shot}_{version}",
    }
    with opened(tmp_path, **settings) as desk:
        job, _ = desk.submit(killable.submission(pattern), "the-key-1")
        version = desk.version(str(wait(desk, job).version))
        assert version.folder == str(tmp_path / "library/show/shots/sq/sq_010/copy/v001/exr")
        assert desk.file(version.id, "show_010_v001.1001.exr").is_file()


# --- disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 10 MB of its own."""
    with mounted_disk(tmp_path / "disk", "10m") as disk:
        yield disk


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path, small_disk: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    library = small_disk / "library"
    with opened(tmp_path, library_dir=library) as desk:
        job, _ = desk.submit(killable.submission(pattern, parameters={"mood": "fill"}), "key-fill")
        job = wait(desk, job)
        assert job.state is JobState.FAILED and job.problem is not None
        assert job.problem.code == "disk_full"
        # Each of six frames takes 4 MB, and 10 MB are there.
        assert 20_000_000 < job.problem.details["needed_bytes"] < 40_000_000  # type: ignore[operator]
        assert job.problem.details["free_bytes"] < 10_500_000  # type: ignore[operator]
        deadline = time.monotonic() + DEADLINE
        while [path for path in library.rglob("*") if path.is_file()]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert desk.versions() == []
        # What fits is still made, and gets the first number.
        job, _ = desk.submit(killable.submission(pattern), "key-fits")
        assert desk.version(str(wait(desk, job).version)).number == 1


def test_a_job_that_cannot_fit_does_not_begin(tmp_path: Path, small_disk: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    submission = killable.submission(pattern).model_dump(mode="json")
    submission["request"]["shot"]["plate"] |= {"width": 4096, "height": 2160}
    with opened(tmp_path, library_dir=small_disk / "library") as desk:
        given = type(killable.submission(pattern)).model_validate(submission)
        job = wait(desk, desk.submit(given, "key-large")[0])
        assert job.problem is not None and job.problem.code == "disk_full"
        assert job.problem.details["needed_bytes"] == 6 * 4096 * 2160 * 8
    assert not (tmp_path / "frames.log").exists()


def test_a_library_that_nobody_may_write_to(tmp_path: Path, small_disk: Path) -> None:
    pattern = killable.write_plate(tmp_path)
    with opened(tmp_path, library_dir=small_disk / "library") as desk:
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        job = wait(desk, desk.submit(killable.submission(pattern), "key-read-only")[0])
        assert job.problem is not None and job.problem.code == "not_writable"
        assert str(small_disk) in job.problem.where and job.problem.next_step
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        job = wait(desk, desk.submit(killable.submission(pattern), "key-read-write")[0])
        assert job.state is JobState.SUCCEEDED, job.problem
    with pytest.raises(NotWritable):
        killable.open_desk(tmp_path, library_dir=Path("/proc/library")).start()


# --- many at once


def test_readers_and_writers_do_not_wait_for_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Panels ask all the time while jobs run; nothing is locked out."""
    pattern = killable.write_plate(tmp_path)
    submission = killable.submission(pattern, parameters={"seconds": 0.05})
    failures: list[BaseException] = []
    ended = threading.Event()

    def ask(desk: Desk) -> None:
        try:
            while not ended.is_set():
                for job in desk.jobs():
                    desk.frames(job.id)
                desk.events(after=0)
        except BaseException as error:
            failures.append(error)

    with caplog.at_level(logging.WARNING), opened(tmp_path, workers=4) as desk:
        readers = [threading.Thread(target=ask, args=(desk,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        jobs = [desk.submit(submission, f"key-{number:05d}")[0] for number in range(12)]
        states = {wait(desk, job).state for job in jobs}
        ended.set()
        for reader in readers:
            reader.join()
    assert failures == []
    assert states == {JobState.SUCCEEDED}
    assert not [record for record in caplog.records if "locked" in record.getMessage()]
