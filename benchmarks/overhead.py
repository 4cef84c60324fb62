"""Measures the bridge's overhead: transfer, submission, start, and the idle gateway.

``python -m benchmarks.overhead``
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks._gateway import gateway, plate, request, shot_of
from benchmarks._report import report
from bridge_core.client import Client
from bridge_core.models.requests import Request
from bridge_core.transfer import prepare_submission

FILES, SIZE = 24, 10 * 1024 * 1024
NAME = "overhead"


def main() -> None:
    transfer()
    submitting()
    idle()


def print_result(label: str, result: str) -> None:
    print(f"{label:<34} {result}", flush=True)


def timed(work: Callable[[], object], *, before: Callable[[], object] | None = None) -> float:
    """Median seconds of three runs."""
    times = []
    for _ in range(3):
        if before:
            before()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


# Transfer


def transfer() -> None:
    """24 files of 10 MiB: uploaded and by path, against cp and sendfile over loopback."""
    with tempfile.TemporaryDirectory(prefix="shotbridge-benchmark-") as name:
        source, target = Path(name) / "source", Path(name) / "target"
        source.mkdir()
        # Random bytes: the transfer does not read the content.
        generator = random.Random(7)
        for number in range(FILES):
            (source / f"plate.{1001 + number}.exr").write_bytes(generator.randbytes(SIZE))
        total = FILES * SIZE / 1e6
        files = sorted(source.iterdir())
        copying = timed(
            lambda: subprocess.run(["cp", "-r", str(source), str(target)], check=True),
            before=lambda: shutil.rmtree(target, ignore_errors=True),
        )
        sending = timed(lambda: _sendfile(files))
        verifying = timed(lambda: _sendfile_verified(files, Path(name) / "received"))
        print_result("cp", f"{total / copying:6.0f} MB/s")
        print_result("sendfile over loopback", f"{total / sending:6.0f} MB/s")
        print_result(
            "sendfile, verified and stored",
            f"{total / verifying:6.0f} MB/s   SHA-256 on both sides, every file flushed to disk",
        )

        shot = shot_of(source, "plate", FILES)
        times = []
        for _ in range(3):
            with gateway() as (client, _plates):
                start = time.perf_counter()
                prepare_submission(request(shot, "round_trip"), client._transport)
                times.append(time.perf_counter() - start)
        uploading = statistics.median(times)
        report(
            NAME,
            "uploaded, 252 MB",
            uploading,
            verifying,
            "sendfile, verified and stored",
            unit="s",
            goal=1 / 0.85,
        )
        with gateway(gateway__media_roots=[str(source)]) as (client, _plates):
            by_path = timed(
                lambda: prepare_submission(request(shot, "round_trip"), client._transport)
            )
        print_result(
            "by path",
            f"{by_path * 1000:6.1f} ms     {copying / by_path:.0f} times faster than cp",
        )


def _sendfile(files: list[Path]) -> None:
    """Send all files through one connection, as fast as the kernel can."""
    with _receiver(_drain) as connection:
        for path in files:
            with path.open("rb") as file:
                connection.sendfile(file)


def _sendfile_verified(files: list[Path], target: Path) -> None:
    """The minimum work of any verified upload, in one connection."""

    def store(receiver: socket.socket) -> None:
        buffer = memoryview(bytearray(1 << 20))
        for path in files:
            digest, missing = hashlib.sha256(), SIZE
            with target.open("wb", buffering=0) as file:
                while missing:
                    got = receiver.recv_into(buffer[: min(missing, len(buffer))])
                    file.write(buffer[:got])
                    digest.update(buffer[:got])
                    missing -= got
                os.fsync(file.fileno())
            received[path] = digest.digest()

    sent: dict[Path, bytes] = {}
    received: dict[Path, bytes] = {}
    with _receiver(store) as connection:
        for path in files:
            with path.open("rb") as file:
                sent[path] = hashlib.file_digest(file, "sha256").digest()
                connection.sendfile(file)
    assert received == sent


def _drain(receiver: socket.socket) -> None:
    buffer = bytearray(1 << 20)
    while receiver.recv_into(buffer):
        pass


@contextmanager
def _receiver(receive: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """A loopback connection whose other end is read by ``receive`` in another thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            receiver, _ = server.accept()
            with receiver:
                receive(receiver)

        thread = threading.Thread(target=accept)
        thread.start()
        with socket.create_connection(server.getsockname()) as connection:
            yield connection
        thread.join()


