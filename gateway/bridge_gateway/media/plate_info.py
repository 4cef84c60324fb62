"""The properties in a plate's files, and their comparison with the request's plate."""

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
    """Properties of a plate, as stated by its files."""

    width: int
    """Of the display window, in pixels."""
    height: int
    pixel_aspect: float
    channels: tuple[str, ...]
    """Of the main part."""
    depth: str
    """half, float, uint8, uint10, uint12, uint16."""
    start_timecode: str | None
    """Of the first frame."""
    colour_tag: ColourTag | None
    """The file's own colour tag; None if it has none."""
    frame_count: int | None
    """Number of pictures of a movie; None for sequences and stills."""
    rate: Ratio | None
    """None if the file states none."""
    notes: tuple[str, ...] = ()
    """What the file has and the picture does not."""


def check_against_plate(plate: Plate, info: PlateInfo, frames: Iterable[int]) -> tuple[str, ...]:
    """Warnings about contradictions between a movie and its plate that do not affect ``frames``.

    Spellings of an NTSC rate are equal already (:func:`bridge_core.models.frames.to_rate`). If the
    plate has as many frames as the movie, they are the movie's pictures one to one at any rate, as
    in a host that plays a movie at another rate.

    :raises MissingFrames: the movie ends before the last of ``frames``.
    :raises InvalidRequest: the plate's frames are counted at another rate than the movie's, so
        their numbers mean other pictures.
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
    """Compare a plate with the ``rate`` and ``count`` (of pictures) of its movie.

    :raises InvalidRequest: as :func:`check_against_plate`.
    """
    stated = plate.range
    if stated.rate == rate or stated.count == count:
        return
    raise InvalidRequest(
        f"the frames {stated} are counted at {stated.rate} frames per second, but the movie runs "
        f"at {rate} and has {count} pictures; the wrong pictures would be sent",
        where=plate.path,
        next_step=(
            f"relink the clip so that its media's available range is the file's, at {rate} frames "
            "per second, and export the cut again; or send all frames of the movie, which are "
            "counted one to one"
        ),
        details={"stated": str(stated.rate), "file": str(rate), "frames": count},
    )


def _warnings(plate: Plate, info: PlateInfo, rate: Fraction, count: int) -> Iterable[str]:
    stated = plate.range
    if stated.rate != rate:
        yield (
            f"the file runs at {rate} frames per second, the request says {stated.rate}; its "
            f"{count} pictures are counted one to one"
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
    """Whether both mean the same frame, or differ only in the drop-frame separator."""
    if stated is None or actual is None:
        return True
    separators = str.maketrans(";.", "::")
    if stated.translate(separators) == actual.translate(separators):
        return True
    with suppress(ValueError):
        return timecode_to_frame(stated, rate) == timecode_to_frame(actual, rate)
    return False
