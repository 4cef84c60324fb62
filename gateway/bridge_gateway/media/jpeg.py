"""JPEG in memory: encoding of proxies, and a file's markers (ITU-T T.81, annex B).

OpenImageIO writes JPEG with libjpeg, which ends the process when the disk is full; so proxies are
encoded in memory by FFmpeg and then written as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

#: RGB to full-range YCbCr (ITU-R BT.601, as specified by JFIF 1.02).
_RGB_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_OFFSET = np.array([0, 128, 128], np.float32)


def encode_jpeg(rgb: NDArray[np.uint8], quality: int) -> bytes:
    """``rgb`` (height, width, 3) as a JFIF file with full colour resolution (4:4:4).

    ``quality`` is 1 to 100 on the scale of the Independent JPEG Group, met approximately.
    """
    import av

    height, width = rgb.shape[:2]
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj444p"
    encoder.time_base = Fraction(1, 25)
    encoder.sample_aspect_ratio = Fraction(1)
    encoder.thread_count = 1
    encoder.qmin = encoder.qmax = _ffmpeg_quantiser(quality)
    ycc = np.rint(rgb.astype(np.float32) @ _RGB_TO_YCC.T + _OFFSET).clip(0, 255).astype(np.uint8)
    planes = np.ascontiguousarray(np.moveaxis(ycc, -1, 0))
    frame = av.VideoFrame.from_ndarray(planes, format="yuvj444p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


#: Start of a frame, baseline to arithmetic coded: C0 to CF without the tables among them.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
#: Restart markers, or a byte FF of the data: neither ends a scan.
_MARKERS_IN_SCAN = frozenset({0x00, *range(0xD0, 0xD8)})


def count_components(data: bytes) -> int:
    """Number of components of the picture: 1 grey, 3 colour, 4 CMYK; 0 if unknown."""
    for marker, at in _markers(data):
        if marker in _FRAME_MARKERS:
            return data[at + 9] if at + 9 < len(data) else 0
    return 0


def first_picture(data: bytes) -> bytes:
    """The first of several pictures in a file."""
    for marker, at in _markers(data):
        if marker == _END_OF_IMAGE:
            return data[: at + 2]
    return data


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Each marker of the first picture, with its offset."""
    at = 2
    while at + 4 <= len(data) or data[at : at + 2] == b"\xff\xd9":
        marker = data[at + 1]
        if data[at] != 0xFF:
            return
        if marker == 0xFF:  # fill
            at += 1
            continue
        yield marker, at
        if marker == _END_OF_IMAGE:
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            at = data.find(b"\xff", at)
            while 0 <= at < len(data) - 1 and data[at + 1] in _MARKERS_IN_SCAN:
                at = data.find(b"\xff", at + 2)
            if at < 0:
                return


def _ffmpeg_quantiser(quality: int) -> int:
    """FFmpeg's quantiser, 1 (best) to 31, whose tables are on average as coarse as IJG's.

    IJG scales a table of mean 57.6 by 2 - quality / 50, or by 50 / quality below 50; FFmpeg scales
    the MPEG-1 intra table of mean 27 by eighths of the quantiser.
    """
    share = 2 - quality / 50 if quality >= 50 else 50 / quality
    return int(np.clip(round(57.6 * share * 8 / 27), 1, 31))
