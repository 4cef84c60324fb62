"""Main module of a decoding process; see :mod:`bridge_gateway.media.decode_pool`.

Started as ``python -m bridge_gateway.media.decode_worker``.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from bridge_core.errors import GatewayFault, InvalidRequest, ShotbridgeError, UnreadableMedia
from bridge_core.models.media import Plate, PlateKind
from bridge_core.models.problems import Problem
from bridge_core.models.settings import ProxySettings
from bridge_gateway.media import decode_tasks
from bridge_gateway.media.colour import DATA, ColourManager, ColourManagerCache
from bridge_gateway.media.decode_pool import memory_limit
from bridge_gateway.media.decode_tasks import (
    CheckMatteTask,
    CheckOutputTask,
    CheckPlateTask,
    DecodeResult,
    DecodeTask,
    OutputProxiesTask,
    PlateProxyTask,
    ProbePlateTask,
    ThumbnailTask,
)
from bridge_gateway.media.output_checks import check_output
from bridge_gateway.media.picture import Picture
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.plate_reader import PlateReader, probe
from bridge_gateway.media.proxy_writer import write_proxy
from bridge_gateway.workers import child_main
from bridge_gateway.workers.messages import FrameDone, TaskFailed

#: Movies kept open between frames, because a player asks for one frame after another.
_MAX_OPEN_MOVIES = 2
#: Quality of a thumbnail's JPEG, 1 to 100.
_THUMBNAIL_QUALITY = 85

FrameCallback = Callable[[int], None]


class DecodeTaskRunner:
    """Runs tasks; keeps colour configs and movies open from one to the next."""

    def __init__(self) -> None:
        self._colours = ColourManagerCache()
        self._movies: OrderedDict[tuple[Path, str, int], PlateReader] = OrderedDict()

    def run(self, task: DecodeTask, frame_done: FrameCallback) -> DecodeResult:
        match task:
            case PlateProxyTask():
                return self._write_plate_proxy(task)
            case ProbePlateTask():
                return DecodeResult(info=probe(task.plate, {task.frame: task.path}))
            case CheckPlateTask():
                return self._check_plate(task, frame_done)
            case CheckMatteTask():
                return self._check_matte(task, frame_done)
            case CheckOutputTask():
                with PlateReader(task.plate, task.files) as plate:
                    check_output(
                        task.folder,
                        task.output,
                        task.frames,
                        frame_done,
                        plate=plate,
                        values_checked=task.values_checked,
                    )
                return DecodeResult()
            case OutputProxiesTask():
                return self._write_output_proxies(task, frame_done)
            case ThumbnailTask():
                return self._write_thumbnail(task)

    def _write_plate_proxy(self, task: PlateProxyTask) -> DecodeResult:
        with self._reader(task) as reader:
            picture = reader.read_for_proxy(task.frame)
            tag = reader.colour_tag(picture)
        colour, plate = self._colours.get(task.colour), task.plate
        space = colour.resolve_space(plate, tag, task.path).space
        # The plate's value may be a person's correction of a wrong file.
        aspect = plate.pixel_aspect if plate.pixel_aspect != 1 else picture.pixel_aspect
        size = _write_proxy(task.target, picture, space, aspect, colour, task.proxies)
        return DecodeResult(proxy_size=size)

    def _check_plate(self, task: CheckPlateTask, frame_done: FrameCallback) -> DecodeResult:
        with PlateReader(task.plate, task.files) as reader:
            reader.require_frames(task.frames)
            for frame in task.frames:
                reader.check_header(frame)
                frame_done(frame)
        return DecodeResult()

    def _check_matte(self, task: CheckMatteTask, frame_done: FrameCallback) -> DecodeResult:
        with PlateReader(task.plate, task.files) as reader:
            for frame in task.frames:
                header = reader.check_header(frame)
                assert header is not None  # a matte is no movie
                if (header.width, header.height) != (task.width, task.height):
                    raise InvalidRequest(
                        f"the matte has {header.width}x{header.height} pixels at frame {frame}, "
                        f"and the plate {task.width}x{task.height}",
                        where=task.path_at(frame),
                        next_step="render the matte at the plate's size",
                    )
                if task.channel and task.channel not in header.channels:
                    raise InvalidRequest(
                        f"the matte has no channel {task.channel!r} at frame {frame}",
                        where=task.path_at(frame),
                        next_step=f"choose one of its channels: {', '.join(header.channels)}",
                    )
                frame_done(frame)
        return DecodeResult()

    def _write_output_proxies(
        self, task: OutputProxiesTask, frame_done: FrameCallback
    ) -> DecodeResult:
        colour, output = self._colours.get(task.colour), task.output
        plate = Plate(path=str(task.folder / output.pattern), range=output.range)
        files = {frame: Path(plate.path_at(frame)) for frame in task.frames}
        with PlateReader(plate, files) as reader:
            for frame, target in task.targets.items():
                picture, aspect = reader.read_for_proxy(frame), output.pixel_aspect
                _write_proxy(target, picture, output.colour_space, aspect, colour, task.proxies)
                frame_done(frame)
        return DecodeResult()

    def _write_thumbnail(self, task: ThumbnailTask) -> DecodeResult:
        proxy, colour = read_picture(task.proxy), self._colours.get(task.colour)
        write_proxy(task.target, proxy.rgb(), DATA, colour, task.width, _THUMBNAIL_QUALITY)
        return DecodeResult(proxy_size=(proxy.width, proxy.height))

    @contextmanager
    def _reader(self, task: PlateProxyTask) -> Iterator[PlateReader]:
        """A movie's reader stays open for the next frame, unless it failed."""
        if task.plate.kind is not PlateKind.MOVIE:
            with PlateReader(task.plate, {task.frame: task.path}) as reader:
                yield reader
            return
        key = (task.path, task.fingerprint, task.plate.range.first)
        movie = self._movies.pop(key, None) or PlateReader(task.plate, {task.frame: task.path})
        try:
            yield movie
        except BaseException:
            movie.close()
            raise
        self._movies[key] = movie
        if len(self._movies) > _MAX_OPEN_MOVIES:
            self._movies.popitem(last=False)[1].close()


