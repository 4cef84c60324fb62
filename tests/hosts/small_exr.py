"""Writes EXR files without a library, since the Pythons of hosts have none."""

from __future__ import annotations

import struct


def exr(colour: tuple[float, float, float], size: tuple[int, int]) -> bytes:
    """An uncompressed half-float EXR of one colour (see "OpenEXR File Layout", openexr.com)."""
    width, height = size

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(value)) + value

    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channels = b"".join(
        name + b"\0" + struct.pack("<4i", 1, 0, 1, 1) for name in (b"B", b"G", b"R")
    )
    head = struct.pack("<2i", 20000630, 2)
    head += attribute("channels", "chlist", channels + b"\0")
    head += attribute("compression", "compression", b"\0")
    head += attribute("dataWindow", "box2i", window) + attribute("displayWindow", "box2i", window)
    head += attribute("lineOrder", "lineOrder", b"\0")
    head += attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    head += attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0))
    head += attribute("screenWindowWidth", "float", struct.pack("<f", 1)) + b"\0"
    line = b"".join(struct.pack("<e", value) * width for value in reversed(colour))
    start, step = len(head) + 8 * height, 8 + len(line)
    table = struct.pack(f"<{height}q", *(start + step * y for y in range(height)))
    lines = (struct.pack("<2i", y, len(line)) + line for y in range(height))
    return head + table + b"".join(lines)
