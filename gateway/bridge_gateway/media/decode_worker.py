"""Main of a process that reads pictures; see :mod:`bridge_gateway.media.decoder`.

Started as ``python -m bridge_gateway.media.decode_worker``.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from bridge_core.errors import GatewayFault, ShotbridgeError, UnreadableMedia
from bridge_core.models.media import Plate, PlateKind
from bridge_core.models.problems import Problem
from bridge_core.models.settings import ColourSettings
from bridge_gateway.media import decode_tasks
from bridge_gateway.media.checks import check_output
from bridge_gateway.media.colour import DATA, Colour
from bridge_gateway.media.decode_tasks import (
    CheckTask,
    Decoded,
    DecodeTask,
    ExamineTask,
    LookTask,
    ProbeTask,
    ProxiesTask,
    ThumbnailTask,
)
from bridge_gateway.media.decoder import memory_limit
from bridge_gateway.media.pictures import read_picture
from bridge_gateway.media.plates import PlateReader, probe
from bridge_gateway.media.proxies import write_proxy, write_thumbnail
from bridge_gateway.workers import child
from bridge_gateway.workers.messages import Failed, FrameDone

#: Movies kept open between two frames: a player asks for one frame after another.
_OPEN_MOVIES = 2

Done = Callable[[int], None]


class TaskRunner:
    """Does tasks; keeps colour configs and open movies from one to the next."""

    def __init__(self) -> None:
        self._colours: dict[str, Colour] = {}
        self._movies: OrderedDict[tuple[Path, str, int], PlateReader] = OrderedDict()

    def run(self, task: DecodeTask, done: Done) -> Decoded:
        match task:
            case LookTask():
                return self._look(task)
            case ProbeTask():
                return Decoded(facts=probe(task.plate, {task.frame: task.path}))
            case ExamineTask():
                return self._examine(task, done)
            case CheckTask():
                with PlateReader(task.plate, task.files) as plate:
                    check_output(task.folder, task.output, task.frames, done, plate=plate)
                return Decoded()
            case ProxiesTask():
                return self._proxies(task, done)
            case ThumbnailTask():
                return self._thumbnail(task)

    def _look(self, task: LookTask) -> Decoded:
        colour = self._colour(task.colour)
        with self._reader(task) as reader:
            picture = reader.look(task.frame)
            tag = reader.colour_of(picture)
        plate = task.plate
        size = write_proxy(
            task.target,
            picture.framed(picture.rgb()),
            colour.settle(plate, tag, task.path).space,
            colour,
            task.proxies.width,
            task.proxies.quality,
            # A person may have put the plate's right where the file is wrong.
            pixel_aspect=plate.pixel_aspect if plate.pixel_aspect != 1 else picture.pixel_aspect,
        )
        return Decoded(size=size)

    def _examine(self, task: ExamineTask, done: Done) -> Decoded:
        with PlateReader(task.plate, task.files) as reader:
            reader.check(task.frames)
            for frame in task.frames:
                reader.examine(frame)
                done(frame)
        return Decoded()

    def _proxies(self, task: ProxiesTask, done: Done) -> Decoded:
        colour, output = self._colour(task.colour), task.output
        plate = Plate(path=str(task.folder / output.pattern), range=output.range)
        with PlateReader(plate, {frame: Path(plate.file(frame)) for frame in task.frames}) as made:
            for frame, target in task.targets.items():
                picture = made.look(frame)
                write_proxy(
                    target,
                    picture.framed(picture.rgb()),
                    output.colour_space,
                    colour,
                    task.proxies.width,
                    task.proxies.quality,
                    pixel_aspect=output.pixel_aspect,
                )
                done(frame)
        return Decoded()

    def _thumbnail(self, task: ThumbnailTask) -> Decoded:
        proxy = read_picture(task.proxy)
        colour = self._colour(task.colour)
        write_thumbnail(task.target, proxy.rgb(), DATA, colour, task.width)
        return Decoded(size=(proxy.width, proxy.height))

    def _colour(self, settings: ColourSettings) -> Colour:
        key = settings.model_dump_json()
        if key not in self._colours:
            self._colours[key] = Colour(settings)
        return self._colours[key]

    @contextmanager
    def _reader(self, task: LookTask) -> Iterator[PlateReader]:
        """A movie's reader stays open for the next frame, unless it failed."""
        if task.plate.kind is not PlateKind.MOVIE:
            with PlateReader(task.plate, {task.frame: task.path}) as reader:
                yield reader
            return
        key = (task.path, task.stamp, task.plate.range.first)
        movie = self._movies.pop(key, None) or PlateReader(task.plate, {task.frame: task.path})
        try:
            yield movie
        except BaseException:
            movie.close()
            raise
        self._movies[key] = movie
        if len(self._movies) > _OPEN_MOVIES:
            self._movies.popitem(last=False)[1].close()


def main() -> None:
    runner = TaskRunner()
    child.run(
        lambda text, channel: _do(decode_tasks.task(text), runner, channel),
        memory=memory_limit(),
    )


def _do(task: DecodeTask, runner: TaskRunner, channel: child.Channel) -> Decoded | Failed:
    at = list(task.frames)

    def done(frame: int) -> None:
        at.remove(frame)
        channel.say(FrameDone(frame=frame))

    try:
        return runner.run(task, done)
    except ShotbridgeError as error:
        return Failed(problem=Problem.of(error), fit=True)
    except MemoryError:
        file = task.file(at[0] if at else task.frames[-1])
        too_large = UnreadableMedia(
            f"{PurePath(file).name} cannot be read: it needs more memory than the "
            f"{memory_limit() / 1e9:.0f} GB that reading a picture may take",
            where=file,
            next_step="send a smaller picture, or one with fewer layers",
        )
        return Failed(problem=Problem.of(too_large), fit=False)
    except Exception as error:
        traceback.print_exc()
        fault = GatewayFault(
            f"the gateway made a mistake when it read this: {type(error).__name__}: {error}",
            where=task.file(at[0] if at else task.frames[-1]),
            next_step="report it with the gateway's log, which holds the traceback",
        )
        return Failed(problem=Problem.of(fault), fit=False)


if __name__ == "__main__":
    main()
