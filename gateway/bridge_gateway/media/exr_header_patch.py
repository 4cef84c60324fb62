"""OpenEXR headers: what OpenImageIO cannot keep, which is exact attributes and uint channels.

OpenImageIO takes the samples of all channels in one type and scales integers, so it cannot write
``uint`` beside ``half`` or ``float`` exactly. Such channels are written as the same 32 bits
declared as float, and the file's channel list is corrected afterwards. It also drops attributes of
unknown types and converts some others; so attributes are read from the file's own header and
restored after writing. Headers, offset tables and chunks are laid out as in "OpenEXR File Layout"
(openexr.com), the channel list as its ``chlist`` type.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

_UINT = 0
#: Type, linearity and sampling after each name in a channel list.
_CHANNEL_BYTES = 16
_LONG_NAMES, _MULTI_PART = 0x400, 0x1000
#: Names above this length need the flag for long names.
_MAX_SHORT_NAME = 31

#: Attributes that OpenImageIO adds on reading, or instructions to its writer that it leaves in
#: files; the last two would announce mipmap levels that are not written.
_OIIO_ATTRIBUTES = (
    "openexr:ACESContainerPolicy",
    "ResolutionUnit",
    "oiio:BitsPerSample",
    "oiio:subimages",
    "openexr:chunkCount",
    "oiio:miplevels",
    "textureformat",
)

#: Attributes of the file's structure, which the writer sets, and those that depend on the written
#: pixels: the ACES flag, the layers that were not scaled, mipmap levels.
_STRUCTURAL_ATTRIBUTES = frozenset(
    {b"channels", b"chunkCount", b"compression", b"dataWindow", b"displayWindow", b"lineOrder"}
    | {b"name", b"tiles", b"type", b"version", b"maxSamplesPerPixel", b"dwaCompressionLevel"}
    | {b"acesImageContainerFlag", b"shotbridge/unscaledLayers", b"textureformat"}
    | {b"openexr:ACESContainerPolicy", b"oiio:miplevels"}
)

#: Compressions that treat samples by type: the bits of a uint declared as float would be lost.
_TYPE_DEPENDENT_COMPRESSIONS = ("pxr24", "dwaa", "dwab")


class RawAttribute(NamedTuple):
    """An attribute of a header, byte for byte."""

    name: bytes
    type: bytes
    value: bytes


class _AttributeLocation(NamedTuple):
    """An attribute in a file: ``start`` of all of it, ``offset`` of its value, in bytes."""

    name: bytes
    type: bytes
    start: int
    offset: int
    size: int


def prepare_spec(spec: Any, *, has_uint_as_float: bool) -> None:
    """Remove from an ImageSpec what OpenImageIO would write as claims that the file did not make.

    ``has_uint_as_float``: the part will go through :func:`retype_as_uint`; a compression that
    depends on the sample type is replaced by a lossless one.
    """
    if has_uint_as_float and spec.get_string_attribute("compression").startswith(
        _TYPE_DEPENDENT_COMPRESSIONS
    ):
        spec.attribute("compression", "zip")
    if spec.getattribute("colorInteropID") is None:
        spec.erase_attribute("oiio:ColorSpace")  # a guess, which would become a colorInteropID
    if not _may_be_aces_container(spec):
        spec.erase_attribute("acesImageContainerFlag")
    for name in _OIIO_ATTRIBUTES:
        spec.erase_attribute(name)


def retype_as_uint(path: Path, channels: Sequence[Sequence[str]]) -> None:
    """Declare these channels of each part, which were written as ``float``, as ``uint``."""
    if not any(channels):
        return
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        headers, _ = _read_headers(data)
        for header, names in zip(headers, channels, strict=True):
            uint_names = {name.encode() for name in names}
            at = next(entry for entry in header if entry.type == b"chlist").offset
            while data[at]:
                name, at = _read_string(data, at)
                if name in uint_names:
                    struct.pack_into("<i", data, at, _UINT)
                at += _CHANNEL_BYTES


def read_attributes(path: Path) -> list[tuple[RawAttribute, ...]]:
    """The attributes of each part's header, without those of the file's structure.

    :raises ValueError: the header is damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        headers, _ = _read_headers(data)
        return [
            tuple(
                RawAttribute(entry.name, entry.type, data[entry.offset : entry.offset + entry.size])
                for entry in header
                if entry.name not in _STRUCTURAL_ATTRIBUTES
            )
            for header in headers
        ]


