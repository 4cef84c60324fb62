"""Pictures are written as they were read, in every supported format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
import synthetic_media as synthetic
from synthetic_media import SyntheticLayer

from bridge_core.errors import InvalidRequest
from bridge_gateway.media.picture import Picture, make_picture, to_exr
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture

LOSSLESS = ("none", "rle", "zips", "zip", "piz")
RGBA = dict.fromkeys("RGBA", "half")
#: One attribute of each type in OpenEXR files.
METADATA = {
    "smpte:TimeCode": (oiio.TypeTimeCode, (0x01234512, 7)),
    "smpte:KeyCode": (oiio.TypeKeyCode, (1, 2, 3, 4, 5, 4, 64)),
    "framesPerSecond": (oiio.TypeRational, (24000, 1001)),
    "PixelAspectRatio": 2.0,
    "chromaticities": (
        oiio.TypeDesc("float[8]"),
        (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767),
    ),
    "worldToCamera": (oiio.TypeMatrix44, tuple(float(i) for i in range(16))),
    "cameraModel": "Kamera ß",
    "nuke/node_hash": "9f3a",
    "lens": (oiio.TypeVector2, (32.0, 1.4)),
    "take": 3,
    "speed": 0.5,
    "ocio": (oiio.TypeDesc("string[2]"), ("a", "b")),
    "DateTime": "2020:01:02 03:04:05",
    "ImageDescription": "plate",
    "Software": "Camera 1.2",
}
#: Nothing in the pixels or for a reader; OpenImageIO leaves it out where there is one part only.
NOT_KEPT = {"type"}


def read_write_read(path: Path) -> tuple[Picture, Picture, Path]:
    """A picture, the same picture after writing and reading, and the written file."""
    first = read_picture(path)
    copy = path.with_name(f"copy{path.suffix}")
    write_picture(copy, first)
    return first, read_picture(copy), copy


def check_same(one: Picture, two: Picture) -> bool:
    assert len(one.parts) == len(two.parts)
    for a, b in zip(one.parts, two.parts, strict=True):
        assert (a.name, a.channels, a.sample_types) == (b.name, b.channels, b.sample_types)
        assert (a.data_window, a.display_window) == (b.data_window, b.display_window)
        assert a.pixels.dtype == b.pixels.dtype
        if a.pixels.tobytes() != b.pixels.tobytes():
            return False
    return True


@pytest.mark.parametrize("compression", LOSSLESS)
@pytest.mark.parametrize("kind", ["half", "float", "uint"])
def test_exr_returns_bit_for_bit(tmp_path: Path, compression: str, kind: str) -> None:
    path = tmp_path / "plate.exr"
    (samples,) = synthetic.write_exr(
        path, [SyntheticLayer(dict.fromkeys("RGBA", kind), compression=compression)]
    )
    first, second, copy = read_write_read(path)
    for index, name in enumerate(first.main_part.channels):
        assert first.main_part.pixels[..., index].tobytes() == samples[name].tobytes()
    assert check_same(first, second)
    assert (
        synthetic.exr_attributes(copy)[0]["compression"]
        == (synthetic.exr_attributes(path)[0]["compression"])
    )


def test_every_half_value_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "all.exr"
    synthetic.write_exr(path, [SyntheticLayer(RGBA)], (0, 0, 128, 128))
    picture = read_picture(path)
    bits = np.arange(1 << 16, dtype=np.uint16).reshape(128, 128, 4)
    every = replace(picture.main_part, pixels=bits.view(np.float16))
    write_picture(path, Picture((every,), "openexr"))
    assert (read_picture(path).main_part.pixels.view(np.uint16) == bits).all()


@pytest.mark.parametrize("compression", ["dwaa", "dwab", "b44", "b44a", "pxr24"])
def test_lossy_exr_keeps_its_compression(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(
        path, [SyntheticLayer(dict.fromkeys("RGB", "half"), compression=compression)]
    )
    smooth = read_picture(path).replace_rgb(synthetic.gradient())
    write_picture(path, smooth)
    first, second, copy = read_write_read(path)
    assert (
        synthetic.exr_attributes(copy)[0]["compression"]
        == (synthetic.exr_attributes(path)[0]["compression"])
    )
    assert np.abs(first.rgb() - second.rgb()).max() < 0.02


def test_another_compression_can_be_requested(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(path, [SyntheticLayer(RGBA, compression="none")])
    write_picture(path, read_picture(path), compression="piz")
    assert synthetic.exr_attributes(path)[0]["compression"] == ("compression", b"\4")


@pytest.mark.parametrize("tile", [0, 16])
def test_parts_layers_windows_and_types(tmp_path: Path, tile: int) -> None:
    path = tmp_path / "comp.exr"
    layers = [
        SyntheticLayer(
            {**RGBA, "diffuse.R": "half", "Z": "float"}, name="rgba", compression="piz", tile=tile
        ),
        SyntheticLayer(
            {"Z": "float"}, name="depth", window=(-3, 5, 20, 10), compression="zips", tile=tile
        ),
        SyntheticLayer(
            {"id": "uint"}, name="ids", window=(60, 40, 30, 30), compression="rle", tile=tile
        ),
    ]
    samples = synthetic.write_exr(path, layers, (0, 0, 64, 48))
    first, second, copy = read_write_read(path)
    assert check_same(first, second)
    assert [part.name for part in first.parts] == ["rgba", "depth", "ids"]
    assert first.parts[2].pixels[..., 0].tobytes() == samples[2]["id"].tobytes()
    assert synthetic.exr_attributes(copy) == synthetic.exr_attributes(path)


def test_tiled_and_untiled_parts_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(
        path, [SyntheticLayer(RGBA, name="a"), SyntheticLayer({"Z": "float"}, name="b")]
    )
    picture = read_picture(path)
    picture.main_part.header.tile_width = picture.main_part.header.tile_height = 16
    write_picture(path, picture)
    assert check_same(picture, read_picture(path))


def test_a_texture_becomes_a_plain_picture(tmp_path: Path) -> None:
    path = tmp_path / "texture.exr"
    buffer = oiio.ImageBuf(oiio.ImageSpec(64, 48, 3, "half"))
    assert oiio.ImageBufAlgo.make_texture(oiio.MakeTxTexture, buffer, str(path))
    first, second, copy = read_write_read(path)
    assert check_same(first, second)
    assert first.notes == ("its mipmap levels were not read",)
    assert second.notes == ()
    source = oiio.ImageInput.open(str(copy))
    assert not source.seek_subimage(0, 1), "a smaller level is announced"
    source.geterror()


def test_half_float_and_uint_in_one_part(tmp_path: Path) -> None:
    path = tmp_path / "ids.exr"
    rng = np.random.default_rng(3)
    planes = {name: synthetic.wild_halves(9, 13, 1, i)[..., 0] for i, name in enumerate("RGBA")}
    planes["Z"] = rng.normal(size=(9, 13)).astype(np.float32)
    planes["id"] = rng.integers(0, 1 << 32, (9, 13), np.uint32)
    planes["R2"] = rng.integers(0, 1 << 32, (9, 13), np.uint32)
    synthetic.write_raw_exr(path, planes)
    for compression in ("none", "zip", "piz", "pxr24", "dwaa", "b44"):
        picture = read_picture(path)
        copy = tmp_path / f"{compression}.exr"
        write_picture(copy, picture, compression=compression)
        back = read_picture(copy)
        kinds = dict(zip(back.main_part.channels, back.main_part.sample_types, strict=True))
        assert kinds == {**dict.fromkeys("RGBA", "half"), "Z": "float", "id": "uint", "R2": "uint"}
        for index, name in enumerate(back.main_part.channels):
            plane = back.main_part.pixels[..., index].astype(planes[name].dtype)
            if name in ("id", "R2") or compression in ("none", "zip", "piz"):
                assert np.array_equal(plane, planes[name], equal_nan=plane.dtype != np.uint32), name


def test_metadata_is_kept_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(path, [SyntheticLayer(RGBA, attributes=METADATA)], (-10, -4, 64, 48))
    first, _, copy = read_write_read(path)
    before, after = synthetic.exr_attributes(path)[0], synthetic.exr_attributes(copy)[0]
    assert {k: v for k, v in before.items() if k not in NOT_KEPT} == after
    assert first.timecode == "01:23:45:12"
    assert first.pixel_aspect == 2.0


def test_nothing_is_added_to_the_header(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_raw_exr(path, {name: np.zeros((4, 4), np.float16) for name in "RGB"})
    _, _, copy = read_write_read(path)
    assert synthetic.exr_attributes(copy)[0] == synthetic.exr_attributes(path)[0]


def test_the_aces_container_flag_is_kept_only_where_valid(tmp_path: Path) -> None:
    path = tmp_path / "aces.exr"
    aces = {"openexr:ACESContainerPolicy": "strict"}
    synthetic.write_exr(
        path, [SyntheticLayer(dict.fromkeys("RGB", "half"), compression="none", attributes=aces)]
    )
    first, _, copy = read_write_read(path)
    assert synthetic.exr_attributes(copy)[0]["acesImageContainerFlag"] == ("int", b"\1\0\0\0")
    write_picture(copy, first, compression="zip")
    assert "acesImageContainerFlag" not in synthetic.exr_attributes(copy)[0]


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_dpx_codes_are_kept(tmp_path: Path, bits: int) -> None:
    path = tmp_path / f"scan_{bits}.dpx"
    rng = np.random.default_rng(bits)
    codes = rng.integers(0, 1 << bits, (48, 64, 3), np.uint16)
    codes.reshape(-1)[: 1 << min(bits, 12)] = np.arange(1 << min(bits, 12))
    if bits == 8:
        synthetic.write_plain(path, codes.astype(np.uint8))
    else:
        low = 16 - bits
        wide = (codes << low) | (codes >> (bits - low)) if low else codes
        synthetic.write_plain(path, wide, oiio__BitsPerSample=bits)
    first, second, _ = read_write_read(path)
    assert first.depth == f"uint{bits}"
    assert check_same(first, second)
    rgb = first.rgb()
    assert np.array_equal(np.rint(rgb * ((1 << bits) - 1)).astype(np.uint16), codes)
    assert check_same(first, first.replace_rgb(rgb))


@pytest.mark.parametrize("suffix", ["tif", "png"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiff_and_png_are_kept(tmp_path: Path, suffix: str, kind: type, channels: int) -> None:
    path = tmp_path / f"still.{suffix}"
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, np.iinfo(kind).max + 1, (24, 32, channels), dtype=kind)
    synthetic.write_plain(path, pixels, oiio__UnassociatedAlpha=1)
    first, second, _ = read_write_read(path)
    assert (first.main_part.pixels == pixels).all(), "colours were multiplied by alpha"
    assert check_same(first, second)
    assert first.rgb().shape == (24, 32, 3)
    assert (first.alpha() is not None) == (channels == 4)


@pytest.mark.parametrize("compression", ["none", "lzw", "zip"])
def test_float_tiff_is_kept(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "float.tif"
    pixels = np.random.default_rng(0).normal(0, 10, (24, 32, 3)).astype(np.float32)
    synthetic.write_plain(path, pixels, compression=compression)
    first, second, _ = read_write_read(path)
    assert (first.rgb() == pixels).all()
    assert check_same(first, second)


def test_pages_of_a_tiff_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "pages.exr"
    synthetic.write_exr(
        path, [SyntheticLayer(RGBA, name="a"), SyntheticLayer({"Z": "float"}, name="b")]
    )
    pages = read_picture(path)
    write_picture(tmp_path / "pages.tif", pages)
    result = read_picture(tmp_path / "pages.tif")
    assert [part.pixels.tobytes() for part in result.parts] == (
        [part.pixels.tobytes() for part in pages.parts]
    )


def test_jpeg_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "reference.jpg"
    synthetic.write_plain(path, (synthetic.gradient() * 255).astype(np.uint8))
    first, second, _ = read_write_read(path)
    assert first.depth == "uint8"
    assert np.abs(first.rgb() - second.rgb()).mean() < 0.02


def test_names_with_spaces_and_unicode(tmp_path: Path) -> None:
    folder = tmp_path / "Szene Äöß 東京 (v 2)"
    folder.mkdir()
    path = folder / "plate ñ.-0001.exr"
    synthetic.write_exr(path, [SyntheticLayer(RGBA)])
    first, second, copy = read_write_read(path)
    assert check_same(first, second)
    assert sorted(folder.iterdir()) == sorted([path, copy])


def test_grey_is_repeated_and_averaged(tmp_path: Path) -> None:
    path = tmp_path / "matte.exr"
    synthetic.write_exr(path, [SyntheticLayer({"Y": "half"})])
    grey = read_picture(path)
    new = grey.replace_rgb(synthetic.gradient())
    assert new.main_part.channels == ("Y",)
    assert np.allclose(new.rgb()[..., 1], synthetic.gradient().mean(axis=-1), atol=1e-3)


def test_halves_are_clamped_to_65504_and_integers_to_1(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(path, [SyntheticLayer(RGBA)])
    bright = np.full((48, 64, 3), 1e9, np.float32)
    assert (read_picture(path).replace_rgb(bright).rgb() == 65504).all()
    still = tmp_path / "plate.png"
    synthetic.write_plain(still, np.zeros((48, 64, 3), np.uint8))
    assert (read_picture(still).replace_rgb(bright).rgb() == 1).all()
    assert (read_picture(still).replace_rgb(-bright).rgb() == 0).all()


def test_a_matte_becomes_the_alpha_and_the_plates_alpha_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(path, [SyntheticLayer({**RGBA, "Z": "float"})])
    plate = read_picture(path)
    matte = synthetic.gradient()[..., 0]
    write_picture(path, plate.with_matte(matte))
    result = read_picture(path)
    assert set(result.main_part.channels) == {"R", "G", "B", "A", "Z", "plate.A"}
    alpha = result.alpha()
    assert alpha is not None
    assert np.abs(alpha - matte).max() < 1e-3
    own = result.main_part.plane(result.main_part.channels.index("plate.A"))
    assert np.array_equal(own, plate.alpha(), equal_nan=True)
    assert result.rgb().tobytes() == plate.rgb().tobytes()


def test_a_separate_matte_has_the_plates_windows(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    layer = SyntheticLayer(
        RGBA, window=(4, 6, 20, 10), attributes={"smpte:TimeCode": METADATA["smpte:TimeCode"]}
    )
    synthetic.write_exr(path, [layer])
    matte = make_picture({"Y": np.ones((10, 20), np.float32)}, like=read_picture(path))
    write_picture(path, matte)
    result = read_picture(path)
    assert result.main_part.channels == ("Y",)
    assert result.main_part.data_window == (4, 6, 20, 10)
    assert result.timecode == "01:23:45:12"


@pytest.mark.parametrize(
    ("bits", "depth"), [(8, "half"), (10, "half"), (12, "float"), (16, "float")]
)
def test_integers_become_exr_without_loss(tmp_path: Path, bits: int, depth: str) -> None:
    path = tmp_path / "scan.dpx"
    codes = np.random.default_rng(bits).integers(0, 1 << bits, (48, 64, 3), np.uint16)
    low = 16 - bits
    wide = (codes << low) | (codes >> max(bits - low, 0)) if low else codes
    if bits == 8:
        synthetic.write_plain(path, codes.astype(np.uint8))
    else:
        synthetic.write_plain(path, wide, oiio__BitsPerSample=bits)
    scan = read_picture(path)
    write_picture(tmp_path / "scan.exr", to_exr(scan))
    result = read_picture(tmp_path / "scan.exr")
    assert result.depth == depth
    assert np.array_equal(np.rint(result.rgb() * ((1 << bits) - 1)).astype(np.uint16), codes)


def test_unsupported_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    synthetic.write_exr(
        path, [SyntheticLayer(RGBA, name="a"), SyntheticLayer({"Z": "float"}, name="b")]
    )
    picture = read_picture(path)
    for name in ("a.png", "a.jpg", "a.dpx", "a.gif", "a"):
        with pytest.raises(InvalidRequest):
            write_picture(tmp_path / name, picture)
    assert [file.name for file in tmp_path.iterdir()] == ["plate.exr"]
