"""A gateway without its API, in a process of its own, to be killed.

``python killable.py FOLDER [MODULE:FUNCTION:before|after[:CALL]]`` opens a desk on FOLDER with a
small real provider, takes calls as lines of JSON on stdin and answers on stdout. Where a place is
named, the process stops there for ever (at the CALLth call, the first by default), with a file
``paused`` to say so, and waits to be killed. Every step that begins or ends is written to
``steps.log``, every frame that is made to ``frames.log``; both only grow.

``MODULE:FUNCTION:refuses:ERRNO[:CALL[:TIMES]]`` names a place that raises an OSError instead (EIO,
ENOSPC, ...): from the CALLth call on, TIMES times. :func:`plant` does the same in a test's own
process.

Nothing in the gateway knows of this: the functions are wrapped from outside.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import importlib
import itertools
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from bridge_core.errors import JobCancelled, JobFailed, ShotbridgeError
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, PlateKind, SourceFile
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import (
    Choice,
    ChoiceParameter,
    NumberParameter,
    Reach,
    Service,
)
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import Output
from bridge_gateway.jobs.desk import Desk
from bridge_gateway.providers.contract import PICTURE, PROXY, Made, Task, Watch
from bridge_gateway.store.content import ContentStore
from bridge_gateway.store.roots import Roots

STEPS = ("admit", "stage", "run", "check", "proxy", "seal", "publish", "settle")
WIDTH, HEIGHT = 48, 32

_MOODS = ("work", "fail", "crash", "hang", "fill", "no proxies", "lose", "NaN")


class CopyProvider:
    """Copies the plate, frame by frame: real files, real proxies, real resumption."""

    id = "copier"

    def __init__(self, folder: Path) -> None:
        self._log = folder / "frames.log"

    def services(self) -> tuple[Service, ...]:
        return (
            Service(
                id="copy",
                title="Copy",
                summary="The plate as it is.",
                provider=self.id,
                reach=Reach.THIS_MACHINE,
                parameters=(
                    NumberParameter(
                        name="seconds", title="Seconds a frame", default=0, minimum=0, maximum=60
                    ),
                    ChoiceParameter(
                        name="mood",
                        title="Mood",
                        default="work",
                        choices=tuple(Choice(value=mood, title=mood) for mood in _MOODS),
                    ),
                ),
            ),
            Service(
                id="absent",
                title="Absent",
                summary="Its weights are not there.",
                provider=self.id,
                reach=Reach.THIS_MACHINE,
                available=False,
                unavailable_because="install its weights",
            ),
        )

    def run(self, task: Task, watch: Watch) -> Made:
        mood = str(task.parameters["mood"])
        if mood == "fail":
            raise JobFailed("it cannot be done", where=task.service, next_step="do something else")
        if mood == "crash":
            raise ZeroDivisionError("nobody foresaw this")
        for frame in task.frames:
            deadline = time.monotonic() + float(task.parameters["seconds"])
            while time.monotonic() < deadline or mood == "hang":
                if watch.cancelled() and mood != "hang":
                    raise JobCancelled("cancelled")
                time.sleep(0.01)
            if watch.cancelled():
                raise JobCancelled("cancelled")
            proxy = task.folder / PROXY.format(frame=frame)
            if mood == "lose" and frame == task.frames[2]:
                continue
            if not proxy.exists():
                make_frame(task, frame, proxy, mood)
                append(self._log, str(frame))
            watch.frame_done(frame)
        spec = oiio.ImageInput.open(str(task.files[task.frames[0]])).spec()
        main = Output(
            name="main",
            pattern="main.%04d.exr",
            range=FrameRange.of(task.frames[0], task.frames[-1], task.plate.range.rate),
            colour_space=task.colour_space,
            width=spec.width,
            height=spec.height,
            channels=tuple(spec.channelnames),
            depth="half",
        )
        return Made(outputs=(main,), colour=("not converted",))

    def close(self) -> None:
        pass


def make_frame(task: Task, frame: int, proxy: Path, mood: str) -> None:
    picture = task.folder / PICTURE.format(output="main", frame=frame, ending=".exr")
    partial = picture.with_name(f"partial-{picture.name}")
    shutil.copyfile(task.files[frame], partial)
    if mood == "NaN" and frame % 2:
        pixels = np.full((HEIGHT, WIDTH, 3), np.nan, np.float32)
        buffer = oiio.ImageBuf(oiio.ImageBuf(str(partial)).spec())
        buffer.set_pixels(buffer.roi, pixels)
        assert buffer.write(str(partial), oiio.HALF, "openexr")
    if mood == "fill":
        with partial.open("ab") as file:
            file.write(os.urandom(4_000_000))
    partial.rename(picture)
    proxy.parent.mkdir(exist_ok=True)
    if mood != "no proxies":
        small = proxy.with_name(f"partial-{proxy.name}")
        assert oiio.ImageBuf(str(picture)).write(str(small), oiio.UINT8, "jpeg")
        small.rename(proxy)


# --- what tests are made of


def open_desk(folder: Path, **settings: Any) -> Desk:
    """A desk on ``folder`` that reads plates from ``folder/plates``; not started."""
    provider = CopyProvider(folder)
    given = {
        "data_dir": folder / "data",
        "library_dir": folder / "library",
        "media_roots": (folder / "plates",),
        **settings,
    }
    return Desk(
        GatewaySettings(**given),
        [provider],
        ContentStore(folder / "data" / "content", 1_000_000_000),
        Roots([folder / "plates"]),
    )


def write_plate(folder: Path, shot: str = "010", frames: int = 6, first: int = 1001) -> str:
    """An EXR sequence whose frames can be told apart; its pattern."""
    plates = folder / "plates" / shot
    plates.mkdir(parents=True, exist_ok=True)
    for frame in range(first, first + frames):
        pixels = np.full((HEIGHT, WIDTH, 3), frame / 2048, np.float32)
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, oiio.HALF)
        spec.attribute("compression", "zip")
        output = oiio.ImageOutput.create("plate.exr")
        assert output.open(str(plates / f"plate.{frame}.exr"), spec)
        output.write_image(pixels)
        output.close()
    return str(plates / "plate.%04d.exr")


def submission(
    pattern: str, *, shot: str = "010", frames: int = 6, first: int = 1001, **request: Any
) -> Submission:
    """The whole sequence, to be copied; ``request`` sets further fields of the request."""
    span = FrameRange.of(first, first + frames - 1, 24)
    plate = Plate(path=pattern, range=span, colour_space="ACEScg", width=WIDTH, height=HEIGHT)
    files = []
    for frame in span.frames() if plate.kind is PlateKind.SEQUENCE else [None]:
        path = Path(plate.file(frame or first))
        found = path.stat() if path.exists() else None
        files.append(
            SourceFile(
                path=str(path),
                frame=frame,
                size=found.st_size if found else 0,
                mtime_ns=found.st_mtime_ns if found else 0,
            )
        )
    asked = {"service": "copy", "asked_by": "ann", **request}
    return Submission(
        request=Request(
            shot=Shot(
                id=ShotId(show="show", sequence="sq", shot=shot), plate=plate, cut_range=span
            ),
            **asked,
        ),
        plate_files=tuple(files),
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plant(
    module: str, function: str, number: int, call: int = 1, times: int = 1
) -> Callable[[], None]:
    """Have a function raise an OSError from its ``call``th call on, ``times`` times. What is given
    back takes the plant out again."""
    calls = itertools.count(1)

    def refuse(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if call <= next(calls) < call + times:
            raise OSError(number, os.strerror(number), str(args[0]) if args else None)
        return real(*args, **kwargs)

    return _wrap(module, function, refuse)


# --- the process


def append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    for step in STEPS:
        module = "publish" if step == "publish" else "steps"
        _wrap(f"bridge_gateway.jobs.{module}", step, functools.partial(_log_step, folder))
    if len(sys.argv) > 2:
        name, function, when, *rest = sys.argv[2].split(":")
        if when == "refuses":
            plant(name, function, getattr(errno, rest[0]), *map(int, rest[1:]))
        else:
            _wrap(name, function, functools.partial(_pause, folder, when, int(*rest or [1])))
    desk = open_desk(folder)
    try:
        desk.start()
    except ShotbridgeError as error:
        _say({"problem": Problem.of(error).model_dump(mode="json")})
        sys.exit(3)
    _say({"ready": os.getpid()})
    for line in sys.stdin:
        _say(_answer(desk, json.loads(line)))
    desk.stop()


def _answer(desk: Desk, call: dict[str, Any]) -> dict[str, Any]:
    try:
        match call:
            case {"call": "submit", "submission": given, "key": key}:
                job, _ = desk.submit(Submission.model_validate(given), key)
                return job.model_dump(mode="json")
            case {"call": "job", "id": identity}:
                return desk.job(identity).model_dump(mode="json")
            case {"call": "versions"}:
                return {"versions": [one.model_dump(mode="json") for one in desk.versions()]}
    except ShotbridgeError as error:
        return {"problem": Problem.of(error).model_dump(mode="json")}
    raise ValueError(call)


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _wrap(module: str, function: str, wrapper: Callable[..., Any]) -> Callable[[], None]:
    owner = sys.modules["__main__"] if module == "killable" else importlib.import_module(module)
    *classes, name = function.split(".")
    for one in classes:
        owner = getattr(owner, one)
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(real, *args, **kwargs)

    setattr(owner, name, wrapped)
    return lambda: setattr(owner, name, real)


def _log_step(folder: Path, real: Callable[..., Any], *args: Any) -> Any:
    log = folder / "steps.log"
    append(log, f"begin {real.__name__}")
    value = real(*args)
    append(log, f"end {real.__name__}")
    return value


_calls = 0


def _pause(
    folder: Path, when: str, call: int, real: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    global _calls
    _calls += 1
    if when == "before" and _calls == call:
        _sleep(folder)
    value = real(*args, **kwargs)
    if when == "after" and _calls == call:
        _sleep(folder)
    return value


def _sleep(folder: Path) -> None:
    (folder / "paused").touch()
    threading.Event().wait()


if __name__ == "__main__":
    main()
