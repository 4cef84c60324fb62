"""What a plate's files say of themselves, against what a cut or a person says of the plate."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from bridge_core.errors import InvalidRequest, MissingFrames
from bridge_core.models.frames import Ratio, timecode_to_frame
from bridge_core.models.media import Plate, PlateKind
from bridge_gateway.media.colour import ColourTag


@dataclass(frozen=True)
class PlateInfo:
    """What a plate's files tell about it."""

    width: int
    """Of the format (display window) in pixels."""
    height: int
    pixel_aspect: float
    channels: tuple[str, ...]
    """Of the main part."""
    depth: str
    """half, float, uint8, uint10, uint12, uint16; of a movie the depth of its samples."""
    start_timecode: str | None
    """Of the first frame."""
    colour_tag: ColourTag | None
    """What the file says of its colour; None where it says nothing."""
    frame_count: int | None
    """How many pictures a movie has; None for sequences and stills."""
    rate: Ratio | None
    """As the file tells it; None where it does not."""
    notes: tuple[str, ...] = ()
    """What of the file is not in the picture, in words."""


def check_against_plate(plate: Plate, info: PlateInfo, frames: Iterable[int]) -> tuple[str, ...]:
    """Where a movie contradicts its plate without harm to ``frames``, in words.

    Spellings of one NTSC rate are equal already (:func:`bridge_core.models.frames.to_rate`). Where
    the plate has as many frames as the movie, its frames are the movie's pictures one for one
    whatever the rate: a host that plays a movie at another rate counts so.

    :raises MissingFrames: the movie ends before ``frames`` do.
    :raises InvalidRequest: the plate's frames are counted at a rate that is not the movie's, so
        its numbers mean other pictures.
    """
    if plate.kind is not PlateKind.MOVIE or info.frame_count is None or info.rate is None:
        return ()
    stated, count = plate.range, info.frame_count
    require_matching_rate(plate, info.rate, count)
    beyond = [frame for frame in frames if not stated.first <= frame < stated.first + count]
    if beyond:
        raise MissingFrames.of(beyond, where=plate.path)
    return tuple(_warnings(plate, info, info.rate, count))


def require_matching_rate(plate: Plate, rate: Fraction, count: int) -> None:
    """
    :raises InvalidRequest: as :func:`contradictions`; ``rate`` and ``count`` (pictures) are the
        movie's own.
    """
    stated = plate.range
    if stated.rate == rate or stated.count == count:
        return
    raise InvalidRequest(
        f"the frames {stated} are counted at {stated.rate} frames per second, but the movie runs at "
        f"{rate} and has {count} pictures; other pictures than those meant would be sent",
        where=plate.path,
        next_step=(
            f"have the cut count this movie at {rate}: relink the clip so that its media's "
            "available range is the file's, and export the cut again; or send all frames of the "
            "movie, which are counted one for one"
        ),
        details={"said": str(stated.rate), "file": str(rate), "frames": count},
    )


def _warnings(plate: Plate, info: PlateInfo, rate: Fraction, count: int) -> Iterable[str]:
    stated = plate.range
    if stated.rate != rate:
        yield (
            f"the file runs at {rate} frames per second, the request says {stated.rate}; its "
            f"{count} pictures are counted one for one"
        )
    if stated.count > count:
        yield f"the file has {count} pictures, the request says {stated.count}"
    if not _same_timecode(plate.start_timecode, info.start_timecode, rate):
        yield (
            f"the file starts at timecode {info.start_timecode}, the request says "
            f"{plate.start_timecode}; pictures are counted from the file's first"
        )
    size = (plate.width or info.width, plate.height or info.height)
    if size != (info.width, info.height):
        yield f"the file is {info.width}x{info.height}, the request says {size[0]}x{size[1]}"


def _same_timecode(stated: str | None, actual: str | None, rate: Fraction) -> bool:
    """Whether both mean one frame, or read the same but for the mark of drop-frame."""
    if stated is None or actual is None:
        return True
    marks = str.maketrans(";.", "::")
    if stated.translate(marks) == actual.translate(marks):
        return True
    with suppress(ValueError):
        return timecode_to_frame(stated, rate) == timecode_to_frame(actual, rate)
    return False
