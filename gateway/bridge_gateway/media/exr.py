"""What OpenEXR needs beside OpenImageIO: attributes that must not be made up, and uint channels.

OpenImageIO takes the samples of all channels in one type and scales integers, so it cannot write
``uint`` beside ``half`` or ``float`` exactly. Such channels are written as the same 32 bits under
the name of float, and the file's channel list is set right afterwards. The layout of headers is
that of "OpenEXR File Layout" (openexr.com), the channel list's that of its ``chlist`` type.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_UINT = 0
#: Type, linearity and sampling after each name in a channel list.
_CHANNEL_BYTES = 16
_MULTI_PART = 0x1000

#: Of the reader's own making, or orders to the writer that OpenImageIO leaves in files; the last
#: two would announce smaller levels that are not written.
_NOT_OURS = (
    "openexr:ACESContainerPolicy",
    "ResolutionUnit",
    "oiio:BitsPerSample",
    "oiio:subimages",
    "openexr:chunkCount",
    "oiio:miplevels",
    "textureformat",
)

#: These treat a sample by its type, so the bits of a uint under the name of float would be lost.
_BY_TYPE = ("pxr24", "dwaa", "dwab")


class Attribute(NamedTuple):
    name: str
    type: str
    offset: int
    """Of the value in the file, in bytes."""
    size: int


def prepare(spec: Any, *, retyped: bool) -> None:
    """Take from an ImageSpec what OpenImageIO would turn into claims that the file did not make.

    ``retyped``: the part will go through :func:`retype`; it gets a lossless compression if its
    own would not take that.
    """
    if retyped and spec.get_string_attribute("compression").startswith(_BY_TYPE):
        spec.attribute("compression", "zip")
    if spec.getattribute("colorInteropID") is None:
        spec.erase_attribute("oiio:ColorSpace")  # its guess becomes a colorInteropID
    if not _may_be_aces_container(spec):
        spec.erase_attribute("acesImageContainerFlag")
    for name in _NOT_OURS:
        spec.erase_attribute(name)


def retype(path: Path, channels: Sequence[Sequence[str]]) -> None:
    """Call these channels of each part ``uint`` that were written as ``float``."""
    if not any(channels):
        return
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for header, names in zip(read_headers(data), channels, strict=True):
            listed = next(attribute for attribute in header if attribute.type == "chlist")
            at = listed.offset
            while data[at]:
                name, at = _text(data, at)
                if name in names:
                    struct.pack_into("<i", data, at, _UINT)
                at += _CHANNEL_BYTES


def _may_be_aces_container(spec: Any) -> bool:
    """What SMPTE ST 2065-4 asks of the pixels; OpenImageIO refuses the flag on anything else."""
    return (
        spec.get_string_attribute("compression") == "none"
        and set(spec.channelnames) in ({"R", "G", "B"}, {"R", "G", "B", "A"})
        and not spec.channelformats
        and str(spec.format) == "half"
    )


def read_headers(data: bytes | mmap.mmap) -> Iterator[list[Attribute]]:
    """The attributes of each part of an OpenEXR file that begins with ``data``."""
    flags = struct.unpack_from("<I", data, 4)[0]
    at = 8
    while data[at]:
        header = []
        while data[at]:
            name, at = _text(data, at)
            kind, at = _text(data, at)
            size = struct.unpack_from("<i", data, at)[0]
            header.append(Attribute(name, kind, at + 4, size))
            at += 4 + size
        yield header
        at += 1
        if not flags & _MULTI_PART:
            return


def _text(data: bytes | mmap.mmap, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    return data[at:end].decode(), end + 1
