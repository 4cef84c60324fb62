"""Disks and databases that fail for a while: every job continues, or fails with a reason."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from job_helpers import DEADLINE, HARNESS, harness, running_runtime, wait_for_job, wait_until

from bridge_core.errors import ConfigError, InvalidRequest, StorageError, StorageUnavailable
from bridge_core.models.jobs import Job, JobState
from bridge_gateway.db import engine
from bridge_gateway.jobs import reconciler, workflow
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.jobs.steps import publish
from bridge_gateway.library import result_folder

FRAMES = [str(frame) for frame in range(1001, 1007)]


@pytest.fixture(autouse=True)
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short intervals, so that tests do not wait."""
    monkeypatch.setattr(reconciler, "RECONCILE_SECONDS", 0.2)
    monkeypatch.setattr(workflow, "_RETRY_SECONDS", 0.1)
    monkeypatch.setattr(engine, "_BUSY_TIMEOUT_SECONDS", 0.2)


def check_one_version(runtime: JobRuntime, folder: Path, job: Job) -> None:
    """The job succeeded, once, and each of its frames was made once."""
    assert job.state is JobState.SUCCEEDED, job.problem
    assert [version.number for version in runtime.results.list_versions()] == [1]
    assert sorted((folder / "frames.log").read_text().split()) == FRAMES
    wait_until(lambda: not list((folder / "library/.work").iterdir()), "the work folder to go")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process's transaction on a database."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN EXCLUSIVE'); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()


# --- the gateway's own database


def test_a_locked_database_delays_a_job_and_does_not_fail_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locked when all frames are made, for longer than a connection waits."""
    reached, go = threading.Event(), threading.Event()
    real = workflow.run.run_provider

    def run(*args: Any) -> Any:
        value = real(*args)
        reached.set()
        go.wait(DEADLINE)
        return value

    monkeypatch.setattr(workflow.run, "run_provider", run)
    submission = harness.submission(harness.write_plate(tmp_path))
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)
        assert reached.wait(DEADLINE)
        with locked(tmp_path / "data/gateway.sqlite"):
            go.set()
            # Writing fails with a reason; reading is not delayed.
            for call in (
                lambda: runtime.jobs.submit(submission, "the-key-2", harness.PRINCIPAL),
                lambda: runtime.jobs.cancel(job.id),
            ):
                with pytest.raises(StorageUnavailable, match="locked") as caught:
                    call()
                assert caught.value.status == 503 and caught.value.next_step
            assert runtime.jobs.get_job(job.id).state is JobState.RUNNING
            time.sleep(0.5)
        check_one_version(runtime, tmp_path, wait_for_job(runtime, job))


FAILURE_POINTS = [
    ("transitions", "start_job"),
    ("transitions", "record_timing"),
    ("transitions", "record_frame_time"),
    ("transitions", "complete_job"),
    ("publish", "_claim_result"),
    ("publish", "_mark_published"),
]


@pytest.mark.parametrize(("module", "function"), FAILURE_POINTS)
def test_a_database_that_fails_once_at_any_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, function: str
) -> None:
    """Its disk fails, before the write and after it."""
    owner = getattr(workflow, module)
    real = getattr(owner, function)
    calls: list[int] = []

    def failing(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise StorageUnavailable("its disk fails")
        value = real(*args, **kwargs)
        if len(calls) == 2:
            raise StorageUnavailable("its disk fails")
        return value

    monkeypatch.setattr(owner, function, failing)
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(
            harness.submission(harness.write_plate(tmp_path)), "the-key-1", harness.PRINCIPAL
        )
        check_one_version(runtime, tmp_path, wait_for_job(runtime, job))
    assert calls


def test_a_failure_is_stored_once_the_database_is_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = workflow.transitions.fail_job, []

    def failing(*args: Any) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise StorageUnavailable("its disk fails")
        real(*args)

    monkeypatch.setattr(workflow.transitions, "fail_job", failing)
    submission = harness.submission(harness.write_plate(tmp_path), parameters={"behaviour": "fail"})
    with running_runtime(tmp_path) as runtime:
        job = wait_for_job(
            runtime, runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)[0]
        )
    assert job.problem is not None and job.problem.message == "it cannot be done"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (sqlite3.SQLITE_FULL, "full"),
        (sqlite3.SQLITE_IOERR, "fails"),
        (sqlite3.SQLITE_IOERR | 3 << 8, "fails"),
        (sqlite3.SQLITE_READONLY, "read-only"),
        (sqlite3.SQLITE_CORRUPT, "damaged"),
    ],
)
def test_errors_of_the_database_are_explained(tmp_path: Path, code: int, reason: str) -> None:
    """Of SQLite's own errors, whatever their kind."""
    opened_database = engine.Database(engine.sqlite_url(tmp_path / "gateway.sqlite"))
    for reading in (True, False):
        error = sqlite3.OperationalError("a message of SQLite")
        error.sqlite_errorcode = code
        with (
            pytest.raises(StorageUnavailable, match=reason) as caught,
            opened_database.begin_read() if reading else opened_database.begin_write(),
        ):
            raise engine.DBAPIError.instance("SELECT 1", None, error, sqlite3.Error)
        assert caught.value.where == str(tmp_path / "gateway.sqlite")
        assert caught.value.next_step


