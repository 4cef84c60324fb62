"""Media of the fake Resolve: files on disk, and simulated camera files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio

from bridge_core.models.frames import (
    frame_to_timecode,
    supports_drop_frame,
    timecode_to_frame,
    to_rate,
)
from bridge_core.models.media import MOVIE_EXTENSIONS, detect_pattern, frame_path

Picture = np.ndarray[Any, np.dtype[np.float32]]

_BRACKETS = re.compile(r"\[(\d+)-(\d+)\]")


@dataclass
class ResolveMedia:
    """``start`` is the frame of the first timecode at ``rate``; ``picture`` returns a frame by its
    offset from the first."""

    path: str
    frames: int
    rate: Fraction
    start: int
    width: int
    height: int
    codec: str
    picture: Callable[[int], Picture]
    drop: bool = False
    """Drop-frame timecode."""
    embedded: str = ""
    """The timecode of its first frame in the file."""
    properties: dict[str, str] = field(default_factory=dict)

    def set_rate(self, rate: Fraction) -> None:
        """Set the clip's frame rate; its timecode is computed again."""
        self.rate = rate
        if self.embedded:
            self.start = timecode_frame(self.embedded, rate)

    def clip_properties(self) -> dict[str, str]:
        """Clip properties by their names in ``GetClipProperty``."""
        drop = self.drop and supports_drop_frame(self.rate)
        return {
            "File Path": self.path,
            "File Name": Path(self.path).name,
            "Clip Name": Path(self.path).name,
            "Type": "Video",
            "FPS": f"{float(self.rate):.3f}".rstrip("0").rstrip("."),
            "Frames": str(self.frames),
            "Start": "0",
            "End": str(self.frames - 1),
            "Start TC": frame_to_timecode(self.start, self.rate, drop_frame=drop),
            "Drop frame": str(int(drop)),
            "Resolution": f"{self.width}x{self.height}",
            "PAR": "Square",
            "Video Codec": self.codec,
            "Input Color Space": "Project",
            "Input Gamma": "Project",
            "IDT": "",
            **self.properties,
        }


def black(width: int, height: int) -> Picture:
    return np.zeros((height, width, 3), np.float32)


def read_sequence(pattern: str, first: int, last: int, rate: Fraction) -> ResolveMedia | None:
    """None if a frame is missing: Resolve imports nothing then, or splits the clip."""
    files = [frame_path(pattern, frame) for frame in range(first, last + 1)]
    if not files or not all(Path(file).is_file() for file in files):
        return None
    opened = oiio.ImageInput.open(files[0])
    if opened is None:
        return None
    spec = opened.spec()
    opened.close()
    embedded = embedded_timecode(spec)
    folder, name = str(Path(pattern).parent), Path(pattern).name
    padding = re.search(r"%0?(\d*)d", name)
    assert padding is not None
    digits = int(padding[1] or 1)
    number = f"[{first:0{digits}d}-{last:0{digits}d}]"
    return ResolveMedia(
        path=f"{folder}/{re.sub(r'%0?[0-9]*d', number, name)}",
        frames=last - first + 1,
        rate=rate,
        start=timecode_frame(embedded, rate) if embedded else first,
        width=spec.width,
        height=spec.height,
        codec="EXR",
        picture=lambda offset: _pixels(files[offset]),
        drop=";" in embedded,
        embedded=embedded,
    )


def read_path(path: str, rate: Fraction) -> ResolveMedia | None:
    """A movie, a ``plate.[1001-1100].exr``, or one frame of a sequence."""
    brackets = _BRACKETS.search(path)
    if brackets:
        pattern = path[: brackets.start()] + f"%0{len(brackets[1])}d" + path[brackets.end() :]
        return read_sequence(pattern, int(brackets[1]), int(brackets[2]), rate)
    if not Path(path).is_file():
        return None
    if Path(path).suffix.lower() in MOVIE_EXTENSIONS:
        return _movie(path)
    parsed = detect_pattern(path)
    return read_sequence(parsed[0], parsed[1], parsed[1], rate) if parsed else None


def _movie(path: str) -> ResolveMedia | None:
    try:
        with av.open(path) as container:
            stream = container.streams.video[0]
            rate = to_rate(float(stream.average_rate))
            tag = {**container.metadata, **stream.metadata}.get("timecode", "")
            count = stream.frames or sum(1 for _ in container.decode(stream))
            size = stream.width, stream.height
            codec = stream.codec_context.name
    except (av.FFmpegError, IndexError):
        return None
    start = timecode_to_frame(tag, rate) if tag else 0
    return ResolveMedia(path, count, rate, start, *size, codec, lambda _: black(*size), ";" in tag)


def timecode_frame(embedded: str, rate: Fraction) -> int:
    """The frame of a timecode; approximately for rates without such a timecode."""
    try:
        return timecode_to_frame(embedded, rate)
    except ValueError:
        return timecode_to_frame(f"{embedded[:8]}:00", rate) + int(embedded[9:])


def embedded_timecode(spec: Any) -> str:
    """Empty if there is none. OpenEXR has binary-coded decimals, hours highest, and a bit that
    says whether frames are dropped (SMPTE ST 12-1)."""
    attribute = spec.getattribute("smpte:TimeCode")
    if attribute is None:
        return ""
    word = int(attribute[0])
    hours, minutes, seconds = (f"{word >> by & 0xFF:02x}" for by in (24, 16, 8))
    return f"{hours}:{minutes}:{seconds}{';' if word & 0x40 else ':'}{word & 0x3F:02x}"


def _pixels(file: str) -> Picture:
    if not Path(file).is_file():
        return np.full((32, 48, 3), (1, 0, 0), np.float32)  # "Media Offline"
    opened = oiio.ImageInput.open(file)
    pixels: Picture = opened.read_image(oiio.FLOAT)
    opened.close()
    return pixels
