"""Pictures of other programs: preserved, or refused with a message that helps."""

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
from bridge_gateway.providers.base import ProviderTask
from bridge_gateway.providers.local.local_task import LocalTask
from bridge_gateway.providers.local.task_runner import LocalTaskRunner

Inputs = Callable[[str], Path]
Make = Callable[..., Path]

#: Attributes that the writer sets; all others are the plate's.
STRUCTURE = {"channels", "chunkCount", "compression", "dataWindow", "displayWindow", "lineOrder"}


def plate_of(
    path: Path, first: int = 1, last: int = 1, colour_space: str | None = "ACEScg"
) -> Plate:
    return Plate(path=str(path), range=FrameRange.of(first, last), colour_space=colour_space)


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Make]:
    """Make a service's frames as a model process does, and check them; returns the folder."""
    runner = LocalTaskRunner()
    settings = GatewaySettings(models_dir=models_dir)

    def run(
        plate: Plate,
        service: str = "round_trip",
        output_format: OutputFormat = OutputFormat.EXR,
        **parameters: Any,
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
            parameters={**defaults[service], **parameters},
            plate=plate,
            files=files,
            frames=frames,
            colour_space=plate.colour_space or "ACEScg",
            output_format=output_format,
            folder=tmp_path_factory.mktemp("task"),
        )
        result = runner.run(LocalTask.from_task(task, settings, threads=2), lambda frame: None)
        with PlateReader(plate, files) as reader:
            for output in result.outputs:
                check_output(task.folder, output, frames, plate=reader)
        return task.folder

    yield run


def test_a_headers_colour_space_is_read(case_input: Inputs) -> None:
    colour, folder = ColourManager(ColourSettings()), case_input("picture-colour-tagged")

    def resolved(name: str, colour_space: str | None = None) -> tuple[str, tuple[str, ...]]:
        plate = plate_of(folder / name, colour_space=colour_space)
        return colour.resolve_space(plate, probe(plate).colour_tag)

    assert resolved("interop.exr") == ("Linear Rec.709 (sRGB)", ())
    assert resolved("interop.exr", "lin_rec709") == ("Linear Rec.709 (sRGB)", ())
    space, [warning] = resolved("interop.exr", "ACEScg")
    assert space == "ACEScg"
    assert "lin_rec709_scene" in warning
    # Primaries do not define the curve, so the assumption is reported.
    space, [warning] = resolved("chromaticities_p3.exr")
    assert space == "Linear P3-D65"
    assert "P3-D65" in warning
    assert resolved("chromaticities_p3.exr", "Linear P3-D65") == ("Linear P3-D65", ())
    assert "P3-D65" in resolved("chromaticities_p3.exr", "ACEScg")[1][0]


def test_a_nan_of_the_plate_is_preserved(case_input: Inputs, make: Make) -> None:
    pattern = case_input("picture-nan") / "plate.%04d.exr"
    folder = make(plate_of(pattern, 1001, 1003))
    for frame in (1001, 1002, 1003):
        before = oiio.ImageBuf(str(pattern) % frame).get_pixels(oiio.FLOAT)
        after = oiio.ImageBuf(str(folder / f"main.{frame}.exr")).get_pixels(oiio.FLOAT)
        assert np.array_equal(before.view(np.uint32), after.view(np.uint32))
    assert np.isnan(after).sum() == 0
    assert np.isnan(oiio.ImageBuf(str(folder / "main.1002.exr")).getpixel(5, 5)[0])


@pytest.mark.parametrize("service", ["upscale", "matte"])
def test_a_model_refuses_a_nan_with_its_frame_and_pixel(
    case_input: Inputs, make: Make, service: str
) -> None:
    plate = plate_of(case_input("picture-nan") / "plate.%04d.exr", 1001, 1003)
    with pytest.raises(UnreadableMedia) as excinfo:
        make(plate, service)
    assert excinfo.value.details["frame"] == 1002
    assert "frame 1002" in excinfo.value.where
    assert excinfo.value.details["first"] == {"x": 5, "y": 5}


def test_a_nan_that_a_service_made_is_refused(case_input: Inputs, tmp_path: Path) -> None:
    """The result may have NaNs only at the pixels where the plate has them."""
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
        pytest.raises(MediaError, match=r"frame 1002: has 1 NaN .* first at x 6, y 6"),
    ):
        check_output(tmp_path, output, [1002], plate=reader)


@pytest.mark.parametrize(
    ("name", "reason"), [("short", "scanline chunks were missing"), ("empty", "it is empty")]
)
def test_a_damaged_frame_is_reported_by_its_own_name(
    case_input: Inputs, tmp_path: Path, name: str, reason: str
) -> None:
    """In the gateway, an uploaded file is named by its hash."""
    plate = plate_of(case_input("picture-damaged") / name / "plate.%04d.exr", 1001, 1003)
    stored = tmp_path / "832da39c06cc"
    stored.write_bytes(Path(plate.path_at(1002)).read_bytes())
    with PlateReader(plate, {1002: stored}) as reader, pytest.raises(UnreadableMedia) as excinfo:
        reader.read(1002)
    assert excinfo.value.message.startswith("plate.1002.exr cannot be read: ")
    assert reason in excinfo.value.message
    assert excinfo.value.where == f"{plate.path_at(1002)}, frame 1002"


