"""What people name on the command line: plates, ranges, frames."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from fractions import Fraction

    from bridge_core.cli.call import Call
    from bridge_core.models.shots import Shot
    from bridge_core.timeline.cut import Cut

_RANGE = re.compile(r"^(-?\d+)-(-?\d+)$")

#: Endings that OTIO and its adapters read; everything else is taken for a plate.
CUTS = frozenset({".otio", ".otioz", ".otiod", ".edl", ".xml", ".fcpxml", ".aaf"})


def is_plate(source: str) -> bool:
    return Path(source).suffix.lower() not in CUTS


def add_cut_options(parser: argparse.ArgumentParser, *, rate_help: str = "") -> None:
    """``--timeline`` and ``--rate``, on every command that reads a cut."""
    parser.add_argument(
        "--timeline", metavar="NAME", help="which one, where a file holds several timelines"
    )
    parser.add_argument(
        "--rate", help=rate_help or "what the cut counts at, as 25 or 24000/1001; EDLs do not say"
    )


def cut_rate(call: Call) -> Fraction | None:
    """What ``--rate`` says.

    :raises InvalidRequest: it is no rate.
    """
    from bridge_core.models.frames import to_rate

    said = call.arguments.rate
    try:
        return None if said is None else to_rate(said)
    except ValueError as error:
        raise InvalidRequest(str(error), where="--rate", next_step="correct --rate") from error


def cut_of(call: Call, path: str | Path, *, timeline: str | None = None) -> Cut:
    """The cut in a file, read as the command's options say.

    :raises InvalidRequest: ``--rate`` is no rate.
    :raises TimelineError: as :func:`bridge_core.timeline.reading.read_cut`.
    """
    from bridge_core.timeline.reading import read_cut

    work = call.loaded.settings.work
    rate = cut_rate(call)
    # Standard output is for the result; whatever a reader prints goes where progress goes.
    with contextlib.redirect_stdout(sys.stderr):
        return read_cut(
            path,
            show=call.arguments.show or work.show,
            handles=work.handles,
            rate=rate,
            timeline=timeline or call.arguments.timeline,
        )


def span_of(text: str) -> tuple[int, int]:
    """``1001-1100`` as first and last frame, both included.

    :raises InvalidRequest: it says something else.
    """
    match = _RANGE.match(text.strip())
    if match is None:
        raise InvalidRequest(
            f"{text!r} is not a frame range", next_step="write first and last, as 1001-1100"
        )
    return int(match[1]), int(match[2])


def frames_of(text: str) -> tuple[int, ...]:
    """``1001,1040-1042`` as frames, ascending, each once.

    :raises InvalidRequest: it says something else.
    """
    frames: set[int] = set()
    for part in text.split(","):
        word = part.strip()
        if re.fullmatch(r"-?\d+", word):
            frames.add(int(word))
        else:
            first, last = span_of(word)
            frames.update(range(first, last + 1))
    return tuple(sorted(frames))


def shot_of_plate(
    path: str,
    *,
    span: str | None,
    rate: str | None,
    colour_space: str | None,
    show: str | None,
    name: str | None,
) -> Shot:
    """A shot of its own for one plate: all of it, or the frames of ``span``.

    A movie or a still needs ``span`` for its frames, since the client opens no pictures. Without
    ``rate`` it counts at 24.

    :raises InvalidRequest: the frames cannot be known, or the facts do not fit together.
    """
    from pydantic import ValidationError

    from bridge_core.models.base import invalid
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.media import (
        Plate,
        PlateKind,
        foreign_number,
        printf_pattern,
        ranged_pattern,
    )
    from bridge_core.models.shots import Shot, ShotId, fit_name
    from bridge_core.plates import frames_on_disk

    whole = str(Path(path).expanduser().absolute())
    spelled = foreign_number(whole)
    if spelled is not None:
        raise InvalidRequest(
            f"{spelled} does not say how many digits the frame number has",
            where=path,
            next_step="write the pattern as plate.%04d.exr or plate.####.exr",
        )
    rate = rate or "24"
    try:
        absolute = printf_pattern(whole)
        ranged = ranged_pattern(whole)
        if span is None and ranged is not None:
            _, first, last = ranged
        elif span is None:
            kind = Plate(path=absolute, range=FrameRange.of(1, 1, rate)).kind
            if kind is PlateKind.MOVIE:
                raise InvalidRequest(
                    "how many frames the movie has is not known here",
                    where=path,
                    next_step="name them, as --range 1-100; a movie's first frame is the first",
                )
            found = frames_on_disk(absolute) if kind is PlateKind.SEQUENCE else (1,)
            if not found and Path(whole).exists():
                raise InvalidRequest(
                    "this is one picture, whose name is read as a sequence's pattern",
                    where=path,
                    next_step="rename it without its #, @ or %d",
                )
            if not found:
                raise InvalidRequest(
                    "no frame of this sequence is on disk",
                    where=path,
                    next_step="check folder, name and the number of digits",
                )
            first, last = found[0], found[-1]
        else:
            first, last = span_of(span)
        frames = FrameRange.of(first, last, rate)
        plate = Plate(path=absolute, range=frames, colour_space=colour_space)
        stem = Path(absolute).stem
        if plate.kind is PlateKind.SEQUENCE:
            stem = stem.split("%")[0].rstrip("._- ")
        return Shot(
            id=ShotId(
                show=fit_name(show or "", otherwise="unsorted"),
                sequence=fit_name(Path(absolute).parent.name, otherwise="plates"),
                shot=fit_name(name or stem, otherwise="plate"),
            ),
            plate=plate,
            cut_range=frames,
        )
    except ValidationError as error:
        raise invalid(error, what="plate", where=path) from error
    except ValueError as error:
        raise InvalidRequest(
            str(error), where=path, next_step="correct --rate or --range"
        ) from error
