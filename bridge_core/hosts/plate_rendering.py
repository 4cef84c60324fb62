"""What hosts share when they render plates; see :meth:`bridge_core.hosts.base.Host.render`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import HostError
from bridge_core.hosts.base import RenderStep, item_gone_error

if TYPE_CHECKING:
    from bridge_core.hosts.base import HostShot
    from bridge_core.models.shots import Shot


def shot_to_render(item: HostShot | None, item_id: str, *, where: str) -> Shot:
    """The shot of an item, if the host has to render it.

    :param item: the shot with this item id; None if the scene has none.
    :param where: the scene, for messages: a script, a file, a timeline.
    :raises HostError: there is no such item, or its plate is in files.
    """
    if item is None:
        raise item_gone_error(item_id, where, "send the shot again")
    if not item.needs_render:
        message = f"{item.shot.id} needs no rendering: its pictures are in files"
        next_step = "send the shot without rendering it"
        raise HostError(message, where=item.shot.plate.path, next_step=next_step)
    return item.shot


def frames_to_render(shot: Shot, frames: Sequence[int]) -> list[int]:
    """The requested frames, each once and in order; without any, the shot's work range."""
    return sorted(set(frames)) or list(shot.work_range.frames())


def render_frames(
    shot: Shot,
    frames: Sequence[int],
    pattern: Path,
    write_frame: Callable[[int, Path], Iterable[None]],
) -> Generator[RenderStep, None, None]:
    """Write the frames of a plate one after the other into files named by ``pattern``. If this ends
    early, the files are removed.

    :param write_frame: writes a frame to a file. What it returns is iterated until the file is
        written: an item for each time that the host has to be polled.
    """
    numbers = frames_to_render(shot, frames)
    plate = shot.plate.model_copy(update={"path": pattern.as_posix()})
    rendered_shot = shot.model_copy(update={"plate": plate})
    files = {frame: Path(plate.path_at(frame)) for frame in numbers}
    is_complete = False
    try:
        for count, (frame, file) in enumerate(files.items(), 1):
            for _ in write_frame(frame, file):
                yield RenderStep(count - 1, len(files))
            is_complete = count == len(files)
            yield RenderStep(count, len(files), rendered_shot if is_complete else None)
    finally:
        if not is_complete:
            for file in files.values():
                file.unlink(missing_ok=True)
