"""Samples and timecode of picture files: conversion to and from what the files store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_core.errors import CheckFailed
from bridge_gateway.arrays import FloatArray, half_extremes
from bridge_gateway.pixel_transform import HALF_MAX

#: Sample types by the name that files and ``ResultOutput.depth`` use.
SAMPLE_DTYPES: dict[str, Any] = {
    "half": np.float16,
    "float": np.float32,
    "double": np.float64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint": np.uint32,
}


def to_float(pixels: NDArray[Any], kind: str, bits: int) -> FloatArray:
    """Samples as float32: integers of 8 and 16 bits become 0 to 1, others keep their value."""
    if kind == "uint8":
        return pixels.astype(np.float32) / np.float32(255)
    if kind == "uint16":
        # OpenImageIO stores samples of fewer bits in the upper bits, repeated below.
        codes = pixels.astype(np.uint16) >> (16 - bits)
        return codes.astype(np.float32) / np.float32((1 << bits) - 1)
    return pixels.astype(np.float32)


def from_float(values: FloatArray, kind: str, bits: int) -> NDArray[Any]:
    """The inverse of :func:`to_float`: rounded to nearest, clamped to the type's range.

    :raises CheckFailed: NaN or infinity, and ``kind`` is an integer type.
    """
    if kind == "half":
        finite = np.isfinite(values)
        return np.where(finite, np.clip(values, -HALF_MAX, HALF_MAX), values).astype(np.float16)
    if not kind.startswith("uint"):
        return values.astype(SAMPLE_DTYPES[kind])
    invalid = int(np.count_nonzero(~np.isfinite(values)))
    if invalid:
        raise CheckFailed(
            f"{invalid} values are NaN or infinite, which {kind} cannot hold",
            next_step="choose the output format OpenEXR (output_format: exr), or report this model",
        )
    if kind == "uint":
        return np.rint(values.astype(np.float64)).clip(0, 2**32 - 1).astype(np.uint32)
    if kind == "uint8":
        return np.rint(values.clip(0, 1) * np.float32(255)).astype(np.uint8)
    codes = np.rint(values.clip(0, 1) * np.float32((1 << bits) - 1)).astype(np.uint16)
    low = 16 - bits
    return (codes << low) | (codes >> (bits - low)) if low else codes


def all_finite(samples: NDArray[Any]) -> bool:
    """Whether no sample is NaN or infinite; integers never are."""
    if samples.dtype == np.float16:
        return not samples.size or bool(np.isfinite(half_extremes(samples)).all())
    return samples.dtype.kind != "f" or bool(np.isfinite(samples).all())


def read_timecode(header: Any) -> str | None:
    """The SMPTE timecode of an ImageSpec: OpenEXR and DPX pack it as binary-coded decimals."""
    packed = header.getattribute("smpte:TimeCode")
    if packed is None:
        return None
    word = (packed[0] if isinstance(packed, Sequence) else int(packed)) & 0xFFFFFFFF
    hours, minutes = _decode_bcd(word >> 24 & 0x3F), _decode_bcd(word >> 16 & 0x7F)
    seconds, frames = _decode_bcd(word >> 8 & 0x7F), _decode_bcd(word & 0x3F)
    separator = ";" if word & 0x40 else ":"  # bit 6: drop-frame (SMPTE ST 12-1)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{frames:02d}"


def pack_timecode(text: str) -> tuple[int, int]:
    """``HH:MM:SS:FF`` as the two integers that OpenEXR stores: time and flags, user data."""
    drop = text[-3] in ";."
    word = 0
    for field in text.replace(";", ":").replace(".", ":").split(":"):
        word = word << 8 | int(field, 16)
    return word | (0x40 if drop else 0), 0


def _decode_bcd(byte: int) -> int:
    return (byte >> 4) * 10 + (byte & 0xF)
