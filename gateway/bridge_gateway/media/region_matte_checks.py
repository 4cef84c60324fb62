"""Checks that a request's mattes fit its plate."""

from __future__ import annotations

from collections.abc import Callable

from bridge_core.errors import InvalidRequest
from bridge_gateway.media.decode_tasks import CheckMatteTask
from bridge_gateway.media.plate_reader import PlateReader


def check_matte(task: CheckMatteTask, frame_done: Callable[[int], None]) -> None:
    """
    :raises InvalidRequest: a picture has another size than the plate, or lacks the channel.
    :raises UnreadableMedia: a file is not a picture.
    """
    with PlateReader(task.plate, task.files) as reader:
        for frame in task.frames:
            header = reader.check_header(frame)
            assert header is not None  # a matte is no movie
            if (header.width, header.height) != (task.width, task.height):
                raise InvalidRequest(
                    f"the matte has {header.width}x{header.height} pixels at frame {frame}, and "
                    f"the plate {task.width}x{task.height}",
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
