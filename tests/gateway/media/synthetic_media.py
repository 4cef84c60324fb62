"""Writes real pictures and movies without the code under test."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

#: Bits of a frame number drawn into a picture, and the size of one bit in pixels.
_BITS, _CELL = 10, 12


@dataclass
class SyntheticLayer:
    """A part of an EXR to be written."""

    channels: dict[str, str]
    """Channel names and their types: half, float or uint."""
    name: str = ""
    window: tuple[int, int, int, int] | None = None
    compression: str = "zip"
    attributes: dict[str, Any] = field(default_factory=dict)
    tile: int = 0


def gradient(width: int = 64, height: int = 48, seed: int = 0) -> NDArray[np.float32]:
    """Smooth colours with some noise, from 0 to 1."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    noise = np.random.default_rng(seed).random((height, width, 3), np.float32)
    smooth = np.stack([x / width, y / height, (x + y) / (width + height)], axis=-1)
    return np.clip(smooth * 0.9 + noise * 0.1, 0, 1).astype(np.float32)


def wild_halves(height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.float16]:
    """Random bits of a half, including infinity and NaN with payloads."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 1 << 16, (height, width, channels), np.uint16)
    return bits.view(np.float16)


def finite_halves(height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.float16]:
    """Negative and positive halves, from subnormal to 65504."""
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    return np.random.default_rng(seed).choice(every[np.isfinite(every)], (height, width, channels))


def write_exr(
    path: Path,
    layers: Sequence[SyntheticLayer],
    display: tuple[int, int, int, int] = (0, 0, 64, 48),
) -> list[dict[str, NDArray[Any]]]:
    """Write an EXR of random samples; the samples of each part by channel.

    uint beside other types is left to a writer of its own (see :func:`write_raw_exr`).
    """
    specs, blocks = [], []
    for number, layer in enumerate(layers):
        x, y, width, height = layer.window or display
        kinds = list(layer.channels.values())
        spec = oiio.ImageSpec(width, height, len(kinds), kinds[0])
        spec.channelnames = tuple(layer.channels)
        if len(set(kinds)) > 1:
            spec.channelformats = tuple(kinds)
        spec.x, spec.y = x, y
        spec.full_x, spec.full_y, spec.full_width, spec.full_height = display
        spec.attribute("compression", layer.compression)
        if layer.name:
            spec.attribute("oiio:subimagename", layer.name)
        if layer.tile:
            spec.tile_width = spec.tile_height = layer.tile
        for name, value in layer.attributes.items():
            if isinstance(value, tuple):
                spec.attribute(name, *value)
            else:
                spec.attribute(name, value)
        specs.append(spec)
        blocks.append(_samples(kinds, height, width, seed=number))
    out = oiio.ImageOutput.create("openexr")
    assert out.open(str(path), tuple(specs)), out.geterror()
    for number, (spec, block) in enumerate(zip(specs, blocks, strict=True)):
        if number:
            assert out.open(str(path), spec, "AppendSubimage"), out.geterror()
        assert out.write_image(block), out.geterror()
    assert out.close()
    return [
        {name: block[..., i] for i, name in enumerate(layer.channels)}
        for layer, block in zip(layers, blocks, strict=True)
    ]


def _samples(kinds: list[str], height: int, width: int, seed: int) -> NDArray[Any]:
    if set(kinds) == {"half"}:
        return wild_halves(height, width, len(kinds), seed)
    rng = np.random.default_rng(seed)
    if set(kinds) == {"uint"}:
        return rng.integers(0, 1 << 32, (height, width, len(kinds)), np.uint32)
    values = rng.normal(0, 100, (height, width, len(kinds))).astype(np.float32)
    for index, kind in enumerate(kinds):
        if kind == "half":
            values[..., index] = values[..., index].astype(np.float16)
    return values


def write_raw_exr(path: Path, planes: dict[str, NDArray[Any]]) -> None:
    """An uncompressed one-part EXR with half, float and uint channels side by side.

    Written byte by byte after "OpenEXR File Layout": the reference for what OpenImageIO cannot
    write.
    """
    kinds = {"uint32": 0, "float16": 1, "float32": 2}
    names = sorted(planes)
    height, width = planes[names[0]].shape
    listed = b"".join(
        name.encode() + b"\0" + struct.pack("<iiii", kinds[str(planes[name].dtype)], 0, 1, 1)
        for name in names
    )
    box = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    header = b"".join(
        name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in (
            (b"channels", b"chlist", listed + b"\0"),
            (b"compression", b"compression", b"\0"),
            (b"dataWindow", b"box2i", box),
            (b"displayWindow", b"box2i", box),
            (b"lineOrder", b"lineOrder", b"\0"),
            (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
            (b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0)),
            (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
        )
    )
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2) + header + b"\0"
    rows = [b"".join(planes[name][y].tobytes() for name in names) for y in range(height)]
    start = len(head) + 8 * height
    offsets = [start + y * (8 + len(rows[0])) for y in range(height)]
    chunks = b"".join(struct.pack("<ii", y, len(row)) + row for y, row in enumerate(rows))
    path.write_bytes(head + struct.pack(f"<{height}Q", *offsets) + chunks)


def exr_attributes(path: Path) -> list[dict[str, tuple[str, bytes]]]:
    """Type and raw value of each attribute in each part's header."""
    return list(_headers(path.read_bytes()))


