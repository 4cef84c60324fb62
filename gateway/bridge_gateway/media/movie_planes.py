"""Decoded video frames as planes of one size, at a depth that keeps all codes distinct.

FFmpeg's converter (libswscale) only unpacks samples and brings chroma to full size here. It never
changes the range, and scales samples only where their depth has no planar format.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Depths of FFmpeg's planar formats by family, smallest first.
_PLANAR_DEPTHS = {
    "gbrp": (8, 9, 10, 12, 14, 16),
    "gbrap": (8, 10, 12, 14, 16),
    "yuv444p": (8, 9, 10, 12, 14, 16),
    "yuva444p": (8, 9, 10, 12, 16),
}


class ComponentPlanes(NamedTuple):
    """One plane (height, width) of integers for each component, all with ``bits`` bits."""

    colour_model: str
    """``rgb`` (in the order G, B, R), ``yuv`` or ``grey``."""
    bits: int
    colour: tuple[NDArray[Any], ...]
    alpha: NDArray[Any] | None


def colour_model_of(pixel_format: Any) -> str | None:
    """``rgb``, ``yuv`` or ``grey``; None for unsupported formats: float, Bayer, XYZ."""
    name = pixel_format.name
    bits = max(component.bits for component in pixel_format.components)
    if bits > 16 or pixel_format.is_bayer or name.startswith("xyz") or "f16" in name:
        return None
    if pixel_format.is_rgb or pixel_format.has_palette:
        return "rgb"
    colours = sum(not component.is_alpha for component in pixel_format.components)
    return "yuv" if colours > 1 else "grey"


def has_alpha(pixel_format: Any) -> bool:
    return any(component.is_alpha for component in pixel_format.components)


def extract_planes(frame: Any, colour_model: str) -> ComponentPlanes:
    """The planes of a frame whose format has this ``colour_model``."""
    if colour_model == "grey":
        return _extract_grey(frame)
    alpha = has_alpha(frame.format)
    family = {("rgb", False): "gbrp", ("rgb", True): "gbrap", ("yuv", False): "yuv444p"}.get(
        (colour_model, alpha), "yuva444p"
    )
    depths = frame.format.components
    frame_bits = max(component.bits for component in depths)
    bits = next(depth for depth in _PLANAR_DEPTHS[family] if depth >= frame_bits)
    target = family if bits == 8 else f"{family}{bits}le"
    if frame.format.name.startswith("yuvj"):  # FFmpeg's names for full range in 8 bits
        target = "yuvj444p"
    if frame.format.name != target:
        # The same range on both sides keeps FFmpeg from converting full range to video range.
        frame = frame.reformat(format=target, src_color_range="MPEG", dst_color_range="MPEG")
    dtype = np.dtype(np.uint8 if bits == 8 else "<u2")
    colour = [_plane_array(plane, dtype, frame.width) for plane in frame.planes]
    if colour_model == "rgb" and frame_bits < 8:
        red, green, blue = (component.bits for component in depths[:3])
        scaled = map(_scale_to_16_bits, colour, (green, blue, red))
        return ComponentPlanes(colour_model, 16, tuple(scaled), None)
    return ComponentPlanes(colour_model, bits, tuple(colour[:3]), colour[3] if alpha else None)


def _extract_grey(frame: Any) -> ComponentPlanes:
    """Without FFmpeg's converter, which takes grey as full range whatever its tags say."""
    bits = frame.format.components[0].bits
    if bits < 8:  # packed into bytes: let FFmpeg unpack them
        frame, bits = frame.reformat(format="gray"), 8
    kind = np.uint8 if bits == 8 else ">u2" if frame.format.is_big_endian else "<u2"
    count = len(frame.format.components)
    interleaved = _plane_array(frame.planes[0], np.dtype(kind), frame.width * count)
    return ComponentPlanes(
        "grey", bits, (interleaved[:, ::count],), interleaved[:, 1::2] if count == 2 else None
    )


def _scale_to_16_bits(plane: NDArray[Any], bits: int) -> NDArray[Any]:
    """Samples of fewer than 8 bits, which FFmpeg puts in the upper bits of 8, as 16 bits."""
    codes = (plane >> (8 - bits)).astype(np.uint32)
    top = (1 << bits) - 1
    return ((codes * 65535 + top // 2) // top).astype(np.uint16)


def _plane_array(plane: Any, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
    rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
    return rows[: plane.height, :width]
