"""What Resolve knows of the media behind a clip, and what a service can read of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from bridge_core.models.frames import can_drop, frame_of, timecode, to_rate
from bridge_core.models.media import MOVIES, ending_of
from bridge_core.timeline.clock import time_range
from bridge_core.timeline.document import Json
from bridge_core.timeline.references import STILLS
from bridge_resolve.answers import number

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem

#: Clip properties that say in which colour space it is, by how the project manages colour.
_COLOUR = ("Input Color Space", "Input Gamma", "IDT")

#: Codecs of camera files within endings that are read otherwise: ProRes RAW in .mov, X-OCN in .mxf.
_RAW = re.compile(r"\braw\b|arriraw|x-ocn|redcode|blackmagic raw", re.IGNORECASE)

#: How Resolve writes an image sequence: ``plate.[1001-1100].exr``.
_BRACKETS = re.compile(r"\[(\d+)-(\d+)\][^/\\]*$")


@dataclass(frozen=True, slots=True)
class Media:
    """``start`` is the number of the first frame: the embedded timecode's, counted at ``rate``;
    ``drop`` says whether that timecode drops frames."""

    name: str
    path: str
    rate: Fraction
    start: int
    drop: bool
    frames: int
    width: int
    height: int
    properties: Mapping[str, str]
    """What Resolve tells of its colour, for :mod:`bridge_resolve.colour`."""
    codec: str

    @property
    def readable(self) -> bool:
        """Whether a service can read the files themselves."""
        return ending_of(self.path) in STILLS | MOVIES and not _RAW.search(self.codec)

    def timecode(self, frame: int) -> str:
        """Of a frame by its number, as the media itself counts."""
        return timecode(frame, self.rate, drop_frame=self.drop)


def media_of(item: MediaPoolItem) -> Media | None:
    """None for what has no file: a title, a compound clip, a timeline."""
    told = item.GetClipProperty(None)
    if not isinstance(told, dict) or not told.get("File Path"):
        return None
    try:
        rate = to_rate(str(told.get("FPS")))
    except ValueError:
        return None
    start = str(told.get("Start TC") or "")
    drop = can_drop(rate) and (";" in start or str(told.get("Drop frame")) == "1")
    width, _, height = str(told.get("Resolution") or "").partition("x")
    return Media(
        name=str(told.get("Clip Name") or told.get("File Name") or ""),
        path=str(told["File Path"]),
        rate=rate,
        start=_start(start, rate, drop=drop),
        drop=drop,
        frames=number(told.get("Frames")),
        width=number(width),
        height=number(height),
        properties={key: str(told.get(key) or "") for key in _COLOUR},
        codec=str(told.get("Video Codec") or ""),
    )


def rate_text(rate: Fraction, *, drop: bool = False) -> str:
    """A rate as Resolve writes it: ``23.976``, ``25``, ``29.97 DF``."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".") + (" DF" if drop else "")


def timecode_frame(text: str, rate: Fraction, *, drop: bool) -> int:
    """The frame of a timecode, whichever mark Resolve has put before its frames.

    :raises ValueError: not a timecode.
    """
    hours_to_seconds, frames = text[:-3], text[-2:]
    return frame_of(f"{hours_to_seconds}{';' if drop and can_drop(rate) else ':'}{frames}", rate)


def _start(text: str, rate: Fraction, *, drop: bool) -> int:
    try:
        return timecode_frame(text, rate, drop=drop)
    except ValueError:
        return 0  # without timecode, as movies are that carry none


def reference_of(media: Media) -> Json:
    """The media as OTIO names it, the way Resolve does itself."""
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": media.name,
        "target_url": media.path,
        "available_range": time_range(
            media.start / media.rate, media.frames / media.rate, media.rate
        ),
        "metadata": {},
    }


def first_number(media: Media) -> int:
    """The number that the plate's first frame has: of a sequence, its first file's; of a movie,
    its timecode's."""
    brackets = _BRACKETS.search(media.path)
    return int(brackets[1]) if brackets else media.start


def first_file(path: str) -> str:
    """Of Resolve's ``plate.[1001-1100].exr`` the file ``plate.1001.exr``, other paths as they are:
    to be compared, so with slashes on every system."""
    path = path.replace("\\", "/")
    brackets = _BRACKETS.search(path)
    if brackets is None:
        return path
    return f"{path[: brackets.start()]}{brackets[1]}{path[brackets.end(2) + 1 :]}"