def test_a_page_of_another_size_is_dropped_and_reported(case_input: Inputs, make: Make) -> None:
    path = case_input("picture-two-sizes") / "pages.tif"
    plate = plate_of(path, colour_space="sRGB - Texture")
    assert probe(plate).notes == ("ignored 1 page of another size than the first",)
    image = oiio.ImageBuf(str(make(plate) / "main.0001.exr"))
    assert (image.spec().width, image.spec().height, image.nsubimages) == (64, 36, 1)
    before = oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT)
    assert np.abs(image.get_pixels(oiio.FLOAT) - before).max() < 0.0005
    kept = make(plate, output_format=OutputFormat.PLATE) / "main.0001.tif"
    assert np.array_equal(oiio.ImageBuf(str(kept)).get_pixels(oiio.FLOAT), before)


def test_every_attribute_is_preserved(case_input: Inputs, make: Make) -> None:
    path = case_input("picture-attributes") / "plate.1001.exr"
    plate = plate_of(path, 1001, 1001)

    def attributes_of(file: Path) -> dict[str, tuple[str, bytes]]:
        return {
            name: (kind, value)
            for name, kind, value in exr_bytes.read_attributes(file)
            if name not in STRUCTURE
        }

    output = make(plate) / "main.1001.exr"
    assert attributes_of(output) == attributes_of(path)
    assert oiio.ImageBuf(str(output)).getpixel(5, 5)[0] == 0.5
    # A changed picture keeps all but the preview, which no longer matches.
    larger = attributes_of(make(plate, "upscale") / "main.1001.exr")
    expected = attributes_of(path)
    del expected["preview"]
    assert larger == expected


def test_the_beauty_is_the_picture_in_parts_and_in_channels(case_input: Inputs) -> None:
    for name in ("parts.exr", "channels.exr"):
        rgb = read_picture(case_input("picture-multi-part") / name).rgb()
        assert np.all(rgb == 0.75), name


def test_a_dpx_keeps_its_byte_order(case_input: Inputs, make: Make) -> None:
    plate = plate_of(case_input("picture-dpx-endian") / "plate.%04d.dpx", 1001, 1002, "ADX10")
    folder = make(plate, output_format=OutputFormat.PLATE)
    for frame, magic in ((1001, b"SDPX"), (1002, b"XPDS")):
        output = folder / f"main.{frame}.dpx"
        assert output.read_bytes()[:4] == magic
        before, after = (oiio.ImageBuf(str(p)) for p in (plate.path_at(frame), output))
        assert np.array_equal(before.get_pixels(oiio.UINT16), after.get_pixels(oiio.UINT16))


def test_cmyk_is_refused(case_input: Inputs) -> None:
    with pytest.raises(UnreadableMedia, match="its pixels are CMYK, not red, green and blue"):
        read_picture(case_input("picture-cmyk") / "separated.tif")


def test_a_cmyk_jpeg_is_refused(tmp_path: Path) -> None:
    """A baseline JPEG of four components: 8x8 pixels, all coefficients 0 (ITU-T T.81)."""

    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    one_code = bytes([1, *[0] * 15, 0])  # a table with a single code: one bit, 0, for the value 0
    components = b"".join(bytes([component, 0x11, 0]) for component in range(4))
    path = tmp_path / "ink.jpg"
    path.write_bytes(
        b"\xff\xd8"
        + segment(0xDB, bytes([0, *[1] * 64]))
        + segment(0xC0, struct.pack(">BHHB", 8, 8, 8, 4) + components)
        + segment(0xC4, b"\x00" + one_code)
        + segment(0xC4, b"\x10" + one_code)
        + segment(0xDA, b"\x04" + b"".join(bytes([c, 0]) for c in range(4)) + b"\x00\x3f\x00")
        + b"\x00"
        + b"\xff\xd9"
    )
    assert oiio.ImageInput.open(str(path)) is not None
    with pytest.raises(UnreadableMedia, match="its pixels are CMYK"):
        read_picture(path)


def test_a_picture_too_tall_for_a_jpeg_is_processed(case_input: Inputs, make: Make) -> None:
    folder = make(plate_of(case_input("picture-tall") / "tall.exr"))
    assert oiio.ImageBuf(str(folder / "main.0001.exr")).spec().height == 66000
    proxy = oiio.ImageBuf(str(folder / "proxies" / "0001.jpg")).spec()
    assert (proxy.width, proxy.height) == (1, 16384)


