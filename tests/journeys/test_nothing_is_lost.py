"""Whatever dies in the middle of real work, the job ends right: nothing lost, nothing twice."""

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
def long_plate(desk: Any) -> Path:
    """Frames large enough that Upscale takes some tenths of a second for each."""
    folder: Path = desk.plates / "long"
    folder.mkdir()
    noise = np.random.default_rng(3)
    for frame in FRAMES:
        out = oiio.ImageOutput.create("x.exr")
        out.open(str(folder / f"long.{frame:04d}.exr"), oiio.ImageSpec(WIDTH, HEIGHT, 3, "half"))
        out.write_image(noise.random((HEIGHT, WIDTH, 3)).astype(np.float16))
        out.close()
    return folder / "long.%04d.exr"


def send(desk: Any, plate: Path) -> str:
    words = ("--service", "upscale", "--colour-space", "ACEScg", "--no-wait")
    (job,) = desk.json("send", str(plate), *words)
    job_id: str = job["id"]
    return job_id


def finished(desk: Any) -> list[Path]:
    return sorted(desk.library.glob(".work/*/pictures/proxies/*.jpg"))


def check_one_whole_version(desk: Any) -> None:
    (version,) = desk.json("versions")
    assert version["number"] == 1 and version["frames"] == list(FRAMES)
    main = next(o for o in version["outputs"] if o["name"] == "main")
    folder = Path(version["folder"])
    assert sorted(folder.glob("*.exr")) == [folder / (main["pattern"] % f) for f in FRAMES]
    assert not list(desk.library.glob(".work/*")), "nothing half done is left lying about"


def wait_for_frames(desk: Any, wait_for: Any, count: int) -> set[Path]:
    wait_for(lambda: len(finished(desk)) >= count, f"{count} frames")
    return set(finished(desk))


def test_the_gateway_is_killed_while_a_model_works(desk: Any, long_plate: Path) -> None:
    job = send(desk, long_plate)
    gateway = desk.gateway()
    children = gateway.children(recursive=True)
    done = {path: path.stat().st_mtime_ns for path in wait_for_frames(desk, desk.wait_for, 3)}
    gateway.send_signal(signal.SIGKILL)
    psutil.wait_procs([gateway, *children], timeout=10)
    assert not any(child.is_running() for child in children), "a model process outlived it"

    # Any call finds that it is gone and starts it again; the job goes on by itself.
    desk.json("jobs")
    for path, written in done.items():
        assert not path.exists() or path.stat().st_mtime_ns == written, "a frame was made twice"
    (ended,) = desk.json("watch", job)
    assert ended["state"] == "succeeded"
    check_one_whole_version(desk)


def test_the_model_process_is_killed(desk: Any, long_plate: Path) -> None:
    job = send(desk, long_plate)
    wait_for_frames(desk, desk.wait_for, 3)
    for child in desk.gateway().children(recursive=True):
        child.send_signal(signal.SIGKILL)
    (ended,) = desk.json("watch", job)
    assert ended["state"] == "succeeded"
    check_one_whole_version(desk)


def test_the_client_is_killed_while_it_sends(desk: Any, long_plate: Path) -> None:
    # Nothing can be reached by path, so pictures must be sent and there is a middle to die in.
    desk.settings["GATEWAY__MEDIA_ROOTS"] = "[]"
    desk.json("services")
    outbox = desk.folder / "state" / "outbox"
    words = ("send", str(long_plate), "--service", "upscale", "--colour-space", "ACEScg")
    with desk.start(*words) as process:
        desk.wait_for(lambda: list(outbox.glob("*.json")), "the request to be accepted")
        process.kill()
        process.communicate()
    # It died before or after the gateway had the request; either way it is asked for once.
    desk.run("outbox", "--send")
    assert desk.json("outbox") == []
    jobs = desk.json("jobs")
    assert len(jobs) == 1
    (ended,) = desk.json("watch", jobs[0]["id"])
    assert ended["state"] == "succeeded"
    check_one_whole_version(desk)


def test_cancelled_leaves_nothing_and_the_next_job_runs(desk: Any, long_plate: Path) -> None:
    job = send(desk, long_plate)
    wait_for_frames(desk, desk.wait_for, 2)
    assert desk.json("cancel", job)[0]["state"] == "cancelled"
    desk.wait_for(lambda: not list(desk.library.glob(".work/*")), "the work to be gone", 2)
    assert desk.json("versions") == []
    again = send(desk, long_plate)
    (ended,) = desk.json("watch", again)
    assert ended["state"] == "succeeded"
    check_one_whole_version(desk)
