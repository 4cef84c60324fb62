"""What the bridge costs: transfer, submitting, starting, idling, and time beside the model's own.

``python -m benchmarks.bridge``
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

from benchmarks import MODELS
from benchmarks._gateway import gateway, plate, request
from bridge_core.client import Client
from bridge_core.models.requests import Request
from bridge_core.transfer import prepare_submission

FILES, SIZE = 24, 10 * 1024 * 1024


def main() -> None:
    transfer()
    submitting()
    overhead()
    idle()


def print_result(what: str, says: str) -> None:
    print(f"{what:<34} {says}", flush=True)


def timed(work: Callable[[], object], *, before: Callable[[], object] | None = None) -> float:
    """Median seconds of three runs."""
    took = []
    for _ in range(3):
        if before:
            before()
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


# Transfer


def transfer() -> None:
    """24 files of 10 MiB: by content address and by path, beside cp and loopback sendfile."""
    with tempfile.TemporaryDirectory(prefix="shotbridge-bench-") as name:
        source, target = Path(name) / "source", Path(name) / "target"
        source.mkdir()
        # Pictures as far as the transfer can tell; it hashes and moves whatever bytes there are.
        chance = random.Random(7)
        for number in range(FILES):
            (source / f"plate.{1001 + number}.exr").write_bytes(chance.randbytes(SIZE))
        total = FILES * SIZE / 1e6
        files = sorted(source.iterdir())
        copying = timed(
            lambda: subprocess.run(["cp", "-r", str(source), str(target)], check=True),
            before=lambda: shutil.rmtree(target, ignore_errors=True),
        )
        sending = timed(lambda: _sendfile(files))
        verifying = timed(lambda: _sendfile_verified(files, Path(name) / "arrived"))
        print_result("cp", f"{total / copying:6.0f} MB/s")
        print_result("sendfile over loopback", f"{total / sending:6.0f} MB/s")
        print_result(
            "the same, hashed, kept and proven",
            f"{total / verifying:6.0f} MB/s   SHA-256 on both sides, every file on the disk",
        )

        shot = _shot_of(source)
        took = []
        for _ in range(3):
            with gateway() as (client, _plates):
                start = time.perf_counter()
                prepare_submission(request(shot, "round_trip"), client._transport)
                took.append(time.perf_counter() - start)
        sent = statistics.median(took)
        print_result(
            "sent by content address",
            f"{total / sent:6.0f} MB/s   {copying / sent:.2f} of cp, {sending / sent:.2f} of"
            f" sendfile, {verifying / sent:.2f} of sendfile hashed, kept and proven",
        )
        with gateway(gateway__media_roots=[str(source)]) as (client, _plates):
            named = timed(
                lambda: prepare_submission(request(shot, "round_trip"), client._transport)
            )
        print_result(
            "named by path",
            f"{named * 1000:6.1f} ms     {copying / named:.0f} times faster than cp",
        )


def _shot_of(folder: Path) -> object:
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.media import Plate
    from bridge_core.models.shots import Shot, ShotId

    span = FrameRange.of(1001, 1000 + FILES, 24)
    return Shot(
        id=ShotId(show="bench", sequence="sq", shot="bytes"),
        plate=Plate(path=str(folder / "plate.%04d.exr"), range=span, colour_space="ACEScg"),
        cut_range=span,
    )


def _sendfile(files: list[Path]) -> None:
    """All files through one connection, as fast as the kernel moves bytes."""
    with _receiver(_drain) as line:
        for path in files:
            with path.open("rb") as file:
                line.sendfile(file)


def _sendfile_verified(files: list[Path], target: Path) -> None:
    """What any transfer by content address has to do, and nothing else, in one connection."""

    def keep(taker: socket.socket) -> None:
        buffer = memoryview(bytearray(1 << 20))
        for path in files:
            digest, missing = hashlib.sha256(), SIZE
            with target.open("wb", buffering=0) as file:
                while missing:
                    got = taker.recv_into(buffer[: min(missing, len(buffer))])
                    file.write(buffer[:got])
                    digest.update(buffer[:got])
                    missing -= got
                os.fsync(file.fileno())
            arrived[path] = digest.digest()

    hashes: dict[Path, bytes] = {}
    arrived: dict[Path, bytes] = {}
    with _receiver(keep) as line:
        for path in files:
            with path.open("rb") as file:
                hashes[path] = hashlib.file_digest(file, "sha256").digest()
                line.sendfile(file)
    assert arrived == hashes


def _drain(taker: socket.socket) -> None:
    buffer = bytearray(1 << 20)
    while taker.recv_into(buffer):
        pass


@contextmanager
def _receiver(receive: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """A loopback connection whose other end ``take`` reads in another thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            taker, _ = server.accept()
            with taker:
                receive(taker)

        thread = threading.Thread(target=accept)
        thread.start()
        with socket.create_connection(server.getsockname()) as line:
            yield line
        thread.join()


# Submitting and starting


