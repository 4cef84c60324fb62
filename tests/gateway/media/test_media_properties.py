"""Random small pictures, read and written again, compared with OpenImageIO's own reading.

A seed decides format, sample type, channels, windows, parts, tiles, compression, orientation,
byte order and attributes. ``make test-properties`` tries ten thousand of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from case_inputs import exr_bytes

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_gateway.media.picture import to_exr
from bridge_gateway.media.picture_reader import check_picture_header, read_for_proxy, read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.plate_reader import PlateReader, probe

EVERY_DAY, ALL = 60, 10_000

#: Attributes that the writer sets.
STRUCTURE = {"channels", "chunkCount", "compression", "dataWindow", "displayWindow", "lineOrder"}
STRUCTURE |= {"name", "tiles", "type", "version"}

Random = np.random.Generator


def chosen(random: Random, *of: Any) -> Any:
    return of[int(random.integers(len(of)))]


def samples(random: Random, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Random bits of the type, including negative, subnormal, infinite and NaN floats."""
    if kind in ("half", "float"):
        dtype = np.float16 if kind == "half" else np.float32
        values = (random.standard_normal(shape) * 10.0 ** random.integers(-4, 4, shape)).astype(
            dtype
        )
        odd = random.random(shape) < 0.03
        values[odd] = random.choice(
            np.array([0, -0.0, 65504, np.inf, -np.inf, np.nan], dtype), int(odd.sum())
        )
        return values
    dtype = {"uint8": np.uint8, "uint16": np.uint16, "uint": np.uint32}[kind]
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def header(random: Random, width: int, height: int, count: int, kind: str) -> Any:
    spec = oiio.ImageSpec(width, height, count, kind)
    if random.random() < 0.5:
        spec.attribute("Artist", "".join(map(chr, random.integers(33, 126, 12))))
    if random.random() < 0.5:
        spec.attribute("PixelAspectRatio", float(chosen(random, 1.0, 2.0, 0.5, 1.5)))
    return spec


def exr(random: Random, path: Path) -> None:
    """Parts with the same display window; all of them tiled, or none."""
    width, height = (int(side) for side in random.integers(1, 40, 2))
    count = chosen(random, 1, 1, 1, 2, 3)
    tiled = random.random() < 0.3
    specs, arrays = [], []
    aspect = float(chosen(random, 1.0, 2.0, 0.5, 1.5))  # as the display window, of all parts
    for index in range(count):
        names = chosen(
            random,
            ("R", "G", "B"),
            ("R", "G", "B", "A"),
            ("Y",),
            ("R", "G", "B", "A", "Z"),
            ("beauty.R", "beauty.G", "beauty.B", "N.X", "N.Y", "N.Z"),
        )
        kind = chosen(random, "half", "float")
        spec = header(random, width, height, len(names), kind)
        spec.channelnames = names
        spec.attribute("PixelAspectRatio", aspect)
        spec.attribute("compression", chosen(random, "none", "rle", "zip", "zips", "piz"))
        spec.x, spec.y = (int(at) for at in random.integers(-20, 20, 2))
        spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, 32, 18
        if tiled:
            spec.tile_width = spec.tile_height = 16
        if random.random() < 0.3:
            kinds = [chosen(random, "half", "float") for _ in names]
            if len(set(kinds)) > 1:
                spec.channelformats = tuple(kinds)
        if count > 1:
            spec.attribute(
                "oiio:subimagename", f"{chosen(random, 'beauty', 'part', 'view')}{index}"
            )
        if random.random() < 0.3:
            spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, (0x01020304, 7))
        specs.append(spec)
        arrays.append(samples(random, (height, width, len(names)), kind))
    out = oiio.ImageOutput.create("openexr")
    assert out.open(str(path), tuple(specs)), out.geterror()
    for index, (spec, array) in enumerate(zip(specs, arrays, strict=True)):
        assert index == 0 or out.open(str(path), spec, "AppendSubimage"), out.geterror()
        assert out.write_image(array), out.geterror()
    assert out.close()


def raw_exr(random: Random, path: Path) -> None:
    """Written without a library: uint channels, and attributes of unknown types."""
    width, height = (int(side) for side in random.integers(1, 40, 2))
    kinds = {"half": "half", "float": "float", "uint": "uint"}
    parts = []
    for index in range(chosen(random, 1, 2)):
        names = ["R", "G", "B", *(f"id{k}.I" for k in range(int(random.integers(0, 3))))]
        planes = {
            name: samples(
                random, (height, width), "half" if name in "RGB" else chosen(random, *kinds)
            )
            for name in names
        }
        extra_attributes = [
            (
                f"own{k}{'LongName' * int(random.integers(0, 5))}",
                chosen(random, "string", "org.example.blob", "bytes", "floatvector"),
                random.bytes(4 * int(random.integers(1, 9))),
            )
            for k in range(int(random.integers(0, 4)))
        ]
        extra_attributes = [
            (name, kind, struct.pack("<i", 0) + value if kind == "bytes" else value)
            for name, kind, value in extra_attributes
        ]
        parts.append(exr_bytes.ExrPart(planes, extra_attributes, name=f"part{index}"))
    exr_bytes.write(path, *parts)


