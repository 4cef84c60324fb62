"""Small plates, tasks that fit a service, a monitor that records, and checks of results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from bridge_core.errors import ShotbridgeError
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate, frame_path
from bridge_core.models.requests import MatteRegion, OutputFormat, ShapeRegion
from bridge_core.models.services import OutputKind, RegionKind, Service, resolve_parameters
from bridge_gateway.arrays import FloatArray
from bridge_gateway.media.output_checks import check_output
from bridge_gateway.providers.base import (
    PROXY_FILENAME,
    FrameProvider,
    Provider,
    ProviderTask,
    RemoteHandle,
    RemoteProvider,
    RemoteState,
    RemoteStatus,
    TaskMatte,
    TaskReference,
    TaskResult,
)
from bridge_gateway.providers.remote_table import remote_key

#: Formats of test plates, with their colour spaces, in the order of preference.
PLATE_FORMATS = {"exr": "ACEScg", "png": "sRGB Encoded Rec.709 (sRGB)"}


class ConformanceError(AssertionError):
    """A provider does not fulfil the contract; the message says where."""


def require(condition: object, message: str) -> None:
    """:raises ConformanceError: ``condition`` is not true."""
    if not condition:
        raise ConformanceError(message)


@dataclass
class RecordingMonitor:
    """Records the reported frames and progress. ``on_frame`` is called after each frame."""

    on_frame: Callable[[int], None] = lambda frame: None
    frames: list[int] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def frame_done(self, frame: int) -> None:
        self.frames.append(frame)
        self.on_frame(frame)

    def progress(self, fraction: float | None, message: str = "") -> None:
        if fraction is not None:
            self.fractions.append(fraction)

    def cancelled(self) -> bool:
        return self.stop.is_set()


@dataclass(frozen=True)
class ConformanceContext:
    """What a case works with."""

    provider: Provider
    make_provider: Callable[[], Provider]
    folder: Path
    """For plates and results; empty."""
    seconds: float = 600.0
    """How long a remote job may take."""

    @property
    def service(self) -> Service:
        """The first of the :meth:`services`."""
        return self.services()[0]

    def services(self) -> list[Service]:
        """The available services that take one of the :data:`PLATE_FORMATS`.

        :raises ConformanceError: there is none.
        """
        offered = self.provider.list_services()
        services = [service for service in offered if service.available and plate_format(service)]
        require(services, "no service is available that takes EXR or PNG, so nothing can be tried")
        return services


def plate_format(service: Service) -> str | None:
    """The format of test plates for a service; None where it takes neither."""
    formats = service.limits.formats
    return next((name for name in PLATE_FORMATS if not formats or name in formats), None)


def make_task(
    context: ConformanceContext,
    service: Service,
    name: str,
    *,
    frames: int = 3,
    first: int = 1001,
    job_id: str | None = None,
) -> ProviderTask:
    """A task within the service's limits, with default parameters, and with a reference, regions
    and a seed where the service accepts them. Its files are in folders called ``name``."""
    limits, accepts = service.limits, service.accepts
    count = min(frames, limits.max_frames or frames)
    width = _fitting(64, limits.min_width, limits.size_multiple)
    height = _fitting(48, limits.min_height, limits.size_multiple)
    extension = plate_format(service) or "exr"
    rate = limits.rates[0] if limits.rates else 24
    plate_folder = context.folder / name / "plate"
    plate_folder.mkdir(parents=True, exist_ok=True)
    plate = Plate(
        path=str(plate_folder / f"plate.%04d.{extension}"),
        range=FrameRange.of(first, first + count - 1, rate),
        width=width,
        height=height,
    )
    files = {frame: Path(plate.path_at(frame)) for frame in plate.range.frames()}
    for frame, path in files.items():
        _write_picture(path, width, height, frame)
    references = []
    if accepts.references:
        path = context.folder / name / "reference.png"
        _write_picture(path, 64, 64, 7)
        role = accepts.reference_roles[0] if accepts.reference_roles else "look"
        references.append(TaskReference(path=path, role=role, title=path.name))
    regions: list[ShapeRegion | TaskMatte] = []
    if RegionKind.SHAPE in accepts.regions:
        regions.append(ShapeRegion(points=((0.1, 0.1), (0.9, 0.1), (0.5, 0.9))))
    if RegionKind.MATTE in accepts.regions:
        matte = MatteRegion(path=str(context.folder / name / "matte.%04d.png"), feather=2)
        mattes = {frame: Path(frame_path(matte.path, frame)) for frame in files}
        for frame, path in mattes.items():
            _write_matte(path, width, height, frame)
        regions.append(TaskMatte(matte, mattes))
    folder = context.folder / name / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return ProviderTask(
        job_id=job_id or f"conformance-{name.encode().hex()[:24]}-{time.time_ns():x}",
        service=service.id,
        parameters=resolve_parameters(service, {}),
        plate=plate,
        files=files,
        frames=tuple(files),
        colour_space=PLATE_FORMATS[extension],
        output_format=OutputFormat.EXR,
        folder=folder,
        note="a test of the provider",
        references=tuple(references),
        regions=tuple(regions),
        seed=7 if accepts.seed else None,
    )


def complete_task(
    context: ConformanceContext, task: ProviderTask, monitor: RecordingMonitor
) -> TaskResult:
    """Do the work of a task with a provider of either kind, as the gateway does.

    :raises ConformanceError: remote work failed, or did not end in time.
    """
    provider = context.provider
    if isinstance(provider, FrameProvider):
        return provider.run(task, monitor)
    if not isinstance(provider, RemoteProvider):
        raise ConformanceError("the provider is of no known kind")
    handle = submit(provider, task)
    status = wait_until_ended(context, provider, handle)
    problem = status.problem.message if status.problem else status.message
    require(
        status.state is RemoteState.SUCCEEDED,
        f"the work of {task.service} ended {status.state}: {problem}",
    )
    return provider.fetch(handle, task, monitor)


def submit(provider: RemoteProvider, task: ProviderTask) -> RemoteHandle:
    """Submit a task with its job's key, as the gateway does."""
    return provider.submit(task, remote_key(task.job_id))


