"""What a plate's files say of themselves, against what a cut or a person says of the plate."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from bridge_core.errors import InvalidRequest, MissingFrames
from bridge_core.models.frames import frame_of
from bridge_core.models.media import Plate, PlateKind
from bridge_gateway.media.colour import ColourTag


@dataclass(frozen=True)
class PlateFacts:
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
    colour: ColourTag | None
    """What the file says of its colour; None where it says nothing."""
    frames: int | None
    """How many pictures a movie has; None for sequences and stills."""
    rate: Fraction | None
    """As the file tells it; None where it does not."""


def contradictions(plate: Plate, facts: PlateFacts, frames: Iterable[int]) -> tuple[str, ...]:
    """Where a movie contradicts its plate without harm to ``frames``, in words.

    Spellings of one NTSC rate are equal already (:func:`bridge_core.models.frames.to_rate`). Where
    the plate has as many frames as the movie, its frames are the movie's pictures one for one
    whatever the rate: a host that plays a movie at another rate counts so.

    :raises MissingFrames: the movie ends before ``frames`` do.
    :raises InvalidRequest: the plate's frames are counted at a rate that is not the movie's, so
        its numbers mean other pictures.
    """
    if plate.kind is not PlateKind.MOVIE or facts.frames is None or facts.rate is None:
        return ()
    said, count = plate.range, facts.frames
    require_rate(plate, facts.rate, count)
    beyond = [frame for frame in frames if not said.first <= frame < said.first + count]
    if beyond:
        raise MissingFrames.of(beyond, where=plate.path)
    return tuple(_mild(plate, facts, facts.rate, count))


def require_rate(plate: Plate, rate: Fraction, count: int) -> None:
    """
    :raises InvalidRequest: as :func:`contradictions`; ``rate`` and ``count`` (pictures) are the
        movie's own.
    """
    said = plate.range
    if said.rate == rate or said.count == count:
        return
    raise InvalidRequest(
        f"the frames {said} are counted at {said.rate} frames per second, but the movie runs at "
        f"{rate} and has {count} pictures; other pictures than those meant would be sent",
        where=plate.path,
        next_step=(
            f"have the cut count this movie at {rate}: relink the clip so that its media's "
            "available range is the file's, and export the cut again; a plate by itself needs no "
            "rate"
        ),
        details={"said": str(said.rate), "file": str(rate), "frames": count},
    )


def _mild(plate: Plate, facts: PlateFacts, rate: Fraction, count: int) -> Iterable[str]:
    said = plate.range
    if said.rate != rate:
        yield (
            f"the file runs at {rate} frames per second, the request says {said.rate}; its "
            f"{count} pictures are counted one for one"
        )
    if said.count > count:
        yield f"the file has {count} pictures, the request says {said.count}"
    if not _same_timecode(plate.start_timecode, facts.start_timecode, rate):
        yield (
            f"the file starts at timecode {facts.start_timecode}, the request says "
            f"{plate.start_timecode}; pictures are counted from the file's first"
        )
    size = (plate.width or facts.width, plate.height or facts.height)
    if size != (facts.width, facts.height):
        yield f"the file is {facts.width}x{facts.height}, the request says {size[0]}x{size[1]}"


def _same_timecode(said: str | None, found: str | None, rate: Fraction) -> bool:
    """Whether both mean one frame, or read the same but for the mark of drop-frame."""
    if said is None or found is None:
        return True
    marks = str.maketrans(";.", "::")
    if said.translate(marks) == found.translate(marks):
        return True
    with suppress(ValueError):
        return frame_of(said, rate) == frame_of(found, rate)
    return False
