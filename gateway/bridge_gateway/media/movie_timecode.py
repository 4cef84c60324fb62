"""The timecode of movies, at the rate of their pictures.

FFmpeg does not report the rate of a QuickTime file's timecode track, so that is read here.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from bridge_core.models.frames import frame_to_timecode, timecode_to_frame

#: A movie's header may list millions of pictures; anything larger is damaged.
_MAX_HEADER_BYTES = 1 << 28


def convert_timecode(text: str, counted_at: int | None, rate: Fraction) -> str | None:
    """``text``, counted at ``counted_at`` frames per second (None: at ``rate``), as the timecode of
    the same picture at ``rate``; None if it fits no picture."""
    with suppress(ValueError):
        if counted_at is None or counted_at == round(rate):
            timecode_to_frame(text, rate)
            return text
        ratio = Fraction(counted_at, round(rate))
        index = timecode_to_frame(text, rate * ratio) / ratio
        if index % 1 == 0:
            return frame_to_timecode(int(index), rate, drop_frame=text[-3] in ";.")
    return None


def timecode_frames_per_second(path: Path) -> int | None:
    """Frames per second of the timecode track; None without such a track.

    From the timecode sample description (QuickTime File Format, "Timecode media"), whose time
    scale and frame duration give the rate that FFmpeg formats timecode at. It may differ from the
    picture rate: SMPTE ST 12-1 counts 60 pictures per second at 30.
    """
    with path.open("rb") as file:
        header = _read_moov(file)
    at = header.find(b"stsd")
    while at >= 0:
        if header[at + 16 : at + 20] == b"tmcd" and at + 44 <= len(header):
            scale, duration = struct.unpack_from(">II", header, at + 36)
            return round(scale / duration) or None if duration else None
        at = header.find(b"stsd", at + 4)
    return None


def _read_moov(file: BinaryIO) -> bytes:
    """The content of the file's ``moov`` atom; empty if there is none."""
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        left = size - 8
        if size == 1:  # a 64-bit size follows
            left = int.from_bytes(file.read(8), "big") - 16
        if kind == b"moov":
            return file.read(left) if 0 <= left <= _MAX_HEADER_BYTES else b""
        if left < 0:  # a size of 0 means up to the end of the file
            break
        file.seek(left, 1)
    return b""