def wait_until_ended(
    context: ConformanceContext, provider: RemoteProvider, handle: RemoteHandle
) -> RemoteStatus:
    """Poll until the work has ended, in whatever way.

    :raises ConformanceError: it does not end in time, or a fraction is not one.
    """
    deadline = time.monotonic() + context.seconds
    while not (status := provider.poll(handle)).state.ended:
        require(
            status.fraction is None or 0 <= status.fraction <= 1,
            f"a fraction of {status.fraction}",
        )
        require(time.monotonic() < deadline, f"work did not end within {context.seconds:g} s")
        time.sleep(1.0 if status.retry_after is None else max(0.0, status.retry_after))
    return status


def check_result(service: Service, task: ProviderTask, result: TaskResult) -> None:
    """Check that everything that a service produces exists and matches its description, and that
    nothing else was written.

    :raises ConformanceError: something is missing, wrong or too much.
    """
    where = f"{service.id}: "
    names = [output.name for output in result.outputs]
    produces = set(service.produces)
    require(len(set(names)) == len(names), f"{where}two outputs have one name: {names}")
    if produces & {OutputKind.PICTURES, OutputKind.MOVIE}:
        require("main" in names, f"{where}it made no output 'main', but {names}")
    require(OutputKind.TEXT not in produces or result.texts, f"{where}it made no text")
    require(
        result.outputs or result.texts or result.findings or produces == {OutputKind.FINDINGS},
        f"{where}it made nothing",
    )
    expected = {PROXY_FILENAME.format(frame=frame) for frame in task.frames}
    for output in result.outputs:
        span = (output.range.first, output.range.last)
        require(
            span == (task.frames[0], task.frames[-1]),
            f"{where}the output {output.name} has the range {span}",
        )
        require(
            output.range.rate == task.plate.range.rate,
            f"{where}the output {output.name} has the rate {output.range.rate}",
        )
        try:
            check_output(task.folder, output, task.frames)
        except ShotbridgeError as error:
            raise ConformanceError(f"{where}{error}") from error
        expected |= {frame_path(output.pattern, frame) for frame in task.frames}
    unexpected = set(all_files(task.folder)) - expected
    require(not unexpected, f"{where}it left files that belong to no output: {sorted(unexpected)}")
    used = {model.id for model in result.models}
    require(
        not service.model_ids or used <= set(service.model_ids),
        f"{where}it used the models {sorted(used)}, and names {service.model_ids}",
    )


def all_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file under a folder, by its relative path."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _fitting(size: int, smallest: int | None, multiple: int) -> int:
    size = max(size, smallest or 1)
    return -(-size // multiple) * multiple


def _write_picture(path: Path, width: int, height: int, frame: int) -> None:
    """A gradient with an edge that moves by frame: half EXR, or 8-bit PNG."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    planes = [((x * (c + 1) + y * (c + 2) + frame * 3) % 61) / 64 for c in range(3)]
    pixels = np.stack(planes, axis=-1).astype(np.float32)
    pixels[:, : width // 6 + frame % 5] *= 0.25
    _write_pixels(path, pixels, oiio.HALF if path.suffix == ".exr" else oiio.UINT8)


def _write_matte(path: Path, width: int, height: int, frame: int) -> None:
    """A white bar on black, which moves by frame: 8-bit grey."""
    pixels = np.zeros((height, width, 1), np.float32)
    left = frame % max(1, width // 2)
    pixels[:, left : left + max(1, width // 4)] = 1
    _write_pixels(path, pixels, oiio.UINT8)


def _write_pixels(path: Path, pixels: FloatArray, kind: Any) -> None:
    height, width, channels = pixels.shape
    buffer = oiio.ImageBuf(oiio.ImageSpec(width, height, channels, kind))
    if not (buffer.set_pixels(oiio.ROI(), pixels) and buffer.write(str(path))):
        raise OSError(f"{path} cannot be written: {buffer.geterror()}")