def _write_proxy(
    target: Path,
    picture: Picture,
    space: str,
    pixel_aspect: float,
    colour: ColourManager,
    proxies: ProxySettings,
) -> tuple[int, int]:
    rgb = picture.fit_to_display(picture.rgb())
    width, quality = proxies.width, proxies.quality
    return write_proxy(target, rgb, space, colour, width, quality, pixel_aspect=pixel_aspect)


def main() -> None:
    runner = DecodeTaskRunner()
    child_main.serve_tasks(
        lambda text, channel: _run_task(decode_tasks.parse_task(text), runner, channel),
        memory_limit=memory_limit(),
    )


def _run_task(
    task: DecodeTask, runner: DecodeTaskRunner, channel: child_main.MessageChannel
) -> DecodeResult | TaskFailed:
    remaining = list(task.frames)

    def current_file() -> str:
        return task.path_at(remaining[0] if remaining else task.frames[-1])

    def frame_done(frame: int) -> None:
        remaining.remove(frame)
        channel.send(FrameDone(frame=frame))

    try:
        return runner.run(task, frame_done)
    except ShotbridgeError as error:
        return TaskFailed(problem=Problem.from_error(error), is_reusable=True)
    except MemoryError:
        file = current_file()
        too_large = UnreadableMedia(
            f"{PurePath(file).name} cannot be read: it needs more memory than the "
            f"{memory_limit() / 1e9:.0f} GB allowed for reading a picture",
            where=file,
            next_step="send a smaller picture, or one with fewer layers",
        )
        return TaskFailed(problem=Problem.from_error(too_large), is_reusable=False)
    except Exception as error:
        traceback.print_exc()
        fault = GatewayFault(
            f"the gateway failed unexpectedly while reading: {type(error).__name__}: {error}",
            where=current_file(),
            next_step="report it with the gateway's log, which holds the traceback",
        )
        return TaskFailed(problem=Problem.from_error(fault), is_reusable=False)


if __name__ == "__main__":
    main()
