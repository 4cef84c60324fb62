"""A matte given on the command line: the option ``--matte`` of ``send``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.cli.sources import parse_frame_range
from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from bridge_core.models.requests import MatteRegion
    from bridge_core.models.shots import Shot


def add_matte_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--matte",
        metavar="FILE",
        help="change only what is white in this matte: a picture, or a sequence as matte.%%04d.exr "
        "with the plate's frame numbers, of the plate's size; {shot} stands for the shot's name",
    )
    parser.add_argument(
        "--matte-channel",
        metavar="NAME",
        help="of the matte; default: its alpha, or else the first",
    )
    parser.add_argument(
        "--matte-frames", metavar="FIRST-LAST", help="use the matte in these frames only"
    )
    parser.add_argument(
        "--matte-feather", type=float, metavar="PIXELS", help="how wide its edge is softened"
    )


def matte_regions(arguments: argparse.Namespace, shot: Shot) -> tuple[MatteRegion, ...]:
    """The region of the options for a shot; none without ``--matte``.

    :raises InvalidRequest: an option without its matte, or wrong frames.
    :raises pydantic.ValidationError: the matte is a movie, or the feather is out of range.
    """
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.requests import MatteRegion

    channel, frames = arguments.matte_channel, arguments.matte_frames
    if arguments.matte is None:
        if (channel, frames, arguments.matte_feather) != (None, None, None):
            raise InvalidRequest(
                "--matte-channel, --matte-frames and --matte-feather are about a matte",
                where=str(shot.id),
                next_step="name its files with --matte, or leave them out",
            )
        return ()
    path = Path(arguments.matte.replace("{shot}", shot.id.shot)).expanduser().absolute()
    span = FrameRange.of(*parse_frame_range(frames), shot.plate.range.rate) if frames else None
    feather = arguments.matte_feather or 0
    return (MatteRegion(path=str(path), channel=channel or "", feather=feather, frames=span),)