# --- the queue's database


@pytest.mark.parametrize("step", ["admit", "run", "publish", "settle"])
def test_a_checkpoint_that_cannot_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The job is resumed without a restart, from the step that it was in."""
    from dbos._sys_db import SystemDatabase
    from sqlalchemy.exc import OperationalError

    real, refused = SystemDatabase.record_operation_result, []

    def record(self: Any, result: Any, *args: Any, **kwargs: Any) -> Any:
        if result["function_name"] == step and len(refused) < 2:
            refused.append(1)
            raise OperationalError("INSERT", None, sqlite3.OperationalError("disk I/O error"))
        return real(self, result, *args, **kwargs)

    monkeypatch.setattr(SystemDatabase, "record_operation_result", record)
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(
            harness.submission(harness.write_plate(tmp_path)), "the-key-1", harness.PRINCIPAL
        )
        job = wait_for_job(runtime, job)
        check_one_version(runtime, tmp_path, job)
        # After the last step the row has ended already, and the checkpoint is not needed.
        assert len(refused) == (2 if step != "settle" else 1)
        assert job.progress.attempt == (3 if step != "settle" else 1)


def test_a_job_that_cannot_be_enqueued_begins_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The queue's disk fails while jobs are submitted; submitting works."""
    from bridge_gateway.jobs.queue import JobQueue

    real, broken = JobQueue.enqueue, threading.Event()
    broken.set()

    def enqueue(self: JobQueue, job_id: str, queue: str) -> None:
        if broken.is_set():
            raise OSError(errno.EIO, "disk I/O error")
        real(self, job_id, queue)

    monkeypatch.setattr(JobQueue, "enqueue", enqueue)
    submission = harness.submission(harness.write_plate(tmp_path))
    with caplog.at_level(logging.ERROR), running_runtime(tmp_path) as runtime:
        jobs = [
            runtime.jobs.submit(submission, f"key-{number:05d}", harness.PRINCIPAL)[0]
            for number in range(3)
        ]
        wait_until(lambda: not runtime.check_health()[0].ok, "the failed check")
        assert (
            "disk I/O error" in runtime.check_health()[0].message
            and runtime.check_health()[0].next_step
        )
        broken.clear()
        assert {wait_for_job(runtime, job).state for job in jobs} == {JobState.SUCCEEDED}
        wait_until(lambda: runtime.check_health()[0].ok, "the check to pass")
    warnings = [one for one in caplog.records if "reconciled" in one.getMessage()]
    assert len(warnings) == 1, "once, not at every reconciliation"


