"""Model processes: kept warm, ended when idle, ended with the gateway, and never harming it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import psutil
import pytest

from bridge_core.errors import DiskFull, JobCancelled, ModelCrashed
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.settings import GatewaySettings
from bridge_gateway.providers.base import PROXY_FILENAME, ProviderTask
from bridge_gateway.providers.local.provider import LocalProvider
from bridge_gateway.workers.child_process import ChildProcess, ProcessDied
from bridge_gateway.workers.messages import FrameDone, encode_message
from bridge_gateway.workers.process_pool import threads_per_worker

linux = pytest.mark.skipif(sys.platform != "linux", reason="guaranteed by Linux only")


class StoppableMonitor:
    def __init__(self, on_frame: Callable[[int], None] = lambda frame: None) -> None:
        self.frames: list[int] = []
        self.stop = threading.Event()
        self._on_frame = on_frame

    def frame_done(self, frame: int) -> None:
        self.frames.append(frame)
        self._on_frame(frame)

    def progress(self, fraction: float | None, message: str = "") -> None:
        raise AssertionError("the local provider reports frames")

    def cancelled(self) -> bool:
        return self.stop.is_set()


@pytest.fixture
def open_provider(tmp_path: Path) -> Iterator[Callable[..., LocalProvider]]:
    """Providers without weights: a round trip needs none but runs in a process all the same."""
    opened: list[LocalProvider] = []

    def make(**more: object) -> LocalProvider:
        opened.append(LocalProvider(GatewaySettings(models_dir=tmp_path / "models", **more)))
        return opened[-1]

    yield make
    for provider in opened:
        provider.close()


def _write_plate(folder: Path, count: int, width: int, height: int) -> Plate:
    folder.mkdir(parents=True, exist_ok=True)
    plate = Plate(path=str(folder / "plate.%04d.exr"), range=FrameRange.of(1001, 1000 + count))
    noise = np.random.default_rng(3).random((height, width, 3), np.float32)
    for frame in plate.range.frames():
        out = oiio.ImageOutput.create(plate.path_at(frame))
        assert out.open(plate.path_at(frame), oiio.ImageSpec(width, height, 3, "half"))
        assert out.write_image(noise)
        out.close()
    return plate


SMALL = (64, 48)


_HOLDING = """
import pathlib, threading

replace = pathlib.Path.replace

def blocking_replace(self, target):
    if str(target) == {path!r} and not pathlib.Path({release!r}).exists():
        threading.Event().wait()
    return replace(self, target)

