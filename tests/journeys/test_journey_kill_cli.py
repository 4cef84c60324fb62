"""A process is killed during a job: the job succeeds, nothing is lost and nothing made twice."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import psutil
import pytest

FRAMES = range(1001, 1013)
WIDTH, HEIGHT = 320, 192


@pytest.fixture
def long_plate(terminal: Any) -> Path:
    """Frames that Upscale takes a few tenths of a second for."""
    folder: Path = terminal.plates / "long"
    folder.mkdir()
    noise = np.random.default_rng(3)
    for frame in FRAMES:
        out = oiio.ImageOutput.create("x.exr")
        out.open(str(folder / f"long.{frame:04d}.exr"), oiio.ImageSpec(WIDTH, HEIGHT, 3, "half"))
        out.write_image(noise.random((HEIGHT, WIDTH, 3)).astype(np.float16))
        out.close()
    return folder / "long.%04d.exr"


def send(terminal: Any, plate: Path) -> str:
    arguments = ("--service", "upscale", "--colour-space", "ACEScg", "--no-wait")
    (job,) = terminal.json("send", str(plate), *arguments)
    job_id: str = job["id"]
    return job_id


def finished_proxies(terminal: Any) -> list[Path]:
    return sorted(terminal.library.glob(".work/*/pictures/proxies/*.jpg"))


def check_one_complete_version(terminal: Any) -> None:
    (version,) = terminal.json("versions")
    assert version["number"] == 1 and version["frames"] == list(FRAMES)
    main = next(o for o in version["outputs"] if o["name"] == "main")
    folder = Path(version["folder"])
    assert sorted(folder.glob("*.exr")) == [folder / (main["pattern"] % f) for f in FRAMES]
    assert not list(terminal.library.glob(".work/*")), "unfinished work is left"


def wait_for_frames(terminal: Any, count: int) -> list[Path]:
    terminal.wait_for(lambda: len(finished_proxies(terminal)) >= count, f"{count} frames")
    return finished_proxies(terminal)


def test_the_gateway_is_killed_during_inference(terminal: Any, long_plate: Path) -> None:
    job = send(terminal, long_plate)
    gateway = terminal.gateway()
    children = gateway.children(recursive=True)
    done = {path: path.stat().st_mtime_ns for path in wait_for_frames(terminal, 3)}
    gateway.send_signal(signal.SIGKILL)
    psutil.wait_procs([gateway, *children], timeout=10)
    assert not any(child.is_running() for child in children), "a model process is still running"

    # Any call starts the gateway again; the job continues by itself.
    terminal.json("jobs")
    for path, written in done.items():
        assert not path.exists() or path.stat().st_mtime_ns == written, "a frame was made twice"
    (ended,) = terminal.json("watch", job)
    assert ended["state"] == "succeeded"
    check_one_complete_version(terminal)


def test_the_model_process_is_killed(terminal: Any, long_plate: Path) -> None:
    job = send(terminal, long_plate)
    wait_for_frames(terminal, 3)
    for child in terminal.gateway().children(recursive=True):
        child.send_signal(signal.SIGKILL)
    (ended,) = terminal.json("watch", job)
    assert ended["state"] == "succeeded"
    check_one_complete_version(terminal)


def test_the_client_is_killed_while_it_sends(terminal: Any, long_plate: Path) -> None:
    # Without media roots the pictures are uploaded, which takes long enough to be interrupted.
    terminal.settings["GATEWAY__MEDIA_ROOTS"] = "[]"
    terminal.json("services")
    outbox = terminal.folder / "state" / "outbox"
    arguments = ("send", str(long_plate), "--service", "upscale", "--colour-space", "ACEScg")
    with terminal.start(*arguments) as process:
        terminal.wait_for(lambda: list(outbox.glob("*.json")), "the request to be accepted")
        process.kill()
        process.communicate()
    # Whether or not the gateway had the request already, there is one job.
    terminal.run("outbox", "--send")
    assert terminal.json("outbox") == []
    jobs = terminal.json("jobs")
    assert len(jobs) == 1
    (ended,) = terminal.json("watch", jobs[0]["id"])
    assert ended["state"] == "succeeded"
    check_one_complete_version(terminal)


def test_a_cancelled_job_leaves_nothing_and_the_next_one_runs(
    terminal: Any, long_plate: Path
) -> None:
    job = send(terminal, long_plate)
    wait_for_frames(terminal, 2)
    assert terminal.json("cancel", job)[0]["state"] == "cancelled"
    terminal.wait_for(lambda: not list(terminal.library.glob(".work/*")), "the work's removal", 2)
    assert terminal.json("versions") == []
    next_job = send(terminal, long_plate)
    (ended,) = terminal.json("watch", next_job)
    assert ended["state"] == "succeeded"
    check_one_complete_version(terminal)