def _headers(data: bytes) -> Iterator[dict[str, tuple[str, bytes]]]:
    many = struct.unpack_from("<I", data, 4)[0] & 0x1000
    at = 8
    while data[at]:
        found = {}
        while data[at]:
            name, kind, _rest = data[at : at + 600].split(b"\0", 2)
            at += len(name) + len(kind) + 2
            size = struct.unpack_from("<i", data, at)[0]
            found[name.decode()] = (kind.decode(), data[at + 4 : at + 4 + size])
            at += 4 + size
        yield found
        at += 1
        if not many:
            return


def write_plain(path: Path, pixels: NDArray[Any], **attributes: Any) -> None:
    """Write a DPX, TIFF, PNG or JPEG; two underscores in an attribute's name mean a colon."""
    height, width, channels = pixels.shape
    kind = {"uint8": "uint8", "uint16": "uint16", "float32": "float", "float16": "half"}
    spec = oiio.ImageSpec(width, height, channels, kind[str(pixels.dtype)])
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    assert out is not None, oiio.geterror()
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(pixels)), out.geterror()
    assert out.close()
    out.geterror()


def numbered(number: int, width: int = 160, height: int = 96) -> NDArray[np.float32]:
    """A picture with its number drawn as light and dark squares."""
    picture = np.full((height, width, 3), 0.2, np.float32)
    picture[..., 0] = np.linspace(0.1, 0.6, width, dtype=np.float32)
    for bit in range(_BITS):
        if number >> bit & 1:
            left = 8 + bit * (_CELL + 3)
            picture[8 : 8 + _CELL, left : left + _CELL] = 0.9
    return picture


def number_in(picture: NDArray[np.float32]) -> int:
    middles = [8 + bit * (_CELL + 3) + _CELL // 2 for bit in range(_BITS)]
    return sum(1 << bit for bit, x in enumerate(middles) if picture[8 + _CELL // 2, x, 1] > 0.55)


def write_h264(
    path: Path, count: int, rate: Fraction, *, times: Sequence[int] | None = None, **options: str
) -> None:
    """Numbered pictures as H.264 with B-frames and one key frame in 250; ``times`` in 1/1000 s."""
    with av.open(str(path), "w") as container:
        wanted = {"crf": "12", "bf": "3", "g": "250", **options}
        stream = container.add_stream("libx264", rate=rate, options=wanted)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(count):
            rgb = (numbered(number) * 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = 1 / rate if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
