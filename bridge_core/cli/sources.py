"""What people name on the command line: plates, ranges, frames."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from bridge_core.cli.call import Call
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.gateway import MediaFacts
    from bridge_core.models.media import Plate
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
    return read_cut(
        path,
        show=call.arguments.show or work.show,
        handles=work.handles,
        rate=cut_rate(call),
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
    facts_of: Callable[[Plate], MediaFacts] | None = None,
) -> Shot:
    """A shot of its own for one plate: all of it, or the frames of ``span``.

    ``rate`` None is a movie's own, else 24. The client opens no pictures: ``facts_of`` asks the
    gateway what a movie says of itself. Without an answer, both have to be said. The frames of a
    movie are 1 to its length, or ``span`` where that is as long as the movie.

    :raises InvalidRequest: the frames cannot be known, or the facts do not fit together.
    :raises GatewayUnreachable: nobody can be asked what has to be known.
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

    whole = str(Path(path).expanduser().absolute())
    spelled = foreign_number(whole)
    if spelled is not None:
        raise InvalidRequest(
            f"{spelled} does not say how many digits the frame number has",
            where=path,
            next_step="write the pattern as plate.%04d.exr or plate.####.exr",
        )
    try:
        absolute = printf_pattern(whole)
        ranged = ranged_pattern(whole)
        plate = Plate(
            path=absolute, range=FrameRange.of(1, 1, rate or 24), colour_space=colour_space
        )
        if plate.kind is PlateKind.MOVIE and facts_of is not None:
            plate, frames = _movie(plate, facts_of, span, rate)
        else:
            if span is not None:
                first, last = span_of(span)
            elif ranged is not None:
                _, first, last = ranged
            else:
                first, last = _on_disk(plate, Path(whole))
            frames = FrameRange.of(first, last, rate or 24)
            plate = plate.model_copy(update={"range": frames})
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


def _on_disk(plate: Plate, named: Path) -> tuple[int, int]:
    """First and last frame, both included, of all that there is of a plate; ``named`` is the path
    as it was typed."""
    from bridge_core.models.media import PlateKind
    from bridge_core.plates import frames_on_disk

    if plate.kind is PlateKind.MOVIE:
        raise InvalidRequest(
            "how many frames the movie has is not known here",
            where=plate.path,
            next_step="name them, as --range 1-100; a movie's first frame is the first",
        )
    found = frames_on_disk(plate.path) if plate.kind is PlateKind.SEQUENCE else (1,)
    if not found and named.exists():
        raise InvalidRequest(
            "this is one picture, whose name is read as a sequence's pattern",
            where=str(named),
            next_step="rename it without its #, @ or %d",
        )
    if not found:
        raise InvalidRequest(
            "no frame of this sequence is on disk",
            where=plate.path,
            next_step="check folder, name and the number of digits",
        )
    return found[0], found[-1]


def _movie(
    plate: Plate, facts_of: Callable[[Plate], MediaFacts], span: str | None, rate: str | None
) -> tuple[Plate, FrameRange]:
    """A movie's plate as its file says it is, and the wanted frames of it.

    :raises InvalidRequest: ``rate`` or ``span`` is not the movie's.
    """
    from bridge_core.errors import GatewayUnreachable
    from bridge_core.models.frames import FrameRange, to_rate

    try:
        facts = facts_of(plate)
    except GatewayUnreachable:
        if span is None or rate is None:
            raise
        # The gateway compares them with the file before it works on it.
        frames = FrameRange.of(*span_of(span), rate)
        return plate.model_copy(update={"range": frames}), frames
    if facts.rate is None or facts.frames is None:
        raise InvalidRequest(
            "the file is no movie, whatever its name is",
            where=plate.path,
            next_step="rename it after what it is, and send it again",
        )
    if rate is not None and to_rate(rate) != facts.rate:
        raise InvalidRequest(
            f"the movie runs at {facts.rate} frames per second, not at {rate}",
            where=plate.path,
            next_step="leave --rate out: a movie says its rate itself",
        )
    whole = FrameRange.of(1, facts.frames, facts.rate)
    frames = FrameRange.of(*span_of(span), facts.rate) if span else whole
    if frames.count == whole.count:
        whole = frames
    elif not whole.covers(frames):
        raise InvalidRequest(
            f"the movie has the frames {whole}, and {frames} are not all among them",
            where=plate.path,
            next_step=f"name frames of {whole}, or {whole.count} frames to number them otherwise",
        )
    known = {"range": whole, "start_timecode": facts.start_timecode}
    return plate.model_copy(update=known), frames