def integers(random: Random, path: Path) -> None:
    """DPX, TIFF, PNG or JPEG of every depth that OpenImageIO writes."""
    width, height = (int(side) for side in random.integers(1, 40, 2))
    suffix = path.suffix
    count = chosen(random, *{".dpx": (3, 4, 1), ".jpg": (3, 1)}.get(suffix, (1, 3, 4)))
    depths = {".dpx": (8, 10, 12, 16), ".tif": (8, 16, 32), ".png": (8, 16), ".jpg": (8,)}
    bits = int(chosen(random, *depths[suffix]))
    if suffix == ".dpx" and (count, bits) == (4, 10):
        # Three samples fill a word. OpenImageIO 3.2 reads the last sample of a line that does not
        # fill its last word from beyond the line, with undefined values.
        width += -width % 3
    kind = {8: "uint8", 32: "float"}.get(bits, "uint16")
    spec = header(random, width, height, count, kind)
    array = samples(random, (height, width, count), kind)
    if bits not in (8, 16, 32):
        spec.attribute("oiio:BitsPerSample", bits)
        codes = array >> (16 - bits)
        array = (codes << (16 - bits)) | (codes >> (2 * bits - 16))
    if suffix == ".dpx":
        spec.attribute("oiio:Endian", chosen(random, "big", "little"))
    if random.random() < 0.4:
        spec.attribute("Orientation", int(random.integers(1, 9)))
    if suffix == ".tif":
        spec.attribute("compression", chosen(random, "none", "lzw", "zip"))
        if random.random() < 0.3:
            spec.tile_width = spec.tile_height = 16
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(array), out.geterror()
    assert out.close()


KINDS: tuple[tuple[str, Callable[[Random, Path], None]], ...] = (
    ("exr", exr),
    ("exr", raw_exr),
    ("dpx", integers),
    ("tif", integers),
    ("png", integers),
    ("jpg", integers),
)


def oiio_content(path: Path) -> list[dict[str, Any]]:
    """OpenImageIO's content of each part, including pixels, at native depth."""
    wishes = oiio.ImageSpec()
    wishes.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), wishes)
    assert source is not None, oiio.geterror()
    parts = []
    while source.seek_subimage(len(parts), 0):
        spec = source.spec()
        kinds = [str(kind) for kind in spec.channelformats] or [str(spec.format)] * spec.nchannels
        planes = [
            source.read_image(len(parts), 0, c, c + 1, kind).tobytes()
            for c, kind in enumerate(kinds)
        ]
        parts.append(
            {
                "channels": tuple(spec.channelnames),
                "kinds": kinds,
                "data": (spec.x, spec.y, spec.width, spec.height),
                "display": (spec.full_x, spec.full_y, spec.full_width, spec.full_height),
                "bits": spec.get_int_attribute("oiio:BitsPerSample"),
                "orientation": spec.get_int_attribute("Orientation", 1),
                "aspect": spec.get_float_attribute("PixelAspectRatio", 1.0),
                "artist": spec.get_string_attribute("Artist"),
                "timecode": spec.getattribute("smpte:TimeCode"),
                "tile": (spec.tile_width, spec.tile_height),
                "part": spec.get_string_attribute("oiio:subimagename"),
                "compression": spec.get_string_attribute("compression"),
                "planes": planes,
            }
        )
    source.close()
    return parts


def attributes(path: Path) -> list[exr_bytes.Attribute]:
    return sorted(a for a in exr_bytes.read_attributes(path) if a[0] not in STRUCTURE)


def check_against_oiio(seed: int, folder: Path) -> None:
    random = np.random.default_rng(seed)
    suffix, write = KINDS[seed % len(KINDS)]
    path = folder / f"{seed}.0001.{suffix}"
    write(random, path)
    before = oiio_content(path)

    check_picture_header(path)
    plate = Plate(path=str(path), range=FrameRange.of(1, 1))
    with PlateReader(plate, {1: path}) as reader:
        picture = reader.read(1)
    main = before[picture.parts.index(picture.main_part)]
    facts = probe(path)
    assert (facts.width, facts.height) == main["display"][2:]
    assert facts.pixel_aspect == main["aspect"]
    assert facts.channels == main["channels"]
    turned = main["orientation"] > 1 and suffix != "exr"
    assert len(facts.notes) == turned and all("EXIF orientation" in note for note in facts.notes)
    assert np.array_equal(read_for_proxy(path).rgb(), picture.rgb(), equal_nan=True)

    copy = folder / f"{seed}.copy.{suffix}"
    write_picture(copy, picture)
    after = oiio_content(copy)
    if suffix == "jpg":  # lossy: writing again changes values
        for part in (*before, *after):
            del part["planes"]
    if suffix == "dpx" and before[0]["orientation"] > 4:
        # OpenImageIO returns the size as displayed, and the pixels as stored.
        assert picture.rgb().shape[1::-1] == before[0]["display"][2:]
    assert after == before
    if suffix == "exr":
        assert attributes(copy) == attributes(path)
    if suffix == "dpx":
        assert copy.read_bytes()[:4] == path.read_bytes()[:4]

    light = to_exr(picture)
    light_path = folder / f"{seed}.light.exr"
    if len({spec.header.tile_width for spec in light.parts}) == 1:
        write_picture(light_path, light, compression="zip")
        seen = read_picture(light_path).rgb()
        exact = picture.rgb()
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            close = np.abs(seen - exact) <= np.float32(0.0005)
        assert np.all(close | (seen == exact) | (np.isnan(seen) & np.isnan(exact)))
    for made in folder.iterdir():
        made.unlink()


def test_random_pictures_match_openimageio(tmp_path: Path) -> None:
    for seed in range(EVERY_DAY):
        check_against_oiio(seed, tmp_path)


@pytest.mark.properties
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("hundred", range(EVERY_DAY // 100, ALL // 100))
def test_ten_thousand_pictures_match_openimageio(tmp_path: Path, hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        check_against_oiio(seed, tmp_path)