def test_jobs_are_reconciled_however_many_are_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New jobs do not delay reconciliations, however often they come."""
    real, reconciliations = reconciler.Reconciler.reconcile, []

    def reconcile(self: reconciler.Reconciler) -> None:
        reconciliations.append(1)
        real(self)

    monkeypatch.setattr(reconciler.Reconciler, "reconcile", reconcile)
    submission = harness.submission(harness.write_plate(tmp_path))
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)
        sent: list[int] = []

        def submit_again() -> bool:
            sent.append(1)
            runtime.jobs.submit(submission, f"key-{len(sent):05d}", harness.PRINCIPAL)
            return len(reconciliations) > 3

        wait_until(submit_again, "the reconciliations")
        assert wait_for_job(runtime, job).state is JobState.SUCCEEDED


def test_attempts_at_a_job_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow.transitions, "MAX_ATTEMPTS", 2)

    def interrupted(*_: Any) -> None:
        raise workflow.JobInterrupted

    monkeypatch.setattr(workflow.stage, "stage_inputs", interrupted)
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(
            harness.submission(harness.write_plate(tmp_path)), "the-key-1", harness.PRINCIPAL
        )
        job = wait_for_job(runtime, job)
    assert job.problem is not None and job.problem.code == "gateway_fault"
    assert job.progress.attempt == 2


# --- the library's disk


FAILURES = [
    ("library.result_folder:_make_read_only", errno.EIO),
    ("library.result_folder:_make_read_only", errno.EROFS),
    ("library.result_folder:rename_into_library", errno.EIO),
    ("library.result_folder:rename_into_library", errno.EROFS),
    ("library.result_folder:rename_into_library", errno.ENOSPC),
    ("jobs.steps.outputs:make_proxies", errno.ENOSPC),
    ("jobs.steps.outputs:make_proxies", errno.ENOENT),
    ("jobs.steps.outputs:_hash_output", errno.EIO),
    ("jobs.steps.outputs:_hash_output", errno.ENOENT),
    ("jobs.steps.admit:require_disk_space", errno.EIO),
    ("jobs.steps.admit:require_disk_space", errno.ENOENT),
]


def test_errors_of_the_library_fail_the_job_with_a_reason(tmp_path: Path) -> None:
    """At each point, and the next job gets the number."""
    pattern = harness.write_plate(tmp_path, frames=1)
    with running_runtime(tmp_path) as runtime:
        for case, (point, number) in enumerate(FAILURES):
            shot = f"{case:03d}"
            submission = harness.submission(pattern, shot=shot, frames=1)
            module, _, function = point.partition(":")
            restore = harness.inject_os_error(f"bridge_gateway.{module}", function, number)
            try:
                job = wait_for_job(
                    runtime,
                    runtime.jobs.submit(submission, f"refused-{shot}", harness.PRINCIPAL)[0],
                )
            finally:
                restore()
            assert job.state is JobState.FAILED and job.problem is not None, (point, number)
            assert job.problem.code in ("storage", "not_writable", "disk_full"), (point, number)
            assert job.problem.where and job.problem.next_step
            assert runtime.results.list_versions(shot=shot) == []
            job = wait_for_job(
                runtime, runtime.jobs.submit(submission, f"restored-{shot}", harness.PRINCIPAL)[0]
            )
            assert runtime.results.get_version(str(job.version_id)).number == 1


def test_paths_that_are_too_long_are_refused(tmp_path: Path) -> None:
    deep = tmp_path
    while len(os.fsencode(deep)) < 3700:
        deep /= "d" * 200
    pattern = harness.write_plate(tmp_path)
    with running_runtime(tmp_path, library_dir=deep) as runtime:
        with pytest.raises(InvalidRequest, match="4095"):
            runtime.jobs.submit(
                harness.submission(pattern, shot="a" * 128), "too-long-01", harness.PRINCIPAL
            )
        job = wait_for_job(
            runtime,
            runtime.jobs.submit(harness.submission(pattern), "the-key-1", harness.PRINCIPAL)[0],
        )
        assert job.state is JobState.SUCCEEDED, job.problem


def test_a_lack_of_descriptors_delays_a_job(tmp_path: Path) -> None:
    submission = harness.submission(harness.write_plate(tmp_path))
    with running_runtime(tmp_path) as runtime:
        restore = harness.inject_os_error(
            "bridge_gateway.jobs.steps.outputs", "_hash_output", errno.EMFILE, 2, 2
        )
        try:
            check_one_version(
                runtime,
                tmp_path,
                wait_for_job(
                    runtime, runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)[0]
                ),
            )
        finally:
            restore()


def test_a_work_folder_that_could_not_be_removed_is_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = harness.submission(harness.write_plate(tmp_path))
    real, broken = os.unlink, threading.Event()
    broken.set()

    def unlink(path: Any, *args: Any, **kwargs: Any) -> None:
        if broken.is_set() and str(path).endswith(".jpg"):
            raise OSError(errno.EIO, "Input/output error", path)
        real(path, *args, **kwargs)

    monkeypatch.setattr(os, "unlink", unlink)
    with running_runtime(tmp_path) as runtime:
        slow = submission.model_copy(
            update={
                "request": submission.request.model_copy(update={"parameters": {"seconds": 0.3}})
            }
        )
        job, _ = runtime.jobs.submit(slow, "the-key-1", harness.PRINCIPAL)
        wait_until(lambda: runtime.jobs.list_frames(job.id), "a frame")
        runtime.jobs.cancel(job.id)
        wait_until(lambda: not runtime.has_open_jobs(), "the job to end")
        time.sleep(0.5)
        work_root = tmp_path / "library/.work"
        assert len(list(work_root.iterdir())) == 1
        broken.clear()
        wait_until(lambda: not list(work_root.iterdir()), "the work folder to go")


# --- a library that several gateways share


def test_a_second_gateway_keeps_the_work_folders_of_the_first(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second, tmp_path / "library"):
        folder.mkdir()
    (second / "library").symlink_to(tmp_path / "library")
    submission = harness.submission(harness.write_plate(first), parameters={"seconds": 0.3})
    with running_runtime(first, library_dir=tmp_path / "library") as runtime:
        job, _ = runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)
        wait_until(lambda: runtime.jobs.list_frames(job.id), "a frame")
        command = [sys.executable, str(HARNESS), str(second)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdin is not None and other.stdout is not None
            assert b"ready" in other.stdout.readline()
            other.stdin.close()
        assert runtime.jobs.list_frames(job.id)
        job = wait_for_job(runtime, job)
        assert job.state is JobState.SUCCEEDED, job.problem
    assert sorted((first / "frames.log").read_text().split()) == FRAMES


def test_two_gateways_that_publish_one_shot_use_two_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another gateway's version appears between the choice of the number and the rename."""
    library, real = tmp_path / "library", result_folder.rename_into_library
    taken = [library / "show/sq/010/copy/v001", library / "show/sq/010/copy/v002"]

    def rename(result: Path, final: Path) -> bool:
        if taken and final == taken[0]:
            folder = taken.pop(0)
            folder.mkdir(parents=True)
            (folder / "theirs.exr").touch()
        return bool(real(result, final))

    monkeypatch.setattr(result_folder, "rename_into_library", rename)
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(
            harness.submission(harness.write_plate(tmp_path)), "the-key-1", harness.PRINCIPAL
        )
        job = wait_for_job(runtime, job)
        assert job.state is JobState.SUCCEEDED, job.problem
        version = runtime.results.get_version(str(job.version_id))
        assert (version.number, Path(version.folder).name) == (3, "v003")
        files = runtime.results.list_files(version.id)
        assert f"010_copy_v003.{FRAMES[0]}.exr" in {one.path for one in files}
        for one in files:
            assert harness.sha256(runtime.results.find_file(version.id, one.path)) == one.sha256
        wait_until(lambda: not list((library / ".work").iterdir()), "the work folder to go")
    assert [path.name for path in (library / "show/sq/010/copy/v001").iterdir()] == ["theirs.exr"]


