"""Attacks on jobs and storage at full scale: real disks that fail, real locks, many kills.

Run by ``make test-attack``. The same at a small scale: test_jobs_io_failures.py and
test_jobs_kill.py.
"""

from __future__ import annotations

import contextlib
import json
import random
import runpy
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from job_helpers import HARNESS, harness, mounted_disk, running_runtime, wait_for_job

from bridge_core.errors import StorageError
from bridge_core.models.jobs import JobState

kills = SimpleNamespace(**runpy.run_path(str(HARNESS.with_name("test_jobs_kill.py"))))

DEADLINE = 240

pytestmark = [pytest.mark.attack, pytest.mark.timeout(1800)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 20 MB of its own."""
    with mounted_disk(tmp_path / "disk", "20m") as disk:
        yield disk


@contextmanager
def full(disk: Path) -> Iterator[None]:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
    try:
        yield
    finally:
        ballast.unlink()


def test_a_data_disk_that_is_full_for_twenty_seconds(tmp_path: Path, disk: Path) -> None:
    """While jobs run, wait, are sent and are cancelled."""
    submission = harness.submission(harness.write_plate(tmp_path), parameters={"seconds": 1.0})
    with running_runtime(tmp_path, data_dir=disk / "data", workers=2) as runtime:
        jobs = [
            runtime.jobs.submit(submission, f"key-{number:05d}", harness.PRINCIPAL)[0]
            for number in range(4)
        ]
        time.sleep(2)
        answers: Counter[str] = Counter()
        with full(disk):
            until = time.monotonic() + 20
            while time.monotonic() < until:
                try:
                    job, new = runtime.jobs.submit(
                        submission, f"key-{len(jobs):05d}", harness.PRINCIPAL
                    )
                    jobs += [job] if new else []
                    answers["done"] += 1
                    runtime.jobs.cancel(jobs[3].id)
                except StorageError as error:
                    assert error.status in (503, 507) and error.next_step
                    answers[error.code] += 1
                time.sleep(0.5)
        assert answers["storage_unavailable"], "the disk was full"
        ended = [wait_for_job(runtime, job, seconds=DEADLINE) for job in jobs]
        assert {job.state for job in ended} <= {JobState.SUCCEEDED, JobState.CANCELLED}, answers
        versions = runtime.results.list_versions()
        succeeded = [job.version_id for job in ended if job.state is JobState.SUCCEEDED]
        assert sorted(version.id for version in versions) == sorted(map(str, succeeded))
        assert [version.number for version in versions] == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("database", ["gateway.sqlite", "queue.sqlite"])
def test_a_database_that_is_locked_for_forty_seconds(tmp_path: Path, database: str) -> None:
    submission = harness.submission(harness.write_plate(tmp_path), parameters={"seconds": 0.5})
    with running_runtime(tmp_path) as runtime:
        job, _ = runtime.jobs.submit(submission, "the-key-1", harness.PRINCIPAL)
        while not runtime.jobs.list_frames(job.id):
            time.sleep(0.05)
        with contextlib.closing(
            sqlite3.connect(tmp_path / "data" / database, isolation_level=None, timeout=60)
        ) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(40)
        assert wait_for_job(runtime, job, seconds=DEADLINE).state is JobState.SUCCEEDED
        assert [version.number for version in runtime.results.list_versions()] == [1]
    frames = (tmp_path / "frames.log").read_text().split()
    assert sorted(frames) == [str(frame) for frame in range(1001, 1007)]


def test_ninety_six_kills(tmp_path: Path) -> None:
    """At random moments, with jobs of three shots: none is lost or repeated."""
    chance = random.Random(9)
    given = {
        shot: harness.submission(
            harness.write_plate(tmp_path, shot), shot=shot, parameters={"seconds": 0.05}
        ).model_dump(mode="json")
        for shot in ("010", "020", "030")
    }
    sent: dict[str, str] = {}
    for number in range(96):
        with kills.gateway(tmp_path) as running:
            if number % 2 == 0:
                shot = ("010", "020", "030")[number // 2 % 3]
                key = f"key-{number:05d}"
                job = running.ask("submit", submission=given[shot], key=key)
                sent[key] = job["id"]
            time.sleep(chance.uniform(0, 0.6))
            running.kill()
        if number % 24 == 23:
            # A job fails after 50 attempts; on a busy machine each may make no frame.
            with kills.gateway(tmp_path) as running:
                for job_id in sent.values():
                    running.wait_for_end(job_id)
                running.stop()
    with kills.gateway(tmp_path) as running:
        ended = {key: running.wait_for_end(job) for key, job in sent.items()}
        versions = running.ask("versions")["versions"]
        running.stop()
    assert {job["state"] for job in ended.values()} == {"succeeded"}
    assert {job["version_id"] for job in ended.values()} == {one["id"] for one in versions}
    for shot in given:
        numbers = [one["number"] for one in versions if one["shot"]["shot"] == shot]
        assert numbers == list(range(1, len(numbers) + 1))
    assert list((tmp_path / "library/.work").iterdir()) == []


def test_two_gateways_on_one_library_publish_one_shot_forty_times(tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    (tmp_path / "library").mkdir()
    for folder in folders:
        folder.mkdir()
        (folder / "library").symlink_to(tmp_path / "library")
    given = [
        harness.submission(harness.write_plate(folder)).model_dump(mode="json")
        for folder in folders
    ]
    with kills.gateway(folders[0]) as first, kills.gateway(folders[1]) as second:
        jobs: list[tuple[Any, str]] = []
        for number in range(20):
            for running, submission in zip((first, second), given, strict=True):
                job = running.ask("submit", submission=submission, key=f"key-{number:05d}")
                jobs.append((running, job["id"]))
        ended = [running.wait_for_end(job) for running, job in jobs]
        assert {job["state"] for job in ended} == {"succeeded"}
        numbers = [
            one["number"]
            for running in (first, second)
            for one in running.ask("versions")["versions"]
        ]
        first.stop()
        second.stop()
    assert sorted(numbers) == list(range(1, 41))
    for version in (tmp_path / "library/show/sq/010/copy").iterdir():
        lineage = json.loads((version / "lineage.json").read_text())
        for one in lineage["outputs"]:
            assert harness.sha256(version / one["path"]) == one["sha256"]


def test_the_end_does_not_wait_for_a_library_that_hangs(tmp_path: Path) -> None:
    """In the middle of publishing."""
    given = harness.submission(harness.write_plate(tmp_path)).model_dump(mode="json")
    with kills.gateway(tmp_path, "library.result_folder:rename_into_library:before") as running:
        running.ask("submit", submission=given, key="the-key-1")
        running.wait_for_pause()
        started = time.monotonic()
        running.stop()
        assert time.monotonic() - started < 15


def test_frames_of_ten_thousand(tmp_path: Path) -> None:
    """In half a second of CPU time at most, while the job runs."""
    pattern = harness.write_plate(tmp_path)
    hanging = harness.submission(pattern, parameters={"behaviour": "hang"})
    with running_runtime(tmp_path, workers=1) as runtime:
        first, _ = runtime.jobs.submit(hanging, "the-key-1", harness.PRINCIPAL)
        long, _ = runtime.jobs.submit(
            harness.submission(pattern, frames=10_000), "the-key-2", harness.PRINCIPAL
        )
        instance = (tmp_path / "data/instance_id").read_text()
        proxies = tmp_path / "library/.work" / f"{long.id}.{instance}" / "pictures/proxies"
        proxies.mkdir(parents=True)
        for frame in range(1001, 11_001):
            (proxies / f"{frame}.jpg").touch()
        started = time.process_time()
        assert len(runtime.jobs.list_frames(long.id)) == 10_000
        assert time.process_time() - started < 0.5
        for job in (long, first):
            runtime.jobs.cancel(job.id)
