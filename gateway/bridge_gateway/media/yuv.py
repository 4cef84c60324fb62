"""Y'CbCr and R'G'B', exactly as defined by ITU-R BT.601, BT.709 and BT.2020.

FFmpeg's own converter rounds to the target's depth and clips, which loses values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge_gateway.arrays import FloatArray


class YuvMatrix(NamedTuple):
    """The weights of red and blue in luma."""

    name: str
    kr: float
    kb: float


BT601 = YuvMatrix("BT.601", 0.299, 0.114)
BT709 = YuvMatrix("BT.709", 0.2126, 0.0722)
BT2020 = YuvMatrix("BT.2020", 0.2627, 0.0593)

#: By the code of ITU-T H.273, "MatrixCoefficients".
_BY_CODE = {1: BT709, 5: BT601, 6: BT601, 9: BT2020}


def matrix_of(code: int, width: int, height: int) -> YuvMatrix | None:
    """The matrix of a stream's tag; untagged (2) is BT.709 from 1280x720 on, otherwise BT.601.

    None if it is not supported.
    """
    if code == 2:
        return BT709 if width >= 1280 or height >= 720 else BT601
    return _BY_CODE.get(code)


def to_rgb(planes: list[NDArray[Any]], bits: int, matrix: YuvMatrix, *, full: bool) -> FloatArray:
    """Planes Y, Cb, Cr of one size as float32 (height, width, 3).

    0 is black and 1 white; head- and footroom are above 1 and below 0. ``full``: the range of
    JPEG, otherwise that of video (16 to 235 in 8 bits).
    """
    black, luma, chroma = _code_levels(bits, full=full)
    middle = np.float32(1 << (bits - 1))
    y = (planes[0].astype(np.float32) - np.float32(black)) / np.float32(luma)
    cb, cr = ((plane.astype(np.float32) - middle) / np.float32(chroma) for plane in planes[1:3])
    kr, kb = matrix.kr, matrix.kb
    kg = 1 - kr - kb
    rgb = np.empty((*y.shape, 3), np.float32)
    rgb[..., 0] = y + np.float32(2 * (1 - kr)) * cr
    rgb[..., 1] = (
        y - np.float32(2 * kb * (1 - kb) / kg) * cb - np.float32(2 * kr * (1 - kr) / kg) * cr
    )
    rgb[..., 2] = y + np.float32(2 * (1 - kb)) * cb
    return rgb


def normalise(plane: NDArray[Any], bits: int, *, full: bool) -> FloatArray:
    """A plane of R, G, B, grey or alpha as float32, 0 black and 1 white; see :func:`to_rgb`."""
    black, span, _ = _code_levels(bits, full=full)
    return (plane.astype(np.float32) - np.float32(black)) / np.float32(span)


def from_rgb(rgb: FloatArray, bits: int, matrix: YuvMatrix) -> list[NDArray[np.uint16]]:
    """The inverse of :func:`to_rgb` in video range, as clipped integers of ``bits`` bits.

    Codes reserved for serial interfaces (SMPTE ST 274: the lowest and highest four of 10 bits) are
    not used.
    """
    black, luma, chroma = _code_levels(bits, full=False)
    kr, kb = matrix.kr, matrix.kb
    y = rgb @ np.array([kr, 1 - kr - kb, kb], np.float32)
    cb = (rgb[..., 2] - y) / np.float32(2 * (1 - kb))
    cr = (rgb[..., 0] - y) / np.float32(2 * (1 - kr))
    low = 1 << (bits - 8)
    high = (1 << bits) - 1 - low

    def code(values: FloatArray, zero: float, span: float) -> NDArray[np.uint16]:
        scaled = values * np.float32(span) + np.float32(zero)
        codes: NDArray[np.uint16] = np.rint(scaled).clip(low, high).astype(np.uint16)
        return codes

    middle = float(1 << (bits - 1))
    return [code(y, black, luma), code(cb, middle, chroma), code(cr, middle, chroma)]


def subsample(plane: NDArray[np.uint16], *, vertical: bool) -> NDArray[np.uint16]:
    """A chroma plane of half the width (and height), sited as in MPEG-2 and ProRes.

    Horizontally a sample lies on every second pixel (weights 1 2 1), vertically between two rows.
    """
    wide = np.pad(plane.astype(np.float32), ((0, 0), (1, 1)), mode="edge")
    half = (wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
    if vertical:
        half = (half[0::2] + half[1::2]) / 2
    return np.rint(half).astype(np.uint16)


def _code_levels(bits: int, *, full: bool) -> tuple[float, float, float]:
    """Black, the span of luma and the span of chroma, in codes."""
    if full:
        return 0.0, float((1 << bits) - 1), float((1 << bits) - 1)
    unit = 1 << (bits - 8)
    return 16.0 * unit, 219.0 * unit, 224.0 * unit
