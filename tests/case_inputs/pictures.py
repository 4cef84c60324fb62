"""Picture inputs: metadata, damage, unusual sizes, names."""

from __future__ import annotations

import struct
import unicodedata
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from case_inputs import exr_bytes
from case_inputs.builders import (
    HEIGHT,
    WIDTH,
    case,
    clip,
    cut,
    frames,
    numbered_bars,
    picture,
    sequence,
    span,
)


def _grey(value: float, width: int = WIDTH, height: int = HEIGHT) -> dict[str, np.ndarray]:
    return {name: np.full((height, width), value, np.float16) for name in "RGB"}


@case
def picture_colour_tagged(out: Path) -> None:
    """EXRs with their colour space in the header, in two ways; saturated Rec.709 red and green."""
    colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    colour[...] = (0.6, 0.1, 0.05)
    picture(out / "interop.exr", colour, "half", "RGB", oiio__ColorSpace="lin_rec709_scene")
    planes = {name: colour[..., k].astype(np.float16) for k, name in enumerate("RGB")}
    p3 = struct.pack("<8f", 0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290)
    exr_bytes.write(
        out / "chromaticities_p3.exr",
        exr_bytes.ExrPart(planes, [("chromaticities", "chromaticities", p3)]),
    )


@case
def picture_nan(out: Path) -> None:
    """Three frames; the second has one NaN pixel, as renderers may write it."""
    for number in (1001, 1002, 1003):
        pixels = numbered_bars(number)
        if number == 1002:
            pixels[5, 5, 0] = np.nan
        picture(out / f"plate.{number}.exr", pixels)


@case
def picture_damaged(out: Path) -> None:
    """Three frames; the second is truncated (``short``) or empty (``empty``)."""
    for name in ("short", "empty"):
        frames(out / name, "plate.%04d.exr", (1001, 1002, 1003))
        path = out / name / "plate.1002.exr"
        path.write_bytes(path.read_bytes()[:-64] if name == "short" else b"")


