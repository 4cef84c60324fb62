"""Runs a job in a pipeline: read, process, write.

While a network processes a frame, the next one is read, and the files and the proxy of the previous
one are made at the same time, so at most three frames are in memory. docs/services.md has the
figures.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import bridge_core
from bridge_core.errors import MediaError
from bridge_core.models.media import PlateKind
from bridge_core.models.versions import ModelUsed
from bridge_core.system import files
from bridge_gateway.inference.model_store import require_installed
from bridge_gateway.inference.onnx_session import OnnxSession
from bridge_gateway.media.colour import ColourManager, ColourManagerCache
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.picture import Picture
from bridge_gateway.media.plate_reader import PlateReader
from bridge_gateway.media.proxy_writer import render_proxy
from bridge_gateway.providers.base import PROXY_FILENAME, TaskResult
from bridge_gateway.providers.local.local_task import LocalTask
from bridge_gateway.providers.local.processors import (
    FrameProcessor,
    ProcessedFrame,
    create_processor,
)
from bridge_gateway.providers.local.writers import create_writer

#: Distributions that process pixels.
_SOFTWARE = ("OpenImageIO", "opencolorio", "av", "numpy")


class LocalTaskRunner:
    """Runs tasks; keeps networks and colour configs loaded from one to the next."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, int], OnnxSession] = {}
        self._colours = ColourManagerCache()

    def run(self, task: LocalTask, frame_done: Callable[[int], None]) -> TaskResult:
        """Process the unfinished frames; ``frame_done`` is called from another thread.

        :raises MissingFrames: with all missing frames of the plate, before any work.
        :raises ShotbridgeError: from reading, colour conversion, the network or writing.
        """
        _prepare_folder(task.folder)
        _limit_threads(task.threads)
        colour = self._colours.get(task.colour, task.threads)
        processor = create_processor(task, colour, lambda model: self._session(task, model))
        writer = create_writer(task)
        frames = task.unfinished_frames()
        with (
            PlateReader(task.plate, task.files) as plate,
            ThreadPoolExecutor(1, "proxy") as proxy_thread,
        ):
            plate.require_frames(frames)

            def write(frame: int, picture: Picture, processed: ProcessedFrame) -> None:
                proxy = proxy_thread.submit(_render_proxy, task, colour, processed)
                writer.write(frame, processed.outputs, picture)
                # The proxy shows that the frame is finished.
                path = task.folder / PROXY_FILENAME.format(frame=frame)
                files.atomic_write_bytes(path, proxy.result())
                frame_done(frame)

            _run_pipelined(
                frames,
                read=lambda frame: writer.prepare(plate.read(frame)),
                process=lambda frame, picture: _process_frame(task, processor, frame, picture),
                write=write,
            )
        return TaskResult(
            outputs=writer.finish(processor.output_spaces),
            models=tuple(_model_used(session) for session in processor.sessions),
            runtime=_runtime_versions(task, processor),
            software={
                "shotbridge": bridge_core.__version__,
                **{name: version(name) for name in _SOFTWARE},
            },
            colour_conversions=(
                *_decoding_steps(task),
                *processor.colour_conversions,
                *writer.colour_conversions,
                colour.describe_view(task.colour_space),
            ),
            values_checked=writer.values_checked,
        )

    def _session(self, task: LocalTask, model_id: str) -> OnnxSession:
        """Cached by content, so that reinstalled weights are loaded again."""
        model = require_installed(task.models_dir, model_id)
        key = (model.sha256, task.threads)
        if key not in self._sessions:
            self._sessions[key] = OnnxSession(model, threads=task.threads)
        return self._sessions[key]


def _prepare_folder(folder: Path) -> None:
    """:raises NotWritable: the folder cannot be written to."""
    proxies = (folder / PROXY_FILENAME).parent
    try:
        proxies.mkdir(parents=True, exist_ok=True)
        files.remove_partial_files(folder)
    except OSError as error:
        raise files.storage_error(error, proxies) from error


def _limit_threads(threads: int) -> None:
    """Keep OpenImageIO, and its compression of OpenEXR, to the task's share of the cores."""
    import OpenImageIO as oiio

    oiio.attribute("threads", threads)
    oiio.attribute("exr_threads", threads)


def _decoding_steps(task: LocalTask) -> tuple[str, ...]:
    """How a movie's samples were converted to RGB."""
    if task.plate.kind is not PlateKind.MOVIE:
        return ()
    with MovieReader(task.files[task.frames[0]]) as movie:
        return (f"decoded as {movie.info.decoding}",)


def _run_pipelined(
    frames: tuple[int, ...],
    *,
    read: Callable[[int], Picture],
    process: Callable[[int, Picture], ProcessedFrame],
    write: Callable[[int, Picture, ProcessedFrame], None],
) -> None:
    """Pass each frame through read, process and write; each of them takes the frames in order."""
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        next_read: Future[Picture] | None = None
        last_write: Future[None] | None = None
        for frame, following in zip(frames, (*frames[1:], None), strict=False):
            picture = (next_read or reader.submit(read, frame)).result()
            next_read = reader.submit(read, following) if following is not None else None
            processed = process(frame, picture)
            if last_write is not None:
                last_write.result()
            last_write = writer.submit(write, frame, picture, processed)
        if last_write is not None:
            last_write.result()


def _process_frame(
    task: LocalTask, processor: FrameProcessor, frame: int, picture: Picture
) -> ProcessedFrame:
    try:
        return processor.process(picture)
    except MediaError as error:
        # The network does not know which file the pixels come from.
        file = f"{task.plate.path_at(frame)}, frame {frame}"
        error.where = f"{file}: {error.where}" if error.where else file
        error.details.setdefault("frame", frame)
        raise


def _render_proxy(task: LocalTask, colour: ColourManager, processed: ProcessedFrame) -> bytes:
    _, jpeg = render_proxy(
        processed.proxy_rgb,
        processed.proxy_space,
        colour,
        task.proxies.width,
        task.proxies.quality,
        pixel_aspect=processed.pixel_aspect,
    )
    return jpeg


def _model_used(session: OnnxSession) -> ModelUsed:
    model = session.model
    return ModelUsed(
        id=model.id,
        name=model.entry.title,
        version=f"{model.entry.package.name} {model.entry.package.version}",
        sha256=model.sha256,
        licence=model.entry.licence,
    )


def _runtime_versions(task: LocalTask, processor: FrameProcessor) -> dict[str, str]:
    if not processor.sessions:
        return {}
    return {
        "library": f"onnxruntime {version('onnxruntime')}",
        "execution_provider": ", ".join(
            dict.fromkeys(s.execution_provider for s in processor.sessions)
        ),
        "threads": str(task.threads),
    }
