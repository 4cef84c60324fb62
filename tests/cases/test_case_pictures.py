"""Pictures as strangers write them: each comes back as it is, or is refused in words that help."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from case_inputs import exr_bytes
from case_inputs.builders import picture
from terminal import Terminal

from bridge_core.errors import InvalidRequest, MediaError, UnreadableMedia
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.settings import ColourSettings, GatewaySettings
from bridge_core.models.versions import ResultOutput
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.output_checks import check_output
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture
from bridge_gateway.media.plate_reader import PlateReader, probe
from bridge_gateway.providers.base import ProviderTask, TaskResult
from bridge_gateway.providers.local.local_task import LocalTask
from bridge_gateway.providers.local.task_runner import LocalTaskRunner

Inputs = Callable[[str], Path]
Make = Callable[..., TaskResult]

#: What a writer decides on; all else in a header is the plate's.
STRUCTURE = {"channels", "chunkCount", "compression", "dataWindow", "displayWindow", "lineOrder"}


def plate_of(path: Path, first: int = 1, last: int = 1, space: str | None = "ACEScg") -> Plate:
    return Plate(path=str(path), range=FrameRange.of(first, last), colour_space=space)


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Make]:
    """Make a service's frames as a model process does, and check them; gives the folder."""
    processor = LocalTaskRunner()
    settings = GatewaySettings(models_dir=models_dir)

    def run(
        plate: Plate,
        service: str = "round_trip",
        delivery: OutputFormat = OutputFormat.EXR,
        **more: Any,
    ) -> Path:
        frames = tuple(plate.range.frames())
        files = {frame: Path(plate.path_at(frame)) for frame in frames}
        defaults = {
            "round_trip": {"mode": "passthrough"},
            "upscale": {"model": "span"},
            "matte": {"threshold": 0.5, "softness": 1.0},
        }
        task = ProviderTask(
            job_id="job",
            service=service,
            parameters={**defaults[service], **more},
            plate=plate,
            files=files,
            frames=frames,
            colour_space=plate.colour_space or "ACEScg",
            output_format=delivery,
            folder=tmp_path_factory.mktemp("made"),
        )
        result = processor.run(LocalTask.from_task(task, settings, threads=2), lambda frame: None)
        with PlateReader(plate, files) as reader:
            for output in result.outputs:
                check_output(task.folder, output, frames, plate=reader)
        return task.folder

    yield run


def test_a_headers_colour_is_read(case_input: Inputs) -> None:
    colour, folder = ColourManager(ColourSettings()), case_input("picture-colour-told")

    def settled(name: str, space: str | None = None) -> tuple[str, tuple[str, ...]]:
        plate = plate_of(folder / name, space=space)
        return colour.resolve_space(plate, probe(plate).colour_tag)

    assert settled("interop.exr") == ("Linear Rec.709 (sRGB)", ())
    assert settled("interop.exr", "lin_rec709") == ("Linear Rec.709 (sRGB)", ())
    space, [warning] = settled("interop.exr", "ACEScg")
    assert space == "ACEScg"
    assert "lin_rec709_scene" in warning
    # Primaries say nothing of the curve, so it is told what was made of them.
    space, [warning] = settled("chromaticities_p3.exr")
    assert space == "Linear P3-D65"
    assert "P3-D65" in warning
    assert settled("chromaticities_p3.exr", "Linear P3-D65") == ("Linear P3-D65", ())
    assert "P3-D65" in settled("chromaticities_p3.exr", "ACEScg")[1][0]


def test_one_nan_stays_where_it_was(case_input: Inputs, make: Make) -> None:
    pattern = case_input("picture-nan") / "plate.%04d.exr"
    folder = make(plate_of(pattern, 1001, 1003))
    for frame in (1001, 1002, 1003):
        before = oiio.ImageBuf(str(pattern) % frame).get_pixels(oiio.FLOAT)
        after = oiio.ImageBuf(str(folder / f"main.{frame}.exr")).get_pixels(oiio.FLOAT)
        assert np.array_equal(before.view(np.uint32), after.view(np.uint32))
    assert np.isnan(after).sum() == 0
    assert np.isnan(oiio.ImageBuf(str(folder / "main.1002.exr")).getpixel(5, 5)[0])