def submitting() -> None:
    """A 240-frame request: until it is accepted, and until work on it begins."""
    with gateway() as (client, plates):
        shot = plate(plates, "long", 240, 16, 16)
        asked = request(shot, "round_trip")
        client.wait([client.submit(asked).id])
        bare = timed(client.services)
        jobs: list[str] = []
        accepted = timed(
            lambda: jobs.append(client.submit(asked).id), before=lambda: client.wait(jobs)
        )
        client.wait(jobs)
        print_result(
            "240 frames accepted",
            f"{accepted * 1000:6.1f} ms     {accepted / bare:.1f} bare calls of"
            f" {bare * 1000:.1f} ms (outbox, disk look-up, path check and job)",
        )
        waits = []
        for _ in range(5):
            job = client.wait(
                [client.submit(request(plate(plates, "s", 1, 16, 16), "round_trip")).id]
            )[0]
            assert job.started is not None
            waits.append((job.started - job.created).total_seconds())
        print_result(
            "enqueue to start",
            f"{statistics.median(waits) * 1000:6.1f} ms     median of 5, greatest"
            f" {max(waits) * 1000:.0f} ms",
        )


# The model's own time, and ours beside it


def overhead() -> None:
    """Upscale of a real size: the job's wall time beside the bare network's on the same frames."""
    frames, width, height = 6, 640, 360
    with gateway() as (client, plates):
        shot = plate(plates, "big", frames, width, height)
        _run(client, request(plate(plates, "warm", 1, 64, 64), "upscale"))
        job_seconds = _run(client, request(shot, "upscale"))
    bare = _time_network_alone(frames, width, height)
    print_result(
        "Upscale, whole job a frame",
        f"{job_seconds / frames * 1000:6.0f} ms     {job_seconds / bare:.2f} of the bare network's"
        f" {bare / frames * 1000:.0f} ms (reading, colour, writing, proxies, checks, publishing)",
    )


def _run(client: Client, request: Request) -> float:
    job = client.wait([client.submit(request).id])[0]
    if job.state != "succeeded" or job.started is None or job.finished is None:
        raise SystemExit(f"the job ended as {job.state}: {job.problem}")
    return (job.finished - job.started).total_seconds()


def _time_network_alone(frames: int, width: int, height: int) -> float:
    """Seconds of the network alone in a process of its own, warmed up, with the same threads."""
    program = (
        "import sys, time, json, numpy as np\n"
        "from pathlib import Path\n"
        "from bridge_gateway.inference.model_store import require\n"
        "import onnxruntime as ort, os\n"
        "o = ort.SessionOptions(); o.intra_op_num_threads = os.cpu_count()\n"
        f"m = require(Path({str(MODELS)!r}), 'span-x2')\n"
        "s = ort.InferenceSession(str(m.path), o, providers=['CPUExecutionProvider'])\n"
        "n = s.get_inputs()[0].name\n"
        f"x = np.random.default_rng(1).random((1, 3, {height}, {width}), dtype=np.float32)\n"
        "s.run(None, {n: x})\n"
        "t = time.perf_counter()\n"
        f"for _ in range({frames}): s.run(None, {{n: x}})\n"
        "print(json.dumps(time.perf_counter() - t))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(json.loads(answer.stdout))


# Idle


def idle() -> None:
    """A gateway that nobody needs: its processor time and memory."""
    with gateway() as (client, plates):
        _run(client, request(plate(plates, "s", 1, 16, 16), "round_trip"))
        state = client.settings.client.state_dir / "gateway.json"
        process = psutil.Process(json.loads(state.read_text())["pid"])
        tree = [process, *process.children(recursive=True)]
        alone = _cpu_share(tree)
        own = process.memory_info().rss / 1e6
        models = sum(one.memory_info().rss for one in tree[1:]) / 1e6
        stop = threading.Event()
        panel = threading.Thread(target=lambda: list(client.events(stop=stop)), daemon=True)
        panel.start()
        watched = _cpu_share(tree)
        stop.set()
        bare = _import_memory()
        print_result("idle gateway, processor", f"{alone:6.2%}       of one core")
        print_result("the same with an open panel", f"{watched:6.2%}       of one core")
        print_result(
            "idle gateway, memory",
            f"{own:6.0f} MB     {own / bare:.2f} of what importing FastAPI, SQLAlchemy and DBOS"
            f" alone takes; its warm model process {models:.0f} MB",
        )


def _cpu_share(tree: list[psutil.Process], seconds: float = 10) -> float:
    """Part of one core that processes take, once what was going on has settled."""
    time.sleep(2)
    before = sum(sum(one.cpu_times()[:2]) for one in tree)
    time.sleep(seconds)
    return (sum(sum(one.cpu_times()[:2]) for one in tree) - before) / seconds


def _import_memory() -> float:
    program = (
        "import fastapi, uvicorn, sqlalchemy, dbos, psutil\n"
        "print(psutil.Process().memory_info().rss / 1e6)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(answer.stdout)


if __name__ == "__main__":
    main()
