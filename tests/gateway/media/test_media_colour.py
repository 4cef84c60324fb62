"""Colour spaces are resolved by rules; conversions have no visible error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synthetic_media as synthetic
from colour_accuracy import (
    delta_e_2000,
    half_float_steps,
    measure_round_trip,
    to_cielab,
)

from bridge_core.errors import ConfigError, UnknownColourSpace
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.settings import ColourSettings
from bridge_gateway.media.colour import DATA, MODEL_SPACE, ColourManager

#: A studio's config with other names and without linear Rec.709, which needs the interchange role.
STUDIO = """
ocio_profile_version: 2
name: studio
roles: {aces_interchange: ref_ap0, scene_linear: show_linear, default: show_linear}
file_rules:
  - !<Rule> {name: Scans, pattern: "*/scans/*", extension: dpx, colorspace: show_log}
  - !<Rule> {name: Default, colorspace: default}
displays:
  Monitor:
    - !<View> {name: Plain, colorspace: show_log}
    - !<View> {name: Raw, colorspace: utility_raw}
colorspaces:
  - !<ColorSpace> {name: ref_ap0, encoding: scene-linear}
  - !<ColorSpace>
    name: show_linear
    aliases: [lin_show]
    encoding: scene-linear
    to_scene_reference: !<BuiltinTransform> {style: ACEScg_to_ACES2065-1}
  - !<ColorSpace>
    name: show_log
    encoding: log
    to_scene_reference: !<BuiltinTransform> {style: ACEScct_to_ACES2065-1}
  - !<ColorSpace> {name: utility_raw, isdata: true}