@pytest.mark.parametrize("service", ["upscale", "matte"])
def test_a_network_that_meets_a_nan_names_frame_and_pixel(
    case_input: Inputs, make: Make, service: str
) -> None:
    plate = plate_of(case_input("picture-nan") / "plate.%04d.exr", 1001, 1003)
    with pytest.raises(UnreadableMedia) as excinfo:
        make(plate, service)
    assert excinfo.value.details["frame"] == 1002
    assert "frame 1002" in excinfo.value.where
    assert excinfo.value.details["first"] == {"x": 5, "y": 5}


def test_a_nan_that_a_service_made_is_refused(case_input: Inputs, tmp_path: Path) -> None:
    """Only what stands in the plate, in the same place, may stand in the result."""
    plate = plate_of(case_input("picture-nan") / "plate.%04d.exr", 1001, 1003)
    wrong = read_picture(Path(plate.path_at(1002)))
    rgb = wrong.rgb()
    rgb[6, 6, 1] = np.nan
    write_picture(tmp_path / "main.1002.exr", wrong.replace_rgb(rgb))
    output = ResultOutput(
        name="main",
        pattern="main.%04d.exr",
        range=FrameRange.of(1002, 1002),
        colour_space="ACEScg",
        width=64,
        height=36,
        channels=("R", "G", "B"),
        depth="float",
    )
    with (
        PlateReader(plate, {1002: Path(plate.path_at(1002))}) as reader,
        pytest.raises(MediaError, match=r"frame 1002: holds 1 NaN .* first at x 6, y 6"),
    ):
        check_output(tmp_path, output, [1002], plate=reader)


@pytest.mark.parametrize(
    ("name", "reason"), [("short", "scanline chunks were missing"), ("empty", "it is empty")]
)
def test_a_damaged_frame_goes_by_its_own_name(
    case_input: Inputs, tmp_path: Path, name: str, reason: str
) -> None:
    """What was sent by content has its hash for a name in the gateway."""
    plate = plate_of(case_input("picture-damaged") / name / "plate.%04d.exr", 1001, 1003)
    stored = tmp_path / "832da39c06cc"
    stored.write_bytes(Path(plate.path_at(1002)).read_bytes())
    with PlateReader(plate, {1002: stored}) as reader, pytest.raises(UnreadableMedia) as excinfo:
        reader.read(1002)
    assert excinfo.value.message.startswith("plate.1002.exr cannot be read: ")
    assert reason in excinfo.value.message
    assert excinfo.value.where == f"{plate.path_at(1002)}, frame 1002"


def test_a_page_of_another_size_is_left_and_said(case_input: Inputs, make: Make) -> None:
    path = case_input("picture-two-sizes") / "pages.tif"
    plate = plate_of(path, space="sRGB - Texture")
    assert probe(plate).notes == ("1 page was left behind, of another size than the first",)
    image = oiio.ImageBuf(str(make(plate) / "main.0001.exr"))
    assert (image.spec().width, image.spec().height, image.nsubimages) == (64, 36, 1)
    before = oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT)
    assert np.abs(image.get_pixels(oiio.FLOAT) - before).max() < 0.0005
    kept = make(plate, delivery=OutputFormat.PLATE) / "main.0001.tif"
    assert np.array_equal(oiio.ImageBuf(str(kept)).get_pixels(oiio.FLOAT), before)


def test_every_attribute_comes_back(case_input: Inputs, make: Make) -> None:
    path = case_input("picture-attributes") / "plate.1001.exr"
    plate = plate_of(path, 1001, 1001)

    def attributes_of(file: Path) -> dict[str, tuple[str, bytes]]:
        return {
            name: (kind, value)
            for name, kind, value in exr_bytes.read_attributes(file)
            if name not in STRUCTURE
        }

    made = make(plate) / "main.1001.exr"
    assert attributes_of(made) == attributes_of(path)
    assert oiio.ImageBuf(str(made)).getpixel(5, 5)[0] == 0.5
    # Another picture keeps all but the small one that no longer shows it.
    larger = attributes_of(make(plate, "upscale") / "main.1001.exr")
    assert larger == {name: one for name, one in attributes_of(path).items() if name != "preview"}