def test_work_in_progress_and_versions_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="work in progress") as caught:
        harness.create_runtime(
            tmp_path, version_folder_template=".work/{show}/{sequence}/{shot}/{service}/{version}"
        ).start()
    assert caught.value.where == "gateway.version_folder_template"


# --- clocks


def test_the_newest_version_does_not_depend_on_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes back by a day between two versions."""
    submission = harness.submission(harness.write_plate(tmp_path))
    real = publish.now
    with running_runtime(tmp_path) as runtime:
        for number in (1, 2, 3):
            monkeypatch.setattr(publish, "now", lambda n=number: real() - timedelta(days=n))
            wait_for_job(
                runtime, runtime.jobs.submit(submission, f"the-key-{number}", harness.PRINCIPAL)[0]
            )
        assert [version.number for version in runtime.results.list_versions(newest=True)] == [3]


# --- damaged databases, and what they may hold


def interrupted(folder: Path) -> Job:
    """A job in the middle of its frames, its gateway stopped."""
    runtime = harness.create_runtime(folder)
    runtime.start()
    submission = harness.submission(harness.write_plate(folder), parameters={"seconds": 0.3})
    job, _ = runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)
    wait_until(lambda: runtime.jobs.list_frames(job.id), "a frame")
    runtime.stop()
    return job


@pytest.mark.parametrize("damage", ["all", "a page"])
def test_a_damaged_queue_database_is_moved_aside_and_jobs_continue(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = interrupted(tmp_path)
    path = tmp_path / "data/queue.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    if damage == "all":
        content[:] = b"no database" * 100
    else:
        content[4096 : 4096 * 20] = b"\xff" * 4096 * 19
    path.write_bytes(content)
    with running_runtime(tmp_path) as runtime:
        check_one_version(runtime, tmp_path, wait_for_job(runtime, job))
    kept = [one for one in path.parent.iterdir() if "damaged" in one.name]
    assert content in [one.read_bytes() for one in kept]
    assert any("damaged" in one.getMessage() for one in caplog.records)


def test_a_damaged_gateway_database_is_reported(tmp_path: Path) -> None:
    with running_runtime(tmp_path):
        pass
    path = tmp_path / "data/gateway.sqlite"
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="damaged") as caught:
        harness.create_runtime(tmp_path).start()
    assert caught.value.where == str(path) and "docs/admin.md" in caught.value.next_step
    assert path.read_bytes() == b"no database" * 1000


class PickleTrap:
    """Unpickling one runs code."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_pickles_in_the_queue_database_are_never_read(tmp_path: Path) -> None:
    import base64
    import pickle

    job = interrupted(tmp_path)
    triggered = tmp_path / "triggered"
    trap = base64.b64encode(pickle.dumps(PickleTrap(triggered))).decode()
    with contextlib.closing(sqlite3.connect(tmp_path / "data/queue.sqlite")) as connection:
        for table, column in (("workflow_status", "inputs"), ("operation_outputs", "output")):
            change = f"UPDATE {table} SET {column} = ?, serialization = 'py_pickle'"
            assert connection.execute(change, (trap,)).rowcount
        connection.commit()
    with running_runtime(tmp_path) as runtime:
        ended = wait_for_job(runtime, job)
    assert not triggered.exists()
    assert ended.state is JobState.FAILED and ended.problem is not None
    assert ended.problem.next_step


def test_nothing_is_written_as_pickle(tmp_path: Path) -> None:
    submission = harness.submission(harness.write_plate(tmp_path), parameters={"behaviour": "fail"})
    with running_runtime(tmp_path) as runtime:
        wait_for_job(runtime, runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)[0])
    with contextlib.closing(sqlite3.connect(tmp_path / "data/queue.sqlite")) as connection:
        for table in ("workflow_status", "operation_outputs"):
            formats = connection.execute(f"SELECT DISTINCT serialization FROM {table}").fetchall()
            assert formats == [("portable_json",)]