@case
def picture_two_sizes(out: Path) -> None:
    """A TIFF of two pages: 64x36, and a smaller picture of 32x18 after it."""
    path = out / "pages.tif"
    writer = oiio.ImageOutput.create(str(path))
    for mode, size in (("Create", (WIDTH, HEIGHT)), ("AppendSubimage", (WIDTH // 2, HEIGHT // 2))):
        spec = oiio.ImageSpec(*size, 3, "uint8")
        if not (writer.open(str(path), spec, mode) and writer.write_image(numbered_bars(7, *size))):
            raise RuntimeError(writer.geterror())
    writer.close()


@case
def picture_names_decomposed(out: Path) -> None:
    """A name that is composed (NFC) in the cut, decomposed (NFD) on disk, as copied from macOS."""
    name = "caf\u00e9."
    frames(out / "plate", unicodedata.normalize("NFD", name) + "%04d.exr", range(1001, 1011))
    cut(
        out / "cut.otio",
        clip("sh010", sequence(out / "plate", name, available=span(1001, 10)), span(1003, 6)),
    )


def _strings(*texts: str) -> bytes:
    return b"".join(struct.pack("<i", len(text)) + text.encode() for text in texts)


@case
def picture_attributes(out: Path) -> None:
    """An EXR with an attribute of every type of the format; all have to be preserved."""
    pack = struct.pack
    attributes = [
        ("aBox", "box2f", pack("<4f", 0, 1, 2, 3)),
        ("aDouble", "double", pack("<d", 0.1)),
        ("aMatrix", "m44f", pack("<16f", *range(16))),
        ("aRate", "rational", pack("<iI", 24000, 1001)),
        ("aVector", "v3f", pack("<3f", 1, 2, 3)),
        ("words", "stringvector", _strings("left", "right")),
        ("numbers", "floatvector", pack("<3f", 1, 2, 3)),
        ("moreNumbers", "floatvector", pack("<5f", 1, 2, 3, 4, 5)),
        ("nothing", "string", b""),
        ("envmap", "envmap", b"\0"),
        ("preview", "preview", pack("<II", 2, 2) + bytes(range(16))),
        ("blob", "org.example.blob", b"\1\2\3\4"),
        ("raw", "bytes", pack("<i", 0) + b"abcd"),
        ("timeCode", "timecode", pack("<II", 0x01020304, 0)),
        ("keyCode", "keycode", pack("<7i", 12, 34, 123456, 1234, 5, 4, 64)),
    ]
    exr_bytes.write(out / "plate.1001.exr", exr_bytes.ExrPart(_grey(0.5), attributes))


@case
def picture_multi_part(out: Path) -> None:
    """The same layers as parts and as channels: AO (0.25) comes before Combined (0.75)."""
    low, high = _grey(0.25), _grey(0.75)
    exr_bytes.write(
        out / "parts.exr",
        exr_bytes.ExrPart(
            {f"AO.{name}": plane for name, plane in low.items()}, name="ViewLayer.AO"
        ),
        exr_bytes.ExrPart(
            {f"Combined.{name}": plane for name, plane in high.items()}, name="ViewLayer.Combined"
        ),
    )
    exr_bytes.write(
        out / "channels.exr",
        exr_bytes.ExrPart(
            {
                **{f"ViewLayer.AO.{name}": plane for name, plane in low.items()},
                **{f"ViewLayer.Combined.{name}": plane for name, plane in high.items()},
            }
        ),
    )


@case
def picture_negative_numbers(out: Path) -> None:
    """Frames -2 to 2, with the sign before four digits, as Houdini and OTIO write it."""
    for number in range(-2, 3):
        sign = "-" if number < 0 else ""
        picture(out / "plate" / f"plate.{sign}{abs(number):04d}.exr", numbered_bars(number))
    cut(
        out / "cut.otio",
        clip("sh010", sequence("plate/", first=-2, available=span(0, 5)), span(0, 5)),
    )


@case
def picture_dpx_endian(out: Path) -> None:
    """DPX files of 10 bits, one big-endian, as scanners write, and one little-endian."""
    picture(
        out / "plate.1001.dpx",
        numbered_bars(1001),
        "uint16",
        oiio__BitsPerSample=10,
        oiio__Endian="big",
    )
    picture(
        out / "plate.1002.dpx",
        numbered_bars(1002),
        "uint16",
        oiio__BitsPerSample=10,
        oiio__Endian="little",
    )


@case
def picture_cmyk(out: Path) -> None:
    """A CMYK TIFF of 16 bits per channel: 0.1, 0.2, 0.3 and 0.4 of ink.

    Written byte by byte (TIFF 6.0, section 16): OpenImageIO writes CMYK in 8 bits only.
    """
    ink = np.empty((HEIGHT, WIDTH, 4), "<u2")
    ink[...] = np.rint(np.array((0.1, 0.2, 0.3, 0.4)) * 65535)
    data = ink.tobytes()
    bits = 8 + len(data)
    entries = [  # tag, type (3 short, 4 long), count, value
        (256, 3, 1, WIDTH),
        (257, 3, 1, HEIGHT),
        (258, 3, 4, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 5),
        (273, 4, 1, 8),
        (277, 3, 1, 4),
        (278, 3, 1, HEIGHT),
        (279, 4, 1, len(data)),
        (284, 3, 1, 1),
    ]
    listed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", bits + 8)
    directory = struct.pack("<H", len(entries)) + listed + struct.pack("<I", 0)
    (out / "separated.tif").write_bytes(head + data + struct.pack("<4H", *[16] * 4) + directory)


@case
def picture_tall(out: Path) -> None:
    """An EXR of 1 x 66000 pixels, taller than a JPEG, and so a proxy, can be."""
    exr_bytes.write(out / "tall.exr", exr_bytes.ExrPart(_grey(0.5, 1, 66000)))


_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_RDF = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"{}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
_ITEM = (
    '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{}" '
    'Item:Mime="image/jpeg"{}/></rdf:li>'
)


def _jpeg(folder: Path, value: int, size: tuple[int, int], properties: str) -> bytes:
    """A flat grey JPEG with an XMP packet right after its first marker."""
    path = picture(folder / "part.jpg", np.full((size[1], size[0], 3), value, np.uint8), "uint8")
    data = path.read_bytes()
    path.unlink()
    packet = _XMP + _RDF.format(properties).encode()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet + data[2:]


@case
def picture_gain_map(out: Path) -> None:
    """A JPEG with a gain map, as phones write it: base 128 everywhere, up to 2 stops more.

    The map is flat as well (255), so with the map, the linear picture is 4 times as bright.
    """
    gain = _jpeg(
        out,
        255,
        (WIDTH // 2, HEIGHT // 2),
        ' hdrgm:GainMapMin="0" hdrgm:GainMapMax="2" hdrgm:Gamma="1" hdrgm:OffsetSDR="0.015625" '
        'hdrgm:OffsetHDR="0.015625" hdrgm:HDRCapacityMin="0" hdrgm:HDRCapacityMax="2" '
        'hdrgm:BaseRenditionIsHDR="False">',
    )
    items = _ITEM.format("Primary", "") + _ITEM.format("GainMap", f' Item:Length="{len(gain)}"')
    base = _jpeg(
        out,
        128,
        (WIDTH, HEIGHT),
        ' xmlns:Container="http://ns.google.com/photos/1.0/container/" '
        'xmlns:Item="http://ns.google.com/photos/1.0/container/item/">'
        f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>",
    )
    (out / "phone.jpg").write_bytes(base + gain)
    picture(out / "plain.jpg", np.full((HEIGHT, WIDTH, 3), 128, np.uint8), "uint8")
