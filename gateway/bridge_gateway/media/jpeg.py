"""JPEG in memory, for proxies.

OpenImageIO's writer rests on libjpeg, which ends the process when the disk is full; proxies are
encoded in memory by FFmpeg instead and written by us.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

#: RGB to full-range YCbCr (ITU-R BT.601, as JFIF 1.02 prescribes it).
_YCC = np.array(
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
    encoder.qmin = encoder.qmax = _quantiser(quality)
    ycc = np.rint(rgb.astype(np.float32) @ _YCC.T + _OFFSET).clip(0, 255).astype(np.uint8)
    planes = np.ascontiguousarray(np.moveaxis(ycc, -1, 0))
    frame = av.VideoFrame.from_ndarray(planes, format="yuvj444p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _quantiser(quality: int) -> int:
    """FFmpeg's scale, 1 (best) to 31, whose tables are on average as coarse as IJG's.

    IJG scales a table of mean 57.6 by 2 - quality / 50, or 50 / quality below 50; FFmpeg the
    MPEG-1 intra table of mean 27 by a quantiser's eighths.
    """
    share = 2 - quality / 50 if quality >= 50 else 50 / quality
    return int(np.clip(round(57.6 * share * 8 / 27), 1, 31))