# Submitting and starting


def submitting() -> None:
    """A request of 240 frames: time until it is accepted, and until it starts."""
    with gateway() as (client, plates):
        shot = plate(plates, "long", 240, 16, 16)
        long_request = request(shot, "round_trip")
        client.wait([client.submit(long_request).id])
        bare = timed(client.services)
        jobs: list[str] = []
        accepted = timed(
            lambda: jobs.append(client.submit(long_request).id),
            before=lambda: client.wait(jobs),
        )
        client.wait(jobs)
        report(
            NAME,
            "240 frames accepted (outbox, files, job)",
            accepted * 1000,
            bare * 1000,
            "a bare call",
            goal=5,
        )
        waits = []
        for _ in range(5):
            small = request(plate(plates, "s", 1, 16, 16), "round_trip")
            (job,) = client.wait([client.submit(small).id])
            assert job.started is not None
            waits.append((job.started - job.created).total_seconds())
        print_result(
            "enqueue to start",
            f"{statistics.median(waits) * 1000:6.1f} ms     median of 5, longest"
            f" {max(waits) * 1000:.0f} ms",
        )


def _run(client: Client, request: Request) -> float:
    job = client.wait([client.submit(request).id])[0]
    if job.state != "succeeded" or job.started is None or job.finished is None:
        raise SystemExit(f"the job ended as {job.state}: {job.problem}")
    return (job.finished - job.started).total_seconds()


def _number_from(program: str) -> float:
    """The number that a program prints, run in a process of its own."""
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


# Idle


def idle() -> None:
    """Processor time and memory of an idle gateway."""
    with gateway() as (client, plates):
        _run(client, request(plate(plates, "s", 1, 16, 16), "round_trip"))
        state = client.settings.client.state_dir / "gateway.json"
        process = psutil.Process(json.loads(state.read_text())["pid"])
        tree = [process, *process.children(recursive=True)]
        alone = _cpu_share(tree)
        own = process.memory_info().rss / 1e6
        models = sum(child.memory_info().rss for child in tree[1:]) / 1e6
        stop = threading.Event()
        panel = threading.Thread(target=lambda: list(client.events(stop=stop)), daemon=True)
        panel.start()
        watched = _cpu_share(tree)
        stop.set()
        bare = _import_memory()
        print_result("idle gateway, processor", f"{alone:6.2%}       of one core")
        print_result("idle gateway with an open panel", f"{watched:6.2%}       of one core")
        libraries = "FastAPI, SQLAlchemy and DBOS alone"
        report(NAME, "idle gateway, memory", own, bare, libraries, unit="MB", goal=1.7)
        print_result("its warm model process", f"{models:6.0f} MB")


def _cpu_share(tree: list[psutil.Process], seconds: float = 10) -> float:
    """Share of one core that the processes use, after a pause to let them settle."""
    time.sleep(2)
    before = sum(sum(process.cpu_times()[:2]) for process in tree)
    time.sleep(seconds)
    return (sum(sum(process.cpu_times()[:2]) for process in tree) - before) / seconds


def _import_memory() -> float:
    memory = "print(psutil.Process().memory_info().rss / 1e6)"
    return _number_from(f"import fastapi, uvicorn, sqlalchemy, dbos, psutil\n{memory}")


if __name__ == "__main__":
    main()
