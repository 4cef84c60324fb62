"""``kill -9`` of the gateway in and between all steps of a job, for real."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HARNESS = Path(__file__).with_name("job_harness.py")
harness = SimpleNamespace(**runpy.run_path(str(HARNESS)))

DEADLINE = 60
KEY = "key-of-the-job"

#: In the order of a job: module, function, before or after it, and its step. After the function of
#: a step is before its checkpoint.
KILL_POINTS = [
    ("jobs.steps.admit:admit_job:before", "admit"),
    ("jobs.steps.admit:admit_job:after", "admit"),
    ("jobs.steps.stage:stage_inputs:before", "stage"),
    ("jobs.steps.stage:hash_file:after:3", "stage"),
    ("jobs.steps.stage:stage_inputs:after", "stage"),
    ("jobs.steps.run:run_provider:before", "run"),
    ("job_harness:make_frame:before:2", "run"),
    ("job_harness:make_frame:before:3", "run"),
    ("jobs.steps.run:run_provider:after", "run"),
    ("jobs.steps.outputs:check_outputs:before", "check"),
    ("jobs.steps.outputs:check_outputs:after", "check"),
    ("jobs.steps.outputs:make_proxies:before", "proxies"),
    ("jobs.steps.outputs:make_proxies:after", "proxies"),
    ("jobs.steps.outputs:hash_outputs:before", "hash"),
    ("jobs.steps.outputs:hash_file:after:4", "hash"),
    ("jobs.steps.outputs:hash_outputs:after", "hash"),
    ("jobs.steps.publish:publish_result:before", "publish"),
    ("jobs.steps.publish:_claim_result:after", "publish"),
    ("library.result_folder:_make_read_only:before:4", "publish"),
    ("library.result_folder:move_into_result:after", "publish"),
    ("library.result_folder:rename_into_library:before", "publish"),
    ("library.result_folder:rename_into_library:after", "publish"),
    ("jobs.steps.publish:_mark_published:after", "publish"),
    ("jobs.steps.publish:publish_result:after", "publish"),
    ("jobs.steps.publish:settle_job:before", "settle"),
    ("policy.ledger:settle:after", "settle"),
    ("jobs.steps.publish:settle_job:after", "settle"),
]


class HarnessProcess:
    """A process of the harness."""

    def __init__(self, folder: Path, pause: str | None = None) -> None:
        self.folder = folder
        (folder / "paused").unlink(missing_ok=True)
        arguments = []
        if pause:
            is_ours = pause.startswith(("job_harness", "counting_remote"))
            arguments = [pause if is_ours else f"bridge_gateway.{pause}"]
        self._log = (folder / "gateway.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, str(HARNESS), str(folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.first_answer = self._read_answer()

    def ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._read_answer()

    def wait_for_pause(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while not (self.folder / "paused").exists():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def wait_for_end(self, job: str) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE
        while True:
            current = self.ask("job", id=job)
            if current["state"] not in ("queued", "running"):
                return current
            assert time.monotonic() < deadline, current
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self._close()

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0, self.log()
        self._close()

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def _close(self) -> None:
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log):
            if stream is not None:
                stream.close()

    def _read_answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log()
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def gateway(folder: Path, pause: str | None = None) -> Iterator[HarnessProcess]:
    opened = HarnessProcess(folder, pause)
    try:
        yield opened
    finally:
        if opened.process.poll() is None:
            opened.kill()


def lines(path: Path) -> Counter[str]:
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def check_library(folder: Path, version: dict[str, Any]) -> None:
    """Exactly one complete version, and nothing else."""
    version_folder = Path(version["folder"])
    assert [path.name for path in version_folder.parent.iterdir()] == [version_folder.name]
    assert list((folder / "library" / ".work").iterdir()) == []
    lineage = json.loads((version_folder / "lineage.json").read_text())
    named = {one["path"]: one["sha256"] for one in lineage["outputs"]}
    written = {
        str(path.relative_to(version_folder))
        for path in version_folder.rglob("*")
        if path.is_file()
    }
    assert written == {*named, "lineage.json"}
    for frame in range(1001, 1007):
        source = folder / "plates" / "010" / f"plate.{frame}.exr"
        copy = version_folder / f"010_copy_{version_folder.name}.{frame}.exr"
        assert copy.read_bytes() == source.read_bytes()
        assert named[copy.name] == harness.sha256(copy)


@pytest.mark.slow
def test_a_job_survives_a_kill_at_every_point(tmp_path: Path) -> None:
    """One job, killed at each point in turn and resumed each time."""
    pattern = harness.write_plate(tmp_path)
    given = harness.submission(pattern).model_dump(mode="json")
    for number, (point, step) in enumerate(KILL_POINTS):
        with gateway(tmp_path, point) as running:
            job = running.ask("submit", submission=given, key=KEY)
            running.wait_for_pause()
            running.kill()
        # Steps before this one have ended; later ones have not begun.
        begun = {name for name in lines(tmp_path / "steps.log") if name.startswith("begin")}
        so_far = harness.STEPS[: harness.STEPS.index(step) + 1]
        assert begun | {f"begin {step}"} == {f"begin {name}" for name in so_far}, point
        assert job["progress"]["attempt"] >= number, point
    with gateway(tmp_path) as running:
        job = running.wait_for_end(job["id"])
        versions = running.ask("versions")["versions"]
        ledger = running.ask("ledger", id=job["id"])["entries"]
        running.stop()
    assert job["state"] == "succeeded", job["problem"]
    assert ledger == [
        ["reserve", "submitted", "0"],
        ["charge", "succeeded", "0"],
        ["release", "succeeded", "0"],
    ]
    assert [version["id"] for version in versions] == [job["version_id"]]
    assert versions[0]["number"] == 1
    check_library(tmp_path, versions[0])
    # Each frame was made once, although the step began five times.
    assert lines(tmp_path / "frames.log") == {str(frame): 1 for frame in range(1001, 1007)}
    # A step with a checkpoint never ran again: each ended once, and once more for the kill between
    # its end and its checkpoint. After the last one, the job's row has ended.
    once_more = {f"end {step}": 2 for step in harness.STEPS} | {"end settle": 1}
    counted = lines(tmp_path / "steps.log")
    assert {name: counted[name] for name in counted if name.startswith("end")} == once_more


def test_numbers_continue_after_a_kill_in_publish(tmp_path: Path) -> None:
    """A killed job keeps its number; the next job gets the next one."""
    pattern = harness.write_plate(tmp_path)
    given = harness.submission(pattern).model_dump(mode="json")
    with gateway(tmp_path, "jobs.steps.publish:_claim_result:after") as running:
        first = running.ask("submit", submission=given, key="key-of-the-first")
        running.wait_for_pause()
        running.kill()
    with gateway(tmp_path) as running:
        second = running.ask("submit", submission=given, key="key-of-the-second")
        first = running.wait_for_end(first["id"])
        second = running.wait_for_end(second["id"])
        versions = running.ask("versions")["versions"]
        running.stop()
    assert [one["id"] for one in versions] == [first["version_id"], second["version_id"]]
    assert [one["number"] for one in versions] == [1, 2]
    assert first["progress"]["attempt"] == 2


def test_a_job_whose_row_was_written_but_not_enqueued_is_not_lost(tmp_path: Path) -> None:
    pattern = harness.write_plate(tmp_path)
    given = harness.submission(pattern).model_dump(mode="json")
    with gateway(tmp_path, "jobs.transitions:create_job:after") as running:
        assert running.process.stdin is not None
        running.process.stdin.write(
            json.dumps({"call": "submit", "submission": given, "key": KEY}) + "\n"
        )
        running.process.stdin.flush()
        running.wait_for_pause()
        running.kill()
    with gateway(tmp_path) as running:
        deadline = time.monotonic() + DEADLINE
        while not running.ask("versions")["versions"]:
            assert time.monotonic() < deadline, running.log()
            time.sleep(0.05)
        job = running.ask("submit", submission=given, key=KEY)
        assert running.wait_for_end(job["id"])["state"] == "succeeded"
        running.stop()


def test_a_job_interrupted_by_a_stop_is_resumed(tmp_path: Path) -> None:
    pattern = harness.write_plate(tmp_path)
    given = harness.submission(pattern, parameters={"behaviour": "hold"}).model_dump(mode="json")
    with gateway(tmp_path) as running:
        job = running.ask("submit", submission=given, key=KEY)
        deadline = time.monotonic() + DEADLINE
        while not lines(tmp_path / "frames.log"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.stop()
    assert set(lines(tmp_path / "frames.log")) <= {"1001", "1002"}
    harness.resume_file(tmp_path).touch()
    with gateway(tmp_path) as running:
        job = running.wait_for_end(job["id"])
        versions = running.ask("versions")["versions"]
        running.stop()
    assert job["state"] == "succeeded", job["problem"]
    assert job["progress"]["attempt"] == 2
    assert lines(tmp_path / "frames.log") == {str(frame): 1 for frame in range(1001, 1007)}
    check_library(tmp_path, versions[0])


def test_a_second_gateway_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with gateway(tmp_path) as first:
        with gateway(tmp_path) as second:
            assert second.first_answer["problem"]["code"] == "config"
            assert "another gateway" in second.first_answer["problem"]["message"]
            assert str(tmp_path / "data") in second.first_answer["problem"]["where"]
            assert second.process.wait(DEADLINE) == 3
            second.kill()
        # The first one is not affected.
        assert first.ask("versions") == {"versions": []}
        first.stop()
    with gateway(tmp_path) as third:
        assert "ready" in third.first_answer
        third.stop()