pathlib.Path.replace = blocking_replace
"""


def _release(job: ProviderTask) -> Path:
    """Once this file exists, the job is no longer held."""
    return job.folder.with_name(f"{job.job_id} released")


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ProviderTask]:
    """A round trip of ``count`` frames. If ``held``, no process started from now on finishes the
    last frame until the file of :func:`_release` exists, so that the job can be interrupted."""

    def make(
        name: str = "job", count: int = 8, size: tuple[int, int] = SMALL, held: bool = False
    ) -> ProviderTask:
        plate = _write_plate(tmp_path / f"{name} plate", count, *size)
        new_task = ProviderTask(
            job_id=name,
            service="round_trip",
            parameters={"mode": "colour_round_trip"},
            plate=plate,
            files={frame: Path(plate.path_at(frame)) for frame in plate.range.frames()},
            frames=tuple(plate.range.frames()),
            colour_space="ACEScg",
            output_format=OutputFormat.EXR,
            folder=tmp_path / name,
        )
        if held:
            # Every Python process, the child too, imports sitecustomize at its start.
            last = new_task.folder / PROXY_FILENAME.format(frame=new_task.frames[-1])
            text = _HOLDING.format(path=str(last), release=str(_release(new_task)))
            (tmp_path / "site").mkdir()
            (tmp_path / "site" / "sitecustomize.py").write_text(text)
            monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
        return new_task

    return make


def _workers() -> list[psutil.Process]:
    """Our model processes, not the decoding processes of other tests."""
    return [child for child in psutil.Process().children(recursive=True) if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "bridge_gateway.providers.local.worker" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def _eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE  # ended, but not waited for
    except psutil.NoSuchProcess:
        return True


def test_one_process_runs_successive_jobs(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider()
    assert not _workers()  # no process is started before the first job
    process_ids = []
    for name in ("one", "two"):
        # Each job in its own thread, as in the job queue.
        thread = threading.Thread(target=provider.run, args=(task(name, 2), StoppableMonitor()))
        thread.start()
        thread.join(60)
        time.sleep(0.2)  # the kernel would end a process started by that thread
        process_ids.append(_workers())
    assert len(process_ids[0]) == 1
    assert process_ids[0] == process_ids[1]


def test_an_idle_process_ends(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider(model_idle_seconds=0.3)
    provider.run(task("one", 1), StoppableMonitor())
    assert _eventually(lambda: not _workers())
    provider.run(task("two", 1), StoppableMonitor())
    assert len(_workers()) <= 1


def test_a_process_that_died_while_idle_is_replaced(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider()
    provider.run(task("one", 1), StoppableMonitor())
    (idle,) = _workers()
    idle.kill()
    assert _eventually(lambda: idle not in _workers())
    monitor = StoppableMonitor()
    provider.run(task("two", 2), monitor)
    assert monitor.frames == [1001, 1002]


def test_two_workers_run_at_once_and_a_third_job_reuses_one(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider(workers=2)
    together = threading.Barrier(2, timeout=60)
    process_ids: set[int] = set()

    def meet(frame: int) -> None:
        if frame == 1001:
            together.wait()  # returns only if the other job is at its first frame too
            process_ids.update(child.pid for child in _workers())

    threads = [
        threading.Thread(target=provider.run, args=(task(name, 2), StoppableMonitor(meet)))
        for name in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not together.broken
    assert len(process_ids) == 2
    provider.run(task("three", 1), StoppableMonitor())
    assert {child.pid for child in _workers()} == process_ids


def test_a_waiting_job_can_be_cancelled(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider(workers=1)
    working, first, second = threading.Event(), StoppableMonitor(), StoppableMonitor()
    first._on_frame = lambda frame: working.set()
    errors: list[BaseException] = []

    def run(job: ProviderTask, monitor: StoppableMonitor) -> None:
        try:
            provider.run(job, monitor)
        except JobCancelled as error:
            errors.append(error)

    jobs = [(task("one", 3, held=True), first), (task("two", 1), second)]
    threads = [threading.Thread(target=run, args=job) for job in jobs]
    threads[0].start()
    assert working.wait(60)
    threads[1].start()
    second.stop.set()
    threads[1].join(60)
    assert len(errors) == 1 and not second.frames
    assert threads[0].is_alive()
    first.stop.set()
    threads[0].join(60)
    assert len(errors) == 2


def test_a_second_crash_fails_the_job_with_signal_and_frame(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider, job = open_provider(), task(count=6, held=True)
    killed: set[int] = set()

    def kill_two() -> None:
        # Not by reported frames: under load the first process may have finished all frames but the
        # last, where the second process is held and reports nothing.
        while len(killed) < 2:
            for child in _workers():
                if child.pid not in killed:
                    child.kill()
                    killed.add(child.pid)
            time.sleep(0.05)

    killer = threading.Thread(target=kill_two, daemon=True)
    killer.start()
    with pytest.raises(ModelCrashed) as caught:
        provider.run(job, StoppableMonitor())
    killer.join(60)
    error = caught.value
    unfinished = [
        f for f in job.frames if not (job.folder / PROXY_FILENAME.format(frame=f)).exists()
    ]
    assert unfinished
    assert "SIGKILL" in error.message and str(unfinished[0]) in error.message
    assert "memory" in error.next_step
    assert error.details["unfinished"] == unfinished
    assert not _workers()
    # Finished frames are kept when the job is sent again.
    _release(job).touch()
    monitor = StoppableMonitor()
    provider.run(job, monitor)
    assert sorted(monitor.frames) == list(job.frames)


def test_an_unexpected_error_is_reported_and_ends_the_process(
    open_provider: Callable[..., LocalProvider],
    task: Callable[..., ProviderTask],
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider, job = open_provider(), task("job", 1)
    invalid = ProviderTask(**{**vars(job), "parameters": {}})
    with caplog.at_level("INFO"), pytest.raises(ModelCrashed, match="KeyError"):
        provider.run(invalid, StoppableMonitor())
    assert _eventually(lambda: "Traceback" in caplog.text)
    assert re.search(r"model process \d+: Traceback", caplog.text)
    assert not _workers()
    provider.run(job, StoppableMonitor())


@linux
def test_a_full_disk_is_reported(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider, job = open_provider(), task("job", 2, (960, 540))
    provider.run(task("warm", 1), StoppableMonitor())
    (worker,) = _workers()
    worker.rlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    with pytest.raises(DiskFull) as excinfo:
        provider.run(job, StoppableMonitor())
    assert excinfo.value.next_step
    leftovers = [path.name for path in job.folder.rglob("*") if path.is_file()]
    assert not leftovers  # no incomplete picture


def test_output_of_libraries_does_not_reach_the_gateway() -> None:
    script = """
        import os
        from bridge_gateway.workers.child_main import MessageChannel
        from bridge_gateway.workers.messages import FrameDone
        channel = MessageChannel()
        print("a library says hello", flush=True)
        os.write(1, b"and so does one in C\\n")
        channel.send(FrameDone(frame=1001))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=True
    )
    assert done.stdout == encode_message(FrameDone(frame=1001))
    assert b"hello" in done.stderr and b"in C" in done.stderr


