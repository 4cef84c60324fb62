"""A gateway without its API, in a process of its own, to be killed.

``python job_harness.py FOLDER [MODULE:FUNCTION:before|after[:CALL]]`` starts a JobRuntime on FOLDER
with a small real provider, reads calls as lines of JSON from stdin and answers on stdout. Where a
function is named, the process stops there for ever (at the CALLth call, the first by default),
creates a file ``paused``, and waits to be killed. The begin and end of every step are appended to
``steps.log``, every finished frame to ``frames.log``.

``MODULE:FUNCTION:fails:ERRNO[:CALL[:TIMES]]`` has the function raise an OSError instead (EIO,
ENOSPC, ...): from the CALLth call on, TIMES times. :func:`inject_os_error` does the same in a
test's own process.

The gateway has no code for this: its functions are wrapped from outside.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import importlib
import importlib.util
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
from sqlalchemy import select

from bridge_core.errors import JobCancelled, JobFailed, ShotbridgeError
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, PlateKind, SourceFile
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request, Submission
from bridge_core.models.services import (
    ChoiceParameter,
    DataLocality,
    NumberParameter,
    ParameterChoice,
    Service,
)
from bridge_core.models.settings import GatewaySettings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import ResultOutput
from bridge_gateway.db.tables import LedgerRow
from bridge_gateway.jobs.runtime import JobRuntime
from bridge_gateway.policy.principal import Principal
from bridge_gateway.providers.base import (
    PICTURE_FILENAME,
    PROXY_FILENAME,
    FrameProvider,
    Provider,
    ProviderQueue,
    ProviderTask,
    TaskMonitor,
    TaskResult,
)
from bridge_gateway.providers.registry import ProviderRegistry

#: The function of each step, in their order.
STEP_FUNCTIONS = {
    "admit": "admit:admit_job",
    "stage": "stage:stage_inputs",
    "run": "run:run_provider",
    "check": "outputs:check_outputs",
    "proxies": "outputs:make_proxies",
    "hash": "outputs:hash_outputs",
    "publish": "publish:publish_result",
    "settle": "publish:settle_job",
}
STEPS = tuple(STEP_FUNCTIONS)
WIDTH, HEIGHT = 48, 32
#: Who submits the jobs.
PRINCIPAL = Principal("ann")

_BEHAVIOURS = ("work", "hold", "fail", "crash", "hang", "fill", "no proxies", "lose", "NaN")


class CopyProvider(FrameProvider):
    """Copies the plate frame by frame, with real files, proxies and resumption."""

    id = "copier"

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.queue = ProviderQueue(concurrency=workers)
        self._log = folder / "frames.log"
        self._resume_file = resume_file(folder)

    def list_services(self) -> tuple[Service, ...]:
        return (
            Service(
                id="copy",
                title="Copy",
                summary="The plate as it is.",
                provider=self.id,
                data_locality=DataLocality.LOCAL,
                parameters=(
                    NumberParameter(
                        name="seconds", title="Seconds a frame", default=0, minimum=0, maximum=60
                    ),
                    ChoiceParameter(
                        name="behaviour",
                        title="Behaviour",
                        default="work",
                        choices=tuple(
                            ParameterChoice(value=behaviour, title=behaviour)
                            for behaviour in _BEHAVIOURS
                        ),
                    ),
                ),
            ),
            Service(
                id="absent",
                title="Absent",
                summary="Its weights are not there.",
                provider=self.id,
                data_locality=DataLocality.LOCAL,
                available=False,
                unavailable_reason="install its weights",
            ),
        )

    def run(self, task: ProviderTask, monitor: TaskMonitor) -> TaskResult:
        behaviour = str(task.parameters["behaviour"])
        if behaviour == "fail":
            raise JobFailed("it cannot be done", where=task.service, next_step="do something else")
        if behaviour == "crash":
            raise ZeroDivisionError("not expected")
        for frame in task.frames:
            deadline = time.monotonic() + float(task.parameters["seconds"])
            held = behaviour == "hold" and frame not in task.frames[:2]
            while (
                time.monotonic() < deadline
                or behaviour == "hang"
                or (held and not self._resume_file.exists())
            ):
                if monitor.cancelled() and behaviour != "hang":
                    raise JobCancelled("cancelled")
                time.sleep(0.01)
            if monitor.cancelled():
                raise JobCancelled("cancelled")
            proxy = task.folder / PROXY_FILENAME.format(frame=frame)
            if behaviour == "lose" and frame == task.frames[2]:
                continue
            if not proxy.exists():
                make_frame(task, frame, proxy, behaviour)
                append(self._log, str(frame))
            monitor.frame_done(frame)
        spec = oiio.ImageInput.open(str(task.files[task.frames[0]])).spec()
        main = ResultOutput(
            name="main",
            pattern="main.%04d.exr",
            range=FrameRange.of(task.frames[0], task.frames[-1], task.plate.range.rate),
            colour_space=task.colour_space,
            width=spec.width,
            height=spec.height,
            channels=tuple(spec.channelnames),
            depth="half",
        )
        return TaskResult(outputs=(main,), colour_conversions=("not converted",))

    def close(self) -> None:
        pass


def make_frame(task: ProviderTask, frame: int, proxy: Path, behaviour: str) -> None:
    picture = task.folder / PICTURE_FILENAME.format(output="main", frame=frame, suffix=".exr")
    partial = picture.with_name(f"partial-{picture.name}")
    shutil.copyfile(task.files[frame], partial)
    if behaviour == "NaN" and frame % 2:
        pixels = np.full((HEIGHT, WIDTH, 3), np.nan, np.float32)
        buffer = oiio.ImageBuf(oiio.ImageBuf(str(partial)).spec())
        buffer.set_pixels(buffer.roi, pixels)
        assert buffer.write(str(partial), oiio.HALF, "openexr")
    if behaviour == "fill":
        with partial.open("ab") as file:
            file.write(os.urandom(4_000_000))
    partial.rename(picture)
    proxy.parent.mkdir(exist_ok=True)
    if behaviour != "no proxies":
        small = proxy.with_name(f"partial-{proxy.name}")
        assert oiio.ImageBuf(str(picture)).write(str(small), oiio.UINT8, "jpeg")
        small.rename(proxy)


# --- plates and requests


def resume_file(folder: Path) -> Path:
    """A job with the behaviour ``hold`` makes two frames, and the others once this file exists."""
    return folder / "resume"


def create_runtime(
    folder: Path, *, providers: ProviderRegistry | None = None, **settings: Any
) -> JobRuntime:
    """A JobRuntime on ``folder`` that reads plates from ``folder/plates``; not started. It copies,
    unless there are other ``providers``; where ``folder/remote`` exists, also remotely."""
    if providers is None:
        both: list[Provider] = [CopyProvider(folder, settings.get("workers", 1))]
        if (folder / "remote").exists():
            both.append(load_remote().CountingRemoteProvider(folder / "remote"))
        providers = ProviderRegistry.of(both)
    values = {
        "data_dir": folder / "data",
        "library_dir": folder / "library",
        "media_roots": (folder / "plates",),
        **settings,
    }
    return JobRuntime(GatewaySettings(**values), providers)


def load_remote() -> Any:
    """The module ``counting_remote``, which is not on the path of this script."""
    path = Path(__file__).parents[1] / "providers" / "counting_remote.py"
    if "counting_remote" not in sys.modules:
        spec = importlib.util.spec_from_file_location("counting_remote", path)
        assert spec is not None and spec.loader is not None
        sys.modules["counting_remote"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["counting_remote"])
    return sys.modules["counting_remote"]


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
    pattern: str,
    *,
    shot: str = "010",
    frames: int = 6,
    first: int = 1001,
    reference_files: tuple[SourceFile, ...] = (),
    matte_files: tuple[tuple[SourceFile, ...], ...] = (),
    **request: Any,
) -> Submission:
    """The whole sequence, to be copied; ``request`` sets further fields of the request."""
    span = FrameRange.of(first, first + frames - 1, 24)
    plate = Plate(path=pattern, range=span, colour_space="ACEScg", width=WIDTH, height=HEIGHT)
    files = []
    for frame in span.frames() if plate.kind is PlateKind.SEQUENCE else [None]:
        path = Path(plate.path_at(frame or first))
        stat = path.stat() if path.exists() else None
        files.append(
            SourceFile(
                path=str(path),
                frame=frame,
                size=stat.st_size if stat else 0,
                mtime_ns=stat.st_mtime_ns if stat else 0,
            )
        )
    fields = {"service": "copy", **request}
    return Submission(
        request=Request(
            shot=Shot(
                id=ShotId(show="show", sequence="sq", shot=shot), plate=plate, cut_range=span
            ),
            **fields,
        ),
        plate_files=tuple(files),
        reference_files=reference_files,
        matte_files=matte_files,
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inject_os_error(
    module: str, function: str, error_number: int, call: int = 1, times: int = 1
) -> Callable[[], None]:
    """Have a function raise an OSError from its ``call``th call on, ``times`` times. The returned
    function ends the injection."""
    calls = itertools.count(1)

    def raise_or_call(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if call <= next(calls) < call + times:
            raise OSError(error_number, os.strerror(error_number), str(args[0]) if args else None)
        return real(*args, **kwargs)

    return _wrap(module, function, raise_or_call)


# --- the process


def append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    for step, location in STEP_FUNCTIONS.items():
        module, _, function = location.partition(":")
        _wrap(
            f"bridge_gateway.jobs.steps.{module}",
            function,
            functools.partial(_log_step, folder, step),
        )
    load_remote()
    # The provider's list is never behind.
    remote: Any = importlib.import_module("bridge_gateway.providers.remote")
    remote._SETTLE_SECONDS = 0.0
    if len(sys.argv) > 2:
        name, function, when, *rest = sys.argv[2].split(":")
        if when == "fails":
            inject_os_error(name, function, getattr(errno, rest[0]), *map(int, rest[1:]))
        else:
            _wrap(
                name, function, functools.partial(_pause_at_call, folder, when, int(*rest or [1]))
            )
    runtime = create_runtime(folder)
    try:
        runtime.start()
    except ShotbridgeError as error:
        _write_message({"problem": Problem.from_error(error).model_dump(mode="json")})
        sys.exit(3)
    _write_message({"ready": os.getpid()})
    for line in sys.stdin:
        _write_message(_handle_call(runtime, json.loads(line)))
    runtime.stop()


def _handle_call(runtime: JobRuntime, call: dict[str, Any]) -> dict[str, Any]:
    try:
        match call:
            case {"call": "submit", "submission": given, "key": key}:
                job, _ = runtime.jobs.submit(Submission.model_validate(given), key, PRINCIPAL)
                return job.model_dump(mode="json")
            case {"call": "job", "id": identity}:
                return runtime.jobs.get_job(identity).model_dump(mode="json")
            case {"call": "cancel", "id": identity}:
                return runtime.jobs.cancel(identity).model_dump(mode="json")
            case {"call": "ledger", "id": identity}:
                with runtime.gateway.database.begin_read() as session:
                    query = select(LedgerRow).where(LedgerRow.job_id == identity)
                    rows = session.scalars(query.order_by(LedgerRow.number)).all()
                return {"entries": [[row.kind, row.occasion, row.amount] for row in rows]}
            case {"call": "versions"}:
                return {
                    "versions": [
                        one.model_dump(mode="json") for one in runtime.results.list_versions()
                    ]
                }
    except ShotbridgeError as error:
        return {"problem": Problem.from_error(error).model_dump(mode="json")}
    raise ValueError(call)


def _write_message(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _wrap(module: str, function: str, wrapper: Callable[..., Any]) -> Callable[[], None]:
    owner = sys.modules["__main__"] if module == "job_harness" else importlib.import_module(module)
    *classes, name = function.split(".")
    for one in classes:
        owner = getattr(owner, one)
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(real, *args, **kwargs)

    setattr(owner, name, wrapped)
    return lambda: setattr(owner, name, real)


def _log_step(folder: Path, step: str, real: Callable[..., Any], *args: Any) -> Any:
    log = folder / "steps.log"
    append(log, f"begin {step}")
    value = real(*args)
    append(log, f"end {step}")
    return value


_calls = 0


def _pause_at_call(
    folder: Path, when: str, call: int, real: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    global _calls
    _calls += 1
    if when == "before" and _calls == call:
        _pause_forever(folder)
    value = real(*args, **kwargs)
    if when == "after" and _calls == call:
        _pause_forever(folder)
    return value


def _pause_forever(folder: Path) -> None:
    (folder / "paused").touch()
    threading.Event().wait()


if __name__ == "__main__":
    main()
