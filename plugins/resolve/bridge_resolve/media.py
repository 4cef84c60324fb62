"""The media of a clip: what Resolve knows about it, and whether services can read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bridge_core.models.frames import (
    frame_to_timecode,
    supports_drop_frame,
    timecode_to_frame,
    to_rate,
)
from bridge_core.models.media import MOVIE_EXTENSIONS, PICTURE_EXTENSIONS, file_extension
from bridge_core.timeline.document import JsonObject
from bridge_core.timeline.otio_time import to_time_range

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem

#: Clip properties with the colour space; which one counts depends on the project's settings.
_COLOUR_PROPERTIES = ("Input Color Space", "Input Gamma", "IDT")

#: Codecs of camera files in otherwise readable formats: ProRes RAW in .mov, X-OCN in .mxf.
_RAW_CODECS = re.compile(r"\braw\b|arriraw|x-ocn|redcode|blackmagic raw", re.IGNORECASE)

#: How Resolve writes an image sequence: ``plate.[1001-1100].exr``.
_SEQUENCE_RANGE = re.compile(r"\[(\d+)-(\d+)\][^/\\]*$")


@dataclass(frozen=True, slots=True)
class ClipMedia:
    """Properties of media in Resolve."""

    name: str
    path: str
    rate: Fraction
    start: int
    """Number of the first frame: that of the embedded timecode at ``rate``."""
    drop_frame: bool
    """Whether the timecode drops frames."""
    frames: int
    width: int
    height: int
    properties: Mapping[str, str]
    """Colour properties, for :mod:`bridge_resolve.colour_spaces`."""
    codec: str

    @property
    def is_readable(self) -> bool:
        """Whether services can read the files."""
        extensions = PICTURE_EXTENSIONS | MOVIE_EXTENSIONS
        return file_extension(self.path) in extensions and not _RAW_CODECS.search(self.codec)

    def timecode(self, frame: int) -> str:
        """The media's timecode at a frame number."""
        return frame_to_timecode(frame, self.rate, drop_frame=self.drop_frame)


def read_media(item: MediaPoolItem) -> ClipMedia | None:
    """None for items without a file: a title, a compound clip, a timeline."""
    properties = item.GetClipProperty(None)
    if not isinstance(properties, dict) or not properties.get("File Path"):
        return None
    try:
        rate = to_rate(str(properties.get("FPS")))
    except ValueError:
        return None
    start = str(properties.get("Start TC") or "")
    drops = ";" in start or str(properties.get("Drop frame")) == "1"
    drop_frame = drops and supports_drop_frame(rate)
    width, _, height = str(properties.get("Resolution") or "").partition("x")
    return ClipMedia(
        name=str(properties.get("Clip Name") or properties.get("File Name") or ""),
        path=str(properties["File Path"]),
        rate=rate,
        start=_start_frame(start, rate, drop_frame=drop_frame),
        drop_frame=drop_frame,
        frames=_parse_number(properties.get("Frames")),
        width=_parse_number(width),
        height=_parse_number(height),
        properties={key: str(properties.get(key) or "") for key in _COLOUR_PROPERTIES},
        codec=str(properties.get("Video Codec") or ""),
    )


def format_rate(rate: Fraction, *, drop_frame: bool = False) -> str:
    """A rate as Resolve writes it: ``23.976``, ``25``, ``29.97 DF``."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".") + (" DF" if drop_frame else "")


def resolve_timecode_to_frame(text: str, rate: Fraction, *, drop_frame: bool) -> int:
    """The frame of a timecode, whichever separator Resolve puts before the frames.

    :raises ValueError: not a timecode.
    """
    separator = ";" if drop_frame and supports_drop_frame(rate) else ":"
    return timecode_to_frame(f"{text[:-3]}{separator}{text[-2:]}", rate)


def _parse_number(text: Any) -> int:
    """The number in a clip property, which may be text; 0 if there is none."""
    try:
        return int(float(text))
    except (TypeError, ValueError):
        return 0


def _start_frame(text: str, rate: Fraction, *, drop_frame: bool) -> int:
    try:
        return resolve_timecode_to_frame(text, rate, drop_frame=drop_frame)
    except ValueError:
        return 0  # a movie without timecode


def media_reference(media: ClipMedia) -> JsonObject:
    """An OTIO reference to the media, as Resolve writes it."""
    rate = media.rate
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": media.name,
        "target_url": media.path,
        "available_range": to_time_range(media.start / rate, media.frames / rate, rate),
        "metadata": {},
    }


def first_frame_number(media: ClipMedia) -> int:
    """The number of the plate's first frame: of a sequence from its file name, of a movie from its
    timecode."""
    brackets = _SEQUENCE_RANGE.search(media.path)
    return int(brackets[1]) if brackets else media.start


def first_file_path(path: str) -> str:
    """The first file of a path such as ``plate.[1001-1100].exr``, with slashes on every system, for
    comparison."""
    path = path.replace("\\", "/")
    brackets = _SEQUENCE_RANGE.search(path)
    if brackets is None:
        return path
    return f"{path[: brackets.start()]}{brackets[1]}{path[brackets.end(2) + 1 :]}"
