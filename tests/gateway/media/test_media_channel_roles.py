"""Which channels show the picture, and which are data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synthetic_media as synthetic
from synthetic_media import SyntheticLayer

from bridge_core.errors import UnreadableMedia
from bridge_gateway.arrays import upsample_plane
from bridge_gateway.media import channel_roles
from bridge_gateway.media.picture import UNSCALED_LAYERS_ATTRIBUTE
from bridge_gateway.media.picture_reader import read_picture
from bridge_gateway.media.picture_writer import write_picture


@pytest.mark.parametrize(
    ("channels", "beauty"),
    [
        (("A", "B", "G", "R"), "RGB"),
        (("r", "g", "b"), "rgb"),
        (("depth.Z", "R", "G", "B", "diffuse.R", "diffuse.G", "diffuse.B"), "RGB"),
        (
            ("spec.R", "spec.G", "spec.B", "beauty.R", "beauty.G", "beauty.B"),
            ("beauty.R", "beauty.G", "beauty.B"),
        ),
        (
            (
                "ViewLayer.Normal.X",
                "ViewLayer.Combined.R",
                "ViewLayer.Combined.G",
                "ViewLayer.Combined.B",
            ),
            ("ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B"),
        ),
        (
            ("N.R", "N.G", "N.B", "diffuse.R", "diffuse.G", "diffuse.B"),
            ("diffuse.R", "diffuse.G", "diffuse.B"),
        ),
        (("Z",), None),
        (("crypto00.R", "crypto00.G", "crypto00.B"), None),
    ],
)
def test_the_beauty_is_found(channels: tuple[str, ...], beauty: object) -> None:
    found = channel_roles.find_beauty(channels)
    assert (None if found is None else tuple(channels[i] for i in found)) == (
        None if beauty is None else tuple(beauty)  # type: ignore[call-overload]
    )


@pytest.mark.parametrize(
    "channel",
    [
        "Z",
        "depth.Z",
        "id",
        "N.X",
        "N.R",
        "P.R",
        "normal.R",
        "worldNormal.G",
        "position.B",
        "forward.u",
        "motion.R",
        "motionVector.R",
        "ViewLayer.CryptoObject00.r",
        "crypto_material.G",
        "uv.R",
        "velocity.B",
        "ObjectID.R",
        "depth.R",
        "foo.x",
        "mystery",
    ],
)
def test_data_channels(channel: str) -> None:
    assert channel_roles.is_data_channel(channel)


@pytest.mark.parametrize(
    "channel",
    [
        "R",
        "G",
        "B",
        "A",
        "diffuse.R",
        "specular_direct.G",
        "plate.A",
        "emission.b",
        "Combined.A",
        "key_light.R",
    ],
)
def test_light_channels(channel: str) -> None:
    assert not channel_roles.is_data_channel(channel)


def test_the_part_name_is_used_as_layer(tmp_path: Path) -> None:
    path = tmp_path / "comp.exr"
    rgb = dict.fromkeys("RGB", "half")
    parts = [
        SyntheticLayer(rgb, name="N"),
        SyntheticLayer(rgb, name="diffuse"),
        SyntheticLayer(rgb, name="rgba"),
    ]
    synthetic.write_exr(path, parts)
    assert read_picture(path).main_part.name == "rgba"
    synthetic.write_exr(path, parts[:2])
    assert read_picture(path).main_part.name == "diffuse"
    synthetic.write_exr(path, parts[:1])
    with pytest.raises(UnreadableMedia, match="shows a picture"):
        read_picture(path).rgb()


def test_upsampling_keeps_data_exact_and_light_in_range(tmp_path: Path) -> None:
    path = tmp_path / "comp.exr"
    main = {**dict.fromkeys("RGBA", "half"), "Z": "float", "forward.u": "half", "diffuse.R": "half"}
    parts = [
        SyntheticLayer(main, name="rgba", attributes={"PixelAspectRatio": 2.0}),
        SyntheticLayer(
            {"id": "uint"},
            name="ids",
            window=(-2, 3, 10, 8),
            attributes={"PixelAspectRatio": 2.0},
        ),
    ]
    synthetic.write_exr(path, parts, (-4, 0, 32, 24))
    plate = read_picture(path)
    matte = (np.indices((24, 32)).sum(axis=0) % 7 < 3).astype(np.float32)
    plate = plate.replace_rgb(synthetic.gradient(32, 24)).with_matte(matte)
    rgb = synthetic.gradient(64, 48)
    big = plate.upsampled(rgb, 2)
    write_picture(path, big)
    big = read_picture(path)

    assert big.main_part.data_window == (-8, 0, 64, 48)
    assert big.main_part.display_window == (-8, 0, 64, 48)
    assert big.parts[1].data_window == (-4, 6, 20, 16)
    assert big.pixel_aspect == 2.0
    assert np.array_equal(big.rgb(), rgb.astype(np.float16))
    alpha = big.alpha()
    assert alpha is not None
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    for name in ("Z", "forward.u"):
        before, after = (p.main_part.plane(p.main_part.channels.index(name)) for p in (plate, big))
        assert np.array_equal(before.repeat(2, 0).repeat(2, 1), after, equal_nan=True), name
    ids, big_ids = plate.parts[1].pixels, big.parts[1].pixels
    assert np.array_equal(ids.repeat(2, 0).repeat(2, 1), big_ids)
    assert big.main_part.header.get_string_attribute(UNSCALED_LAYERS_ATTRIBUTE) == "forward"


def test_upsampling_keeps_flat_and_linear_areas() -> None:
    flat = np.full((8, 8), 65504, np.float32)
    assert (upsample_plane(flat, 2) == 65504).all()
    ramp = np.tile(np.arange(16, dtype=np.float32), (4, 1))
    inner = upsample_plane(ramp, 2)[4, 6:-6]
    assert np.allclose(np.diff(inner), 0.5, atol=1e-5), "pixels moved"


def test_pixels_are_fitted_to_the_display_window(tmp_path: Path) -> None:
    path = tmp_path / "overscan.exr"
    synthetic.write_exr(
        path,
        [SyntheticLayer(dict.fromkeys("RGB", "half"), window=(-5, 10, 20, 40))],
        (0, 0, 32, 24),
    )
    picture = read_picture(path)
    assert (picture.width, picture.height) == (20, 40)
    assert picture.display_window == (0, 0, 32, 24)
    pixels = np.arange(20 * 40, dtype=np.float32).reshape(40, 20)
    framed = picture.fit_to_display(pixels)
    assert framed.shape == (24, 32)
    assert (framed[:10] == 0).all()
    assert (framed[:, 15:] == 0).all()
    assert (framed[10:, :15] == pixels[:14, 5:]).all()
