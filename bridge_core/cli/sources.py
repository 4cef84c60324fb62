"""What people name on the command line: plates, ranges, frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_core.errors import InvalidRequest

if TYPE_CHECKING:
    from bridge_core.models.shots import Shot

_RANGE = re.compile(r"^(-?\d+)-(-?\d+)$")

#: Endings that OTIO and its adapters read; everything else is taken for a plate.
CUTS = frozenset({".otio", ".otioz", ".otiod", ".edl", ".xml", ".fcpxml", ".aaf"})


def is_plate(source: str) -> bool:
    return Path(source).suffix.lower() not in CUTS


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
    rate: str,
    colour_space: str | None,
    show: str | None,
    name: str | None,
) -> Shot:
    """A shot of its own for one plate: all of it, or the frames of ``span``.

    A movie or a still needs ``span`` for its frames, since the client opens no pictures.

    :raises InvalidRequest: the frames cannot be known, or the facts do not fit together.
    """
    from pydantic import ValidationError

    from bridge_core.models.base import invalid
    from bridge_core.models.frames import FrameRange
    from bridge_core.models.media import Plate, PlateKind, printf_pattern
    from bridge_core.models.shots import Shot, ShotId, fit_name
    from bridge_core.plates import frames_on_disk

    absolute = printf_pattern(str(Path(path).expanduser().absolute()))
    try:
        if span is None:
            kind = Plate(path=absolute, range=FrameRange.of(1, 1, rate)).kind
            if kind is PlateKind.MOVIE:
                raise InvalidRequest(
                    "how many frames the movie has is not known here",
                    where=path,
                    next_step="name them, as --range 1-100; a movie's first frame is the first",
                )
            found = frames_on_disk(absolute) if kind is PlateKind.SEQUENCE else (1,)
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
        stem = Path(path).stem.split("%")[0].split("#")[0].rstrip("._- ")
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