def test_the_beauty_is_the_picture_in_parts_and_in_channels(case_input: Inputs) -> None:
    for name in ("parts.exr", "channels.exr"):
        rgb = read_picture(case_input("picture-multi-part") / name).rgb()
        assert np.all(rgb == 0.75), name


def test_a_dpx_keeps_its_byte_order(case_input: Inputs, make: Make) -> None:
    plate = plate_of(case_input("picture-dpx-endian") / "plate.%04d.dpx", 1001, 1002, "ADX10")
    folder = make(plate, delivery=OutputFormat.PLATE)
    for frame, magic in ((1001, b"SDPX"), (1002, b"XPDS")):
        made = folder / f"main.{frame}.dpx"
        assert made.read_bytes()[:4] == magic
        before, after = (oiio.ImageBuf(str(p)) for p in (plate.path_at(frame), made))
        assert np.array_equal(before.get_pixels(oiio.UINT16), after.get_pixels(oiio.UINT16))


def test_ink_is_refused(case_input: Inputs) -> None:
    with pytest.raises(UnreadableMedia, match="its pixels are CMYK, not red, green and blue"):
        read_picture(case_input("picture-cmyk") / "separated.tif")


def test_the_ink_of_a_jpeg_is_refused(tmp_path: Path) -> None:
    """Baseline JPEG of four components, by hand: 8x8 pixels, all coefficients 0 (ITU-T T.81)."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    one_code = bytes([1, *[0] * 15, 0])  # a table with the one code 0, of one bit, for the value 0
    inks = b"".join(bytes([component, 0x11, 0]) for component in range(4))
    path = tmp_path / "ink.jpg"
    path.write_bytes(
        b"\xff\xd8"
        + segment(0xDB, bytes([0, *[1] * 64]))
        + segment(0xC0, struct.pack(">BHHB", 8, 8, 8, 4) + inks)
        + segment(0xC4, b"\x00" + one_code)
        + segment(0xC4, b"\x10" + one_code)
        + segment(0xDA, b"\x04" + b"".join(bytes([c, 0]) for c in range(4)) + b"\x00\x3f\x00")
        + b"\x00"
        + b"\xff\xd9"
    )
    assert oiio.ImageInput.open(str(path)) is not None
    with pytest.raises(UnreadableMedia, match="its pixels are CMYK"):
        read_picture(path)


def test_a_picture_too_tall_for_jpeg_comes_back(case_input: Inputs, make: Make) -> None:
    folder = make(plate_of(case_input("picture-tall") / "tall.exr"))
    assert oiio.ImageBuf(str(folder / "main.0001.exr")).spec().height == 66000
    proxy = oiio.ImageBuf(str(folder / "proxies" / "0001.jpg")).spec()
    assert (proxy.width, proxy.height) == (1, 16384)


def test_a_gain_map_is_left_and_said(case_input: Inputs, make: Make) -> None:
    folder = case_input("picture-gain-map")
    phone, plain = (
        plate_of(folder / n, space="sRGB - Texture") for n in ("phone.jpg", "plain.jpg")
    )
    facts = probe(phone)
    assert (facts.depth, facts.channels) == ("uint8", ("R", "G", "B"))
    assert "gain map" in facts.notes[0]
    assert probe(plain).notes == ()
    for plate in (phone, plain):
        image = oiio.ImageBuf(str(make(plate) / "main.0001.exr"))
        assert image.nchannels == 3
        assert image.getpixel(20, 20) == pytest.approx((128 / 255,) * 3, abs=0.003)
    again = make(phone, delivery=OutputFormat.PLATE) / "main.0001.jpg"
    assert b"hdrgm" not in again.read_bytes()


def test_a_result_that_nobody_could_read_is_refused_first(tmp_path: Path, make: Make) -> None:
    spec = oiio.ImageSpec(4, 4, 3, "half")
    spec.full_width = spec.full_height = 12_000
    out = oiio.ImageOutput.create("openexr")
    path = tmp_path / "wide.exr"
    assert out.open(str(path), spec)
    assert out.write_image(np.full((4, 4, 3), 0.5, np.float16))
    out.close()
    with pytest.raises(InvalidRequest, match="the result would be 24000x24000"):
        make(plate_of(path), "upscale")


# Through the whole bridge


def test_what_a_file_says_and_what_is_left_reaches_the_version(
    terminal: Terminal, case_input: Inputs
) -> None:
    """Sent by content, for these inputs lie outside the gateway's roots."""
    pages = case_input("picture-two-sizes") / "pages.tif"
    light = case_input("picture-colour-told") / "interop.exr"
    terminal.run(
        *("--show", "told", "send", str(pages), "--service", "round_trip"),
        *("--colour-space", "sRGB - Texture"),
    )
    terminal.run("--show", "told", "send", str(light), "--service", "round_trip")
    listed = terminal.json("--show", "told", "versions")
    versions = {one["shot"]["shot"]: one for one in listed}
    assert "left behind" in versions["pages"]["warnings"][0]
    [output] = versions["interop"]["outputs"]
    assert output["colour_space"] == "Linear Rec.709 (sRGB)"