"""


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    path = tmp_path / "config.ocio"
    path.write_text(STUDIO)
    return path


def plate(path: str, space: str | None = None) -> Plate:
    return Plate(path=path, range=FrameRange.of(1001, 1010), colour_space=space)


@pytest.mark.parametrize(
    ("claimed", "name"),
    [
        ("ACEScg", "ACEScg"),
        ("acescg", "ACEScg"),
        ("lin_ap1", "ACEScg"),
        ("scene_linear", "ACEScg"),
        ("srgb_tx", "sRGB Encoded Rec.709 (sRGB)"),
        ("Raw", "Raw"),
    ],
)
def test_the_plates_own_space_comes_first(colour: ColourManager, claimed: str, name: str) -> None:
    assert colour.resolve_space(plate("/x/a.%04d.exr", claimed)).space == name


def test_file_rules_apply_unless_only_the_default_matches(
    colour: ColourManager, studio: Path
) -> None:
    assert colour.resolve_space(plate("/x/a.%04d.exr")).space == "ACES2065-1"
    with pytest.raises(UnknownColourSpace, match="is unknown"):
        colour.resolve_space(plate("/x/a.%04d.dpx"))
    own = ColourManager(ColourSettings(config=str(studio)))
    assert (
        own.resolve_space(plate("/x/scans/a.%04d.dpx"), path=Path("/cache/2f7a")).space
        == "show_log"
    )
    with pytest.raises(UnknownColourSpace) as caught:
        own.resolve_space(plate("/x/other/a.%04d.dpx"))
    assert "show_linear" in caught.value.next_step
    assert caught.value.details["spaces"][0] == "ref_ap0"


def test_the_default_space_comes_last() -> None:
    colour = ColourManager(ColourSettings(default_colour_space="acescct"))
    assert colour.resolve_space(plate("/x/a.%04d.dpx")).space == "ACEScct"
    assert colour.resolve_space(plate("/x/a.%04d.exr")).space == "ACES2065-1"


def test_an_unknown_space_lists_the_closest_first(colour: ColourManager) -> None:
    with pytest.raises(UnknownColourSpace) as caught:
        colour.resolve_space(plate("/x/a.%04d.exr", "ACES cg"))
    assert "choose one of: ACEScg," in caught.value.next_step


def test_ocio_overrides_only_the_default(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", str(studio))
    assert ColourManager(ColourSettings()).display == "Monitor"
    builtin = ColourManager(ColourSettings(config="ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1"))
    assert builtin.display != "Monitor"
    monkeypatch.setenv("OCIO", "/nowhere/config.ocio")
    with pytest.raises(ConfigError) as caught:
        ColourManager(ColourSettings())
    assert caught.value.where == "$OCIO"


def test_displays_and_views_are_checked() -> None:
    with pytest.raises(ConfigError, match="no display 'TV'"):
        ColourManager(ColourSettings(display="TV"))
    with pytest.raises(ConfigError, match="no view 'Nice'"):
        ColourManager(ColourSettings(view="Nice"))


def test_every_config_converts_to_the_models_space(colour: ColourManager, studio: Path) -> None:
    own = ColourManager(ColourSettings(config=str(studio)))
    rgb = synthetic.wild_halves(64, 64, 3).astype(np.float32)
    rgb = np.where(np.isfinite(rgb), rgb, 0.5)
    ours, builtin = (
        own.convert(rgb, "show_linear", MODEL_SPACE),
        colour.convert(rgb, "ACEScg", MODEL_SPACE),
    )
    scale = np.abs(rgb).max(axis=-1, keepdims=True) + 1e-6
    assert (np.abs(ours - builtin) / scale).max() < 1e-5
    back = own.convert(ours, MODEL_SPACE, "lin_show")
    assert (np.abs(back - rgb) / scale).max() < 1e-6
    photo = synthetic.gradient()
    inside = own.convert(photo, "show_linear", MODEL_SPACE)
    shown = own.to_display(inside, MODEL_SPACE).astype(int)
    assert np.abs(shown - own.to_display(photo, "show_linear").astype(int)).max() <= 1


def test_conversion_matches_the_published_matrix(colour: ColourManager) -> None:
    """ACEScg red in linear Rec.709, by the AP1 to Rec.709 matrix of the ACES documentation."""
    red = np.array([[[1, 0, 0]]], np.float32)
    got = colour.convert(red, "ACEScg", MODEL_SPACE)[0, 0]
    assert np.allclose(got, [1.70505, -0.13026, -0.02400], atol=1e-4)


def test_values_outside_0_to_1_are_kept(colour: ColourManager) -> None:
    rgb = np.array([[[-0.5, 12.0, 65504.0]]], np.float32)
    there = colour.convert(rgb, "ACEScg", MODEL_SPACE)
    assert np.allclose(colour.convert(there, MODEL_SPACE, "ACEScg"), rgb, rtol=1e-5, atol=1e-2)


def test_data_is_never_converted(colour: ColourManager) -> None:
    rgb = synthetic.gradient() * 3 - 1
    for pair in (("Raw", "ACEScg"), (DATA, MODEL_SPACE), ("ACEScg", "Raw")):
        assert np.array_equal(colour.convert(rgb, *pair), rgb)
    assert colour.is_data("data")
    assert colour.is_data("raw")
    assert not colour.is_data("ACEScg")
    grey = np.full((4, 4, 3), 0.5, np.float32)
    assert (colour.to_display(grey, DATA) == 128).all()


def test_bands_leave_no_seams(colour: ColourManager) -> None:
    """Large pictures are converted in bands on several threads."""
    rgb = synthetic.gradient(64, 1000)
    whole = colour.convert(rgb, "ACEScct", MODEL_SPACE)
    rows = np.stack([colour.convert(row, "ACEScct", MODEL_SPACE) for row in rgb])
    assert np.array_equal(whole, rows)


def test_the_callers_pixels_are_not_changed(colour: ColourManager) -> None:
    rgb = synthetic.gradient()
    before = rgb.copy()
    colour.convert(rgb, "ACEScg", MODEL_SPACE)
    colour.to_display(rgb, "ACEScg")
    assert np.array_equal(rgb, before)


def test_the_view_shows_grey_as_grey_and_nan_as_black(colour: ColourManager) -> None:
    greys = np.repeat(np.geomspace(0.001, 100, 64, dtype=np.float32)[None, :, None], 3, axis=2)
    shown = colour.to_display(greys, "ACEScg").astype(int)
    assert (np.ptp(shown, axis=-1) <= 1).all()
    assert (np.diff(shown[0, :, 0]) >= 0).all()
    assert shown[0, -1, 0] > 250
    hole = np.full((1, 1, 3), np.nan, np.float32)
    assert (colour.to_display(hole, DATA) == 0).all()


def test_conversions_are_described(colour: ColourManager) -> None:
    description = colour.describe_conversion("ACEScg", MODEL_SPACE)
    assert "ACEScg to Linear Rec.709 (sRGB)" in description
    assert "OpenColorIO 2" in description
    assert "not converted" in colour.describe_conversion("ACEScg", "ACEScg")
    assert colour.view in colour.describe_view("ACEScg")


@pytest.mark.parametrize("space", ["ACEScg", "ACES2065-1", "Linear Rec.2020", "Linear P3-D65"])
@pytest.mark.parametrize("kind", ["photo", "any", "subnormal", "extreme"])
def test_the_round_trip_stays_within_the_stated_bound(
    colour: ColourManager, space: str, kind: str
) -> None:
    """The bound of docs/decisions/0005-pixels-and-colour.md."""
    if kind == "photo":
        rgb = np.exp(np.random.default_rng(0).normal(-1, 2, (128, 128, 3))).astype(np.float16)
    elif kind == "any":
        rgb = synthetic.finite_halves(128, 128, 3)
    elif kind == "subnormal":
        bits = np.random.default_rng(0).integers(1, 1024, (64, 64, 3)).astype(np.uint16)
        rgb = bits.view(np.float16)
    else:
        corners = [-65504, -1, -0.0, 0, 6e-8, 1, 65504]
        rgb = np.stack(np.meshgrid(corners, corners, corners), axis=-1).astype(np.float16)
    error = measure_round_trip(colour, rgb, space)
    assert error.max_half_steps == 0
    assert error.max_relative_error < 2**-20
    assert error.max_delta_e < 0.01
    if kind == "photo":
        assert error.exact_share > 0.98


def test_the_measure_detects_a_real_error(colour: ColourManager) -> None:
    """A conversion with an error of 0.1 % is detected by ULP and by delta E."""

    class Off(ColourManager):
        def convert(self, rgb, source, target):  # type: ignore[no-untyped-def]
            return super().convert(rgb, source, target) * np.float32(1.001)

    rgb = synthetic.gradient().astype(np.float16)
    error = measure_round_trip(Off(ColourSettings()), rgb, "ACEScg")
    assert error.max_half_steps >= 2
    assert error.max_delta_e > 0.01


def test_half_float_steps_between_neighbours() -> None:
    values = np.array([0.0, 1.0, -1.0, 1000.0, 0.001], np.float16)
    assert (half_float_steps(values, np.nextafter(values, np.float16(np.inf))) == 1).all()
    assert half_float_steps(np.array([-0.0], np.float16), np.array([0.0], np.float16))[0] == 0
    around = half_float_steps(np.array([-6e-8], np.float16), np.array([6e-8], np.float16))
    assert around[0] == 2


def test_ciede2000_gives_the_published_values() -> None:
    """Pairs from the supplementary test data of Sharma, Wu and Dalal."""
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
        ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    one, two, wanted = (np.array(column, np.float64) for column in zip(*pairs, strict=True))
    assert np.abs(delta_e_2000(one, two) - wanted).max() < 1e-4
    assert np.abs(delta_e_2000(two, one) - wanted).max() < 1e-4


def test_lab_of_known_colours() -> None:
    assert np.allclose(to_cielab(np.array([1.0, 1, 1])), [100, 0, 0], atol=1e-6)
    assert np.allclose(to_cielab(np.array([0.0, 0, 0])), [0, 0, 0], atol=1e-6)
    assert np.allclose(to_cielab(np.array([1.0, 0, 0])), [53.24, 80.09, 67.20], atol=0.03)
