"""A gateway's jobs in the process of the test, with real databases, disks and threads."""

from __future__ import annotations

import os
import runpy
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge_core.models.jobs import Job, JobState
from bridge_gateway.jobs.runtime import JobRuntime

#: The script whose processes other tests kill; it has plates, requests and a small provider.
HARNESS = Path(__file__).parent / "gateway" / "jobs" / "job_harness.py"
harness = SimpleNamespace(**runpy.run_path(str(HARNESS)))

#: Seconds that anything may take before a test fails.
DEADLINE = 60


@contextmanager
def running_runtime(folder: Path, **settings: Any) -> Iterator[JobRuntime]:
    runtime = harness.create_runtime(folder, **settings)
    runtime.start()
    try:
        yield runtime
    finally:
        runtime.stop()


def wait_until(
    condition: Callable[[], object], description: str, seconds: float = DEADLINE
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, description
        time.sleep(0.02)


def wait_for_job(
    runtime: JobRuntime, job: Job, *states: JobState, seconds: float = DEADLINE
) -> Job:
    """Wait until the job is in one of these states, or has ended if none is given."""
    deadline = time.monotonic() + seconds
    while True:
        current = runtime.jobs.get_job(job.id)
        if current.state in states or (not states and current.state.ended):
            return current
        assert time.monotonic() < deadline, current
        time.sleep(0.02)


@contextmanager
def mounted_disk(folder: Path, size: str) -> Iterator[Path]:
    """A small file system in a new folder; ``size`` as for ``mount``, such as ``20m``."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