def restore_attributes(path: Path, attributes: Sequence[Sequence[RawAttribute]]) -> None:
    """Set these attributes on each part, replacing those with the same names.

    Chunks move with the header's length, so their offsets are corrected. A file that already has
    all of the attributes is not changed.
    """
    if not any(attributes):
        return
    data = path.read_bytes()
    headers, end = _read_headers(data)
    flags = struct.unpack_from("<I", data, 4)[0]
    is_multi_part = bool(flags & _MULTI_PART)
    parts = []
    for header, replacements in zip(headers, attributes, strict=True):
        packed = {entry.name: data[entry.start : entry.offset + entry.size] for entry in header}
        for attribute in replacements:
            packed[attribute.name] = _pack_attribute(attribute)
            if max(len(attribute.name), len(attribute.type)) > _MAX_SHORT_NAME:
                flags |= _LONG_NAMES
        parts.append(b"".join(packed[name] for name in sorted(packed)) + b"\0")
    head = data[:4] + struct.pack("<I", flags) + b"".join(parts) + (b"\0" if is_multi_part else b"")
    if head == data[:end]:
        return
    table = _offset_table(data, end)
    moved = [offset + len(head) - end for offset in table]
    chunks = memoryview(data)[end + 8 * len(table) :]
    with path.open("wb") as file:
        file.write(head)
        file.write(struct.pack(f"<{len(moved)}Q", *moved))
        file.write(chunks)


def _offset_table(data: bytes, start: int) -> list[int]:
    """The offsets of all parts' chunks; the first chunk directly follows the tables."""
    first = len(data)
    table: list[int] = []
    while start + 8 * len(table) < first:
        table.append(struct.unpack_from("<Q", data, start + 8 * len(table))[0])
        first = min(first, table[-1])
    return table


def _pack_attribute(attribute: RawAttribute) -> bytes:
    size = struct.pack("<i", len(attribute.value))
    return attribute.name + b"\0" + attribute.type + b"\0" + size + attribute.value


def _may_be_aces_container(spec: Any) -> bool:
    """Whether the pixels conform to SMPTE ST 2065-4; otherwise OpenImageIO refuses the flag."""
    return (
        spec.get_string_attribute("compression") == "none"
        and set(spec.channelnames) in ({"R", "G", "B"}, {"R", "G", "B", "A"})
        and not spec.channelformats
        and str(spec.format) == "half"
    )


def _read_headers(data: bytes | mmap.mmap) -> tuple[list[list[_AttributeLocation]], int]:
    """The attributes of each part of an OpenEXR file, and where its headers end.

    :raises ValueError: the headers are cut off.
    """
    try:
        is_multi_part = bool(struct.unpack_from("<I", data, 4)[0] & _MULTI_PART)
        at = 8
        headers: list[list[_AttributeLocation]] = []
        while data[at]:
            header = []
            while data[at]:
                start = at
                name, at = _read_string(data, at)
                kind, at = _read_string(data, at)
                size = struct.unpack_from("<i", data, at)[0]
                at += 4
                if not 0 <= size <= len(data) - at:
                    raise ValueError(f"attribute {name!r} claims {size} bytes")
                header.append(_AttributeLocation(name, kind, start, at, size))
                at += size
            headers.append(header)
            at += 1
            if not is_multi_part:
                return headers, at
        return headers, at + 1
    except (IndexError, struct.error) as error:
        raise ValueError("the header is cut off") from error


def _read_string(data: bytes | mmap.mmap, at: int) -> tuple[bytes, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise ValueError("the header is cut off")
    return data[at:end], end + 1