def test_what_cannot_be_read_is_said_before_work_begins(
    terminal: Terminal, case_input: Inputs
) -> None:
    ink = case_input("picture-cmyk") / "separated.tif"
    space = ("--colour-space", "sRGB - Texture")
    [job] = terminal.json("send", str(ink), "--service", "round_trip", *space, code=10)
    assert job["problem"]["code"] == "unreadable_media"
    assert job["problem"]["what"].startswith("separated.tif cannot be read: its pixels are CMYK")
    damaged = case_input("picture-damaged") / "empty" / "plate.%04d.exr"
    [job] = terminal.json("send", str(damaged), "--service", "round_trip", code=10)
    assert job["problem"]["what"] == "plate.1002.exr cannot be read: it is empty"
    assert job["problem"]["where"].endswith("plate.1002.exr, frame 1002")


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "uint8"), ("a.tif", "uint16")])
def test_a_turned_picture_is_said(tmp_path: Path, name: str, kind: str) -> None:
    for orientation in (1, 6):
        path = tmp_path / f"{orientation}{name}"
        picture(path, np.full((6, 8, 3), 0.5, np.float32), kind, Orientation=orientation)
        notes = " ".join(probe(path).notes)
        assert ("EXIF orientation 6" in notes) is (orientation == 6)


def test_integers_of_32_bits_are_refused(tmp_path: Path) -> None:
    """As light they would be 4294967295 times too bright."""
    path = tmp_path / "wide.tif"
    spec = oiio.ImageSpec(8, 6, 3, oiio.UINT32)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.full((6, 8, 3), 0.5, np.float32))
    out.close()
    with pytest.raises(UnreadableMedia, match="samples of type uint are not supported"):
        probe(path)


def test_a_nan_in_the_alpha_is_found_before_it_spreads(tmp_path: Path, make: Make) -> None:
    pixels = np.full((36, 64, 4), 0.5, np.float32)
    pixels[7, 9, 3] = np.nan
    path = picture(tmp_path / "plate.exr", pixels, "half")
    with pytest.raises(UnreadableMedia) as excinfo:
        make(plate_of(path), "upscale")
    assert excinfo.value.details["first"] == {"x": 9, "y": 7}
    assert make(plate_of(path)).is_dir()


def test_the_last_alpha_of_some_dpx_lines_is_said_to_be_lost(tmp_path: Path) -> None:
    """Four samples of 10 bits, three in a word: OpenImageIO leaves the last word of a line."""
    for width in (6, 7):
        path = tmp_path / f"{width}.dpx"
        spec = oiio.ImageSpec(width, 4, 4, oiio.UINT16)
        spec.attribute("oiio:BitsPerSample", 10)
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), spec)
        assert out.write_image(np.full((4, width, 4), 0.5, np.float32))
        out.close()
        read = oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT)[:, -1, 3]
        assert bool(np.allclose(read, 0.5, atol=0.001)) is (width == 6)
        assert ("last column" in " ".join(probe(path).notes)) is (width == 7)


def test_luminance_and_chroma_are_said_to_be_grey(tmp_path: Path) -> None:
    planes = {name: np.full((4, 4), 0.5, np.float16) for name in ("Y", "RY", "BY")}
    path = exr_bytes.write(tmp_path / "chroma.exr", exr_bytes.ExrPart(planes))
    assert "only Y counts" in probe(path).notes[0]
