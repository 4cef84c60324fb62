"""What Resolve knows of the media behind a clip, and what a service can read of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from bridge_core.models.frames import (
    frame_to_timecode,
    supports_drop_frame,
    timecode_to_frame,
    to_rate,
)
from bridge_core.models.media import MOVIE_EXTENSIONS, file_extension
from bridge_core.timeline.document import JsonObject
from bridge_core.timeline.media_reference import STILL_EXTENSIONS
from bridge_core.timeline.otio_time import to_time_range
from bridge_resolve.api_checks import parse_number

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem

#: Clip properties that say in which colour space it is, by how the project manages colour.
_COLOUR_PROPERTIES = ("Input Color Space", "Input Gamma", "IDT")

#: Codecs of camera files within endings that are read otherwise: ProRes RAW in .mov, X-OCN in .mxf.
_RAW_CODECS = re.compile(r"\braw\b|arriraw|x-ocn|redcode|blackmagic raw", re.IGNORECASE)

#: How Resolve writes an image sequence: ``plate.[1001-1100].exr``.
_SEQUENCE_RANGE = re.compile(r"\[(\d+)-(\d+)\][^/\\]*$")


@dataclass(frozen=True, slots=True)
class ClipMedia:
    """``start`` is the number of the first frame: the embedded timecode's, counted at ``rate``;
    ``drop`` says whether that timecode drops frames."""

    name: str
    path: str
    rate: Fraction
    start: int
    drop_frame: bool
    frames: int
    width: int
    height: int
    properties: Mapping[str, str]
    """What Resolve tells of its colour, for :mod:`bridge_resolve.colour_spaces`."""
    codec: str

    @property
    def is_readable(self) -> bool:
        """Whether a service can read the files themselves."""
        return file_extension(
            self.path
        ) in STILL_EXTENSIONS | MOVIE_EXTENSIONS and not _RAW_CODECS.search(self.codec)

    def timecode(self, frame: int) -> str:
        """Of a frame by its number, as the media itself counts."""
        return frame_to_timecode(frame, self.rate, drop_frame=self.drop_frame)


def read_media(item: MediaPoolItem) -> ClipMedia | None:
    """None for what has no file: a title, a compound clip, a timeline."""
    properties = item.GetClipProperty(None)
    if not isinstance(properties, dict) or not properties.get("File Path"):
        return None
    try:
        rate = to_rate(str(properties.get("FPS")))
    except ValueError:
        return None
    start = str(properties.get("Start TC") or "")
    drop_frame = supports_drop_frame(rate) and (
        ";" in start or str(properties.get("Drop frame")) == "1"
    )
    width, _, height = str(properties.get("Resolution") or "").partition("x")
    return ClipMedia(
        name=str(properties.get("Clip Name") or properties.get("File Name") or ""),
        path=str(properties["File Path"]),
        rate=rate,
        start=_start_frame(start, rate, drop_frame=drop_frame),
        drop_frame=drop_frame,
        frames=parse_number(properties.get("Frames")),
        width=parse_number(width),
        height=parse_number(height),
        properties={key: str(properties.get(key) or "") for key in _COLOUR_PROPERTIES},
        codec=str(properties.get("Video Codec") or ""),
    )


def format_rate(rate: Fraction, *, drop_frame: bool = False) -> str:
    """A rate as Resolve writes it: ``23.976``, ``25``, ``29.97 DF``."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".") + (" DF" if drop_frame else "")


def resolve_timecode_to_frame(text: str, rate: Fraction, *, drop_frame: bool) -> int:
    """The frame of a timecode, whichever mark Resolve has put before its frames.

    :raises ValueError: not a timecode.
    """
    hours_to_seconds, frames = text[:-3], text[-2:]
    return timecode_to_frame(
        f"{hours_to_seconds}{';' if drop_frame and supports_drop_frame(rate) else ':'}{frames}",
        rate,
    )


def _start_frame(text: str, rate: Fraction, *, drop_frame: bool) -> int:
    try:
        return resolve_timecode_to_frame(text, rate, drop_frame=drop_frame)
    except ValueError:
        return 0  # without timecode, as movies are that carry none


def media_reference(media: ClipMedia) -> JsonObject:
    """The media as OTIO names it, the way Resolve does itself."""
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": media.name,
        "target_url": media.path,
        "available_range": to_time_range(
            media.start / media.rate, media.frames / media.rate, media.rate
        ),
        "metadata": {},
    }


def first_frame_number(media: ClipMedia) -> int:
    """The number that the plate's first frame has: of a sequence, its first file's; of a movie,
    its timecode's."""
    brackets = _SEQUENCE_RANGE.search(media.path)
    return int(brackets[1]) if brackets else media.start


def first_file_path(path: str) -> str:
    """Of Resolve's ``plate.[1001-1100].exr`` the file ``plate.1001.exr``, other paths as they are:
    to be compared, so with slashes on every system."""
    path = path.replace("\\", "/")
    brackets = _SEQUENCE_RANGE.search(path)
    if brackets is None:
        return path
    return f"{path[: brackets.start()]}{brackets[1]}{path[brackets.end(2) + 1 :]}"