def test_a_gain_map_is_dropped_and_reported(case_input: Inputs, make: Make) -> None:
    folder = case_input("picture-gain-map")
    phone, plain = (
        plate_of(folder / n, colour_space="sRGB - Texture") for n in ("phone.jpg", "plain.jpg")
    )
    facts = probe(phone)
    assert (facts.depth, facts.channels) == ("uint8", ("R", "G", "B"))
    assert "gain map" in facts.notes[0]
    assert probe(plain).notes == ()
    for plate in (phone, plain):
        image = oiio.ImageBuf(str(make(plate) / "main.0001.exr"))
        assert image.nchannels == 3
        assert image.getpixel(20, 20) == pytest.approx((128 / 255,) * 3, abs=0.003)
    again = make(phone, output_format=OutputFormat.PLATE) / "main.0001.jpg"
    assert b"hdrgm" not in again.read_bytes()


def test_a_result_that_is_too_large_to_read_is_refused_first(tmp_path: Path, make: Make) -> None:
    spec = oiio.ImageSpec(4, 4, 3, "half")
    spec.full_width = spec.full_height = 12_000
    out = oiio.ImageOutput.create("openexr")
    path = tmp_path / "wide.exr"
    assert out.open(str(path), spec)
    assert out.write_image(np.full((4, 4, 3), 0.5, np.float16))
    out.close()
    with pytest.raises(InvalidRequest, match="the result would be 24000x24000"):
        make(plate_of(path), "upscale")


# Through the command line and a gateway


def test_colour_tags_and_warnings_reach_the_version(terminal: Terminal, case_input: Inputs) -> None:
    """The inputs are uploaded, since they are outside the gateway's media roots."""
    pages = case_input("picture-two-sizes") / "pages.tif"
    tagged = case_input("picture-colour-tagged") / "interop.exr"
    show = ("--show", "tags")
    terminal.run(
        *(*show, "send", str(pages), "--service", "round_trip"),
        *("--colour-space", "sRGB - Texture"),
    )
    terminal.run(*show, "send", str(tagged), "--service", "round_trip")
    versions = {one["shot"]["shot"]: one for one in terminal.json(*show, "versions")}
    assert "ignored 1 page" in versions["pages"]["warnings"][0]
    [output] = versions["interop"]["outputs"]
    assert output["colour_space"] == "Linear Rec.709 (sRGB)"


def test_unreadable_pictures_are_reported_before_work_begins(
    terminal: Terminal, case_input: Inputs
) -> None:
    cmyk = case_input("picture-cmyk") / "separated.tif"
    space = ("--colour-space", "sRGB - Texture")
    [job] = terminal.json("send", str(cmyk), "--service", "round_trip", *space, code=10)
    assert job["problem"]["code"] == "unreadable_media"
    assert job["problem"]["message"].startswith("separated.tif cannot be read: its pixels are CMYK")
    damaged = case_input("picture-damaged") / "empty" / "plate.%04d.exr"
    [job] = terminal.json("send", str(damaged), "--service", "round_trip", code=10)
    assert job["problem"]["message"] == "plate.1002.exr cannot be read: it is empty"
    assert job["problem"]["where"].endswith("plate.1002.exr, frame 1002")


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "uint8"), ("a.tif", "uint16")])
def test_a_rotated_picture_is_reported(tmp_path: Path, name: str, kind: str) -> None:
    for orientation in (1, 6):
        path = tmp_path / f"{orientation}{name}"
        picture(path, np.full((6, 8, 3), 0.5, np.float32), kind, Orientation=orientation)
        notes = " ".join(probe(path).notes)
        assert ("EXIF orientation 6" in notes) is (orientation == 6)


def test_integers_of_32_bits_are_refused(tmp_path: Path) -> None:
    """Read as linear values, they would be 4294967295 times too bright."""
    path = tmp_path / "wide.tif"
    spec = oiio.ImageSpec(8, 6, 3, oiio.UINT32)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.full((6, 8, 3), 0.5, np.float32))
    out.close()
    with pytest.raises(UnreadableMedia, match="samples of type uint are not supported"):
        probe(path)


def test_a_nan_in_the_alpha_is_refused_by_a_model(tmp_path: Path, make: Make) -> None:
    pixels = np.full((36, 64, 4), 0.5, np.float32)
    pixels[7, 9, 3] = np.nan
    path = picture(tmp_path / "plate.exr", pixels, "half")
    with pytest.raises(UnreadableMedia) as excinfo:
        make(plate_of(path), "upscale")
    assert excinfo.value.details["first"] == {"x": 9, "y": 7}
    assert make(plate_of(path)).is_dir()


def test_the_lost_last_alpha_of_some_dpx_lines_is_reported(tmp_path: Path) -> None:
    """Four samples of 10 bits, three per word: OpenImageIO skips the last word of a line."""
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


def test_luminance_and_chroma_are_reported_as_grey(tmp_path: Path) -> None:
    planes = {name: np.full((4, 4), 0.5, np.float16) for name in ("Y", "RY", "BY")}
    path = exr_bytes.write(tmp_path / "chroma.exr", exr_bytes.ExrPart(planes))
    assert "only Y is used" in probe(path).notes[0]
