"""Cuts, plates, mattes, frame ranges and frames given on the command line."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from bridge_core.cli.context import CommandContext
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.gateway import MediaInfo
    from bridge_core.models.media import Plate
    from bridge_core.models.requests import MatteRegion
    from bridge_core.models.shots import Shot
    from bridge_core.timeline.cut import Cut

_RANGE = re.compile(r"^(-?\d+)-(-?\d+)$")

#: File extensions that OTIO and its adapters read; everything else is taken for a plate.
CUT_EXTENSIONS = frozenset({".otio", ".otioz", ".otiod", ".edl", ".xml", ".fcpxml", ".aaf"})


def is_plate(source: str) -> bool:
    return Path(source).suffix.lower() not in CUT_EXTENSIONS


def add_cut_options(parser: argparse.ArgumentParser, *, rate_help: str = "") -> None:
    """``--timeline`` and ``--rate``, on every command that reads a cut."""
    option = parser.add_argument
    option("--timeline", metavar="NAME", help="which timeline, where a file holds several")
    option(
        "--rate", help=rate_help or "the cut's rate, as 25 or 24000/1001; an EDL does not give it"
    )


def cut_rate(context: CommandContext) -> Fraction | None:
    """The rate given with ``--rate``.

    :raises InvalidRequest: it is not a rate.
    """
    from bridge_core.models.frames import to_rate

    given_rate = context.arguments.rate
    try:
        return None if given_rate is None else to_rate(given_rate)
    except ValueError as error:
        raise InvalidRequest(str(error), where="--rate", next_step="correct --rate") from error


def load_cut(context: CommandContext, path: str | Path, *, timeline: str | None = None) -> Cut:
    """Read the cut in a file with the command's options.

    :raises InvalidRequest: ``--rate`` is not a rate.
    :raises TimelineError: as :func:`bridge_core.timeline.cut_reader.read_cut`.
    """
    from bridge_core.timeline.cut_reader import read_cut

    work = context.config.settings.work
    return read_cut(
        path,
        show=context.arguments.show or work.show,
        handles=work.handles,
        rate=cut_rate(context),
        timeline=timeline or context.arguments.timeline,
    )


def load_shots(context: CommandContext) -> list[Shot]:
    """The shots that the command line selects.

    :raises InvalidRequest: a shot that the cut does not have, a cut without a usable shot, or an
        option that does not apply to the source.
    """
    arguments = context.arguments
    if is_plate(arguments.source):
        if arguments.timeline is not None:
            message = "--timeline chooses one of a file's timelines, and this is a plate"
            raise InvalidRequest(message, where=arguments.source, next_step="leave it out")
        return [
            shot_from_plate(
                arguments.source,
                frame_range=arguments.range,
                rate=arguments.rate,
                colour_space=arguments.colour_space,
                show=arguments.show or context.config.settings.work.show,
                name=arguments.shot[0] if arguments.shot else None,
                # Reading a movie's media info may upload it, which a quote must not do.
                get_media_facts=None if arguments.quote else context.client.media_info,
            )
        ]
    if arguments.range is not None:
        raise InvalidRequest(
            "--range is for a plate; a cut gives the frames of its shots itself",
            where=arguments.source,
            next_step="leave it out; --shot selects shots, --test-frames frames to make first",
        )
    cut = load_cut(context, arguments.source)
    for problem in cut.problems:
        context.output.print_message(f"{problem.outcome}: {problem}")
    shots = [_with_colour_space(cut_shot.shot, arguments.colour_space) for cut_shot in cut.shots]
    names = {shot.id.shot for shot in shots}
    unknown = [name for name in arguments.shot if name not in names]
    if unknown or not shots:
        missing = f"shot {', '.join(unknown)}" if unknown else "usable shot"
        next_step = f"its shots are: {', '.join(sorted(names))}"
        if not names:
            next_step = "see `shotbridge timeline shots` for what is wrong with each clip"
        where = str(arguments.source)
        raise InvalidRequest(f"the cut has no {missing}", where=where, next_step=next_step)
    return [shot for shot in shots if not arguments.shot or shot.id.shot in arguments.shot]


def _with_colour_space(shot: Shot, colour_space: str | None) -> Shot:
    """The shot with this colour space for its plate, unless the cut names one."""
    if colour_space is None or shot.plate.colour_space is not None:
        return shot
    plate = shot.plate.model_copy(update={"colour_space": colour_space})
    return shot.model_copy(update={"plate": plate})


def parse_frame_range(text: str) -> tuple[int, int]:
    """First and last frame of ``1001-1100``, both included.

    :raises InvalidRequest: ``text`` is not a frame range.
    """
    match = _RANGE.match(text.strip())
    if match is None:
        next_step = "write first and last, as 1001-1100"
        raise InvalidRequest(f"{text!r} is not a frame range", next_step=next_step)
    return int(match[1]), int(match[2])


def parse_frames(text: str) -> tuple[int, ...]:
    """The frames of ``1001,1040-1042``, ascending and without duplicates.

    :raises InvalidRequest: ``text`` is not a list of frames and frame ranges.
    """
    frames: set[int] = set()
    for part in map(str.strip, text.split(",")):
        if re.fullmatch(r"-?\d+", part):
            frames.add(int(part))
        else:
            first, last = parse_frame_range(part)
            frames.update(range(first, last + 1))
    return tuple(sorted(frames))


def shot_from_plate(
    path: str,
    *,
    frame_range: str | None,
    rate: str | None,
    colour_space: str | None,
    show: str | None,
    name: str | None,
    get_media_facts: Callable[[Plate], MediaInfo] | None = None,
) -> Shot:
    """A shot made from one plate: all of it, or the frames of ``frame_range``.

    Without ``rate``, a movie's own rate applies, else 24. The client opens no media files:
    ``get_media_facts`` asks the gateway for a movie's media info; where it cannot, range and rate
    have to be given. A movie's frames are 1 to its length; a ``frame_range`` as long as the movie
    renumbers them.

    :raises InvalidRequest: the frames are not known, or the values contradict each other.
    :raises GatewayUnreachable: a movie's range or rate is not given, and no gateway answers.
    """
    from pydantic import ValidationError

    from bridge_core.models.base import validation_error
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.media import (
        Plate,
        PlateKind,
        parse_ranged_pattern,
        to_printf_pattern,
        unsupported_placeholder,
    )
    from bridge_core.models.shots import Shot, ShotId, sanitise_name

    absolute_path = str(Path(path).expanduser().absolute())
    frame_token = unsupported_placeholder(absolute_path)
    if frame_token is not None:
        raise InvalidRequest(
            f"{frame_token} does not say how many digits the frame number has",
            where=path,
            next_step="write the pattern as plate.%04d.exr or plate.####.exr",
        )
    try:
        pattern = to_printf_pattern(absolute_path)
        one_frame = FrameRange.of(1, 1, rate or 24)
        plate = Plate(path=pattern, range=one_frame, colour_space=colour_space)
        if plate.kind is PlateKind.MOVIE and get_media_facts is not None:
            plate, frames = _movie_frames(plate, get_media_facts, frame_range, rate)
        else:
            if frame_range is not None:
                first, last = parse_frame_range(frame_range)
            elif ranged := parse_ranged_pattern(absolute_path):
                _, first, last = ranged
            else:
                first, last = _frames_on_disk(plate, Path(absolute_path))
            frames = FrameRange.of(first, last, rate or 24)
            plate = plate.model_copy(update={"range": frames})
        stem = Path(pattern).stem
        if plate.kind is PlateKind.SEQUENCE:
            stem = stem.split("%")[0].rstrip("._- ")
        shot_id = ShotId(
            show=sanitise_name(show or "", default="unsorted"),
            sequence=sanitise_name(Path(pattern).parent.name, default="plates"),
            shot=sanitise_name(name or stem, default="plate"),
        )
        return Shot(id=shot_id, plate=plate, cut_range=frames)
    except ValidationError as error:
        raise validation_error(error, label="plate", where=path) from error
    except ValueError as error:
        next_step = "correct --rate or --range"
        raise InvalidRequest(str(error), where=path, next_step=next_step) from error


def _frames_on_disk(plate: Plate, typed_path: Path) -> tuple[int, int]:
    """First and last frame of a plate on disk, both included; ``typed_path`` is as given."""
    from bridge_core.models.media import PlateKind
    from bridge_core.plate_file_search import frames_on_disk

    if plate.kind is PlateKind.MOVIE:
        message = "the length of the movie is not known"
        next_step = "give its frames, as --range 1-100, from the movie's first frame"
        raise InvalidRequest(message, where=plate.path, next_step=next_step)
    frames = frames_on_disk(plate.path) if plate.kind is PlateKind.SEQUENCE else (1,)
    if not frames and typed_path.exists():
        message = "this is a single picture, but its name reads as a sequence's pattern"
        next_step = "rename it without its #, @ or %d"
        raise InvalidRequest(message, where=str(typed_path), next_step=next_step)
    if not frames:
        message = "no frame of this sequence is on disk"
        next_step = "check the folder, the name and the number of digits"
        raise InvalidRequest(message, where=plate.path, next_step=next_step)
    return frames[0], frames[-1]


def _movie_frames(
    plate: Plate,
    get_media_facts: Callable[[Plate], MediaInfo],
    frame_range: str | None,
    rate: str | None,
) -> tuple[Plate, FrameRange]:
    """A movie's plate with the range and rate of its file, and the selected frames.

    :raises InvalidRequest: ``rate`` or ``frame_range`` does not match the movie.
    """
    from bridge_core.errors import GatewayUnreachable
    from bridge_core.models.frames import FrameRange, to_rate

    try:
        facts = get_media_facts(plate)
    except GatewayUnreachable:
        if frame_range is None or rate is None:
            raise
        # The gateway compares them with the file before the job runs.
        frames = FrameRange.of(*parse_frame_range(frame_range), rate)
        return plate.model_copy(update={"range": frames}), frames
    if facts.rate is None or facts.frame_count is None:
        message = "the file has a movie's name, but is not a movie"
        next_step = "give it the extension of its real format, and send it again"
        raise InvalidRequest(message, where=plate.path, next_step=next_step)
    if rate is not None and to_rate(rate) != facts.rate:
        message = f"the movie runs at {facts.rate} frames per second, not at {rate}"
        next_step = "leave out --rate; the movie's own rate is used"
        raise InvalidRequest(message, where=plate.path, next_step=next_step)
    frames = movie_range = FrameRange.of(1, facts.frame_count, facts.rate)
    if frame_range:
        frames = FrameRange.of(*parse_frame_range(frame_range), facts.rate)
    if frames.count == movie_range.count:
        movie_range = frames
    elif not movie_range.contains_range(frames):
        message = f"the movie has frames {movie_range}, which do not include all of {frames}"
        next_step = f"give frames of {movie_range}, or {movie_range.count} frames to renumber them"
        raise InvalidRequest(message, where=plate.path, next_step=next_step)
    facts_update = {"range": movie_range, "start_timecode": facts.start_timecode}
    return plate.model_copy(update=facts_update), frames


def add_matte_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option(
        "--matte",
        metavar="FILE",
        help="change only what is white in this matte: a picture, or a sequence as matte.%%04d.exr "
        "with the plate's frame numbers, of the plate's size; {shot} stands for the shot's name",
    )
    option(
        "--matte-channel",
        metavar="NAME",
        help="of the matte; default: its alpha, or else the first",
    )
    option("--matte-frames", metavar="FIRST-LAST", help="use the matte in these frames only")
    option("--matte-feather", type=float, metavar="PIXELS", help="how wide its edge is softened")


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
            message = "--matte-channel, --matte-frames and --matte-feather are about a matte"
            next_step = "name its files with --matte, or leave them out"
            raise InvalidRequest(message, where=str(shot.id), next_step=next_step)
        return ()
    path = Path(arguments.matte.replace("{shot}", shot.id.shot)).expanduser().absolute()
    span = FrameRange.of(*parse_frame_range(frames), shot.plate.range.rate) if frames else None
    feather = arguments.matte_feather or 0
    return (MatteRegion(path=str(path), channel=channel or "", feather=feather, frames=span),)