def test_log_lines_name_the_process(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        process = ChildProcess("bridge_gateway.not_there", name="decoder", threads=1)
        with pytest.raises(ProcessDied) as died:
            process.receive(60)
    assert "not_there" in died.value.last_output
    assert f"decoder process {process.pid}: " in caplog.text


_GATEWAY = """
    import signal, sys, threading
    from pathlib import Path
    from bridge_gateway.providers.base import ProviderTask
    from bridge_gateway.providers.local.provider import LocalProvider
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.media import Plate
    from bridge_core.models.requests import OutputFormat
    from bridge_core.models.settings import GatewaySettings

    pattern, folder, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    plate = Plate(path=pattern, range=FrameRange.of(1001, last))
    frames = tuple(plate.range.frames())
    task = ProviderTask(
        job_id="j", service="round_trip", parameters={"mode": "colour_round_trip"}, plate=plate,
        files={f: Path(plate.path_at(f)) for f in frames}, frames=frames,
        colour_space="ACEScg", output_format=OutputFormat.EXR, folder=folder)

    class PrintingMonitor:
        def frame_done(self, frame): print(frame, flush=True)
        def cancelled(self): return False

    provider = LocalProvider(GatewaySettings(models_dir=folder / "models"))
    # A shell that starts the tests in the background leaves SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As in the job queue, the job has a thread of its own; it is a daemon, so that SIGINT ends the
    # process wherever the main thread is.
    thread = threading.Thread(target=provider.run, args=(task, PrintingMonitor()), daemon=True)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_gateway(
    sent: signal.Signals, task: Callable[..., ProviderTask], tmp_path: Path
) -> None:
    job = task(count=4, held=True)
    gateway = subprocess.Popen(
        [
            *(sys.executable, "-c", textwrap.dedent(_GATEWAY)),
            *(job.plate.path, str(job.folder), str(job.frames[-1])),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert gateway.stdout is not None
    try:
        with gateway.stdout:
            assert gateway.stdout.readline() == b"1001\n"
            (worker,) = psutil.Process(gateway.pid).children(recursive=True)
            gateway.send_signal(sent)
            gateway.wait(300)
    finally:
        gateway.kill()
        gateway.wait()
    assert _eventually(lambda: _has_ended(worker))
    done = [f for f in job.frames if (job.folder / PROXY_FILENAME.format(frame=f)).exists()]
    assert 0 < len(done) < len(job.frames)


@linux
def test_a_suspended_process_ends_with_the_gateway(task: Callable[..., ProviderTask]) -> None:
    """It cannot notice the end of its stdin, so the kernel kills it."""
    job = task(count=4, held=True)
    gateway = subprocess.Popen(
        [
            *(sys.executable, "-c", textwrap.dedent(_GATEWAY)),
            *(job.plate.path, str(job.folder), str(job.frames[-1])),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert gateway.stdout is not None
    with gateway.stdout:
        assert gateway.stdout.readline() == b"1001\n"
        (worker,) = psutil.Process(gateway.pid).children(recursive=True)
        worker.suspend()
        gateway.kill()
        gateway.wait(60)
    try:
        assert _eventually(lambda: _has_ended(worker))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


@linux
def test_processes_run_at_low_priority(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider()
    provider.run(task("job", 1), StoppableMonitor())
    (worker,) = _workers()
    assert worker.nice() > psutil.Process().nice()
    assert os.getsid(worker.pid) == worker.pid
    score = Path(f"/proc/{worker.pid}/oom_score_adj").read_text()
    assert int(score) > int(Path("/proc/self/oom_score_adj").read_text())


def test_threads_are_divided_among_workers() -> None:
    cores = threads_per_worker(1)
    assert 1 <= threads_per_worker(2) <= max(1, cores // 2)
    assert threads_per_worker(10_000) == 1


def test_closing_ends_a_running_job(
    open_provider: Callable[..., LocalProvider], task: Callable[..., ProviderTask]
) -> None:
    provider = open_provider()
    closer: list[threading.Thread] = []

    def close(frame: int) -> None:
        if not closer:
            closer.append(threading.Thread(target=provider.close))
            closer[0].start()

    with pytest.raises(JobCancelled, match="closing"):
        provider.run(task(count=3, held=True), StoppableMonitor(close))
    closer[0].join(60)
    assert not _workers()
