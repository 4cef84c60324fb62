"""The table of a view differs by at most one code of 255 from the view."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bridge_core.models.settings import ColourSettings
from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.highlight_curve import srgb_decode
from bridge_gateway.inference.model_store import footage_path
from bridge_gateway.media import colour as colour_module
from bridge_gateway.media.colour import MODEL_SPACE, ColourManager


def exact_codes(
    colour: ColourManager, rgb: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> FloatArray:
    """The view without a table."""
    with monkeypatch.context() as patch:
        patch.setattr(colour_module, "_MIN_TABLE_PIXELS", 1 << 40)
        return colour.to_display(rgb, MODEL_SPACE).astype(np.float32)


def footage(models_dir: Path) -> FloatArray:
    with av.open(str(footage_path(models_dir, "bikes"))) as container:
        frame = next(container.decode(video=0))
    return srgb_decode(frame.to_ndarray(format="rgb24").astype(np.float32) / 255)


def test_pictures_differ_by_one_code_at_most(
    models_dir: Path, colour: ColourManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = footage(models_dir)
    generator = np.random.default_rng(3)
    saturated = generator.random((400, 400, 3)) ** 4 * 20
    ramp = np.linspace(-0.01, 101, 400)[:, None, None] * generator.random((1, 400, 3))
    for rgb in (frame, frame * 8, saturated, ramp):
        rgb = rgb.astype(np.float32)
        shown = colour.to_display(rgb, MODEL_SPACE)
        assert shown.dtype == np.uint8
        difference = np.abs(shown - exact_codes(colour, rgb, monkeypatch))
        assert difference.max() <= 1


def test_most_pixels_of_footage_use_the_table(models_dir: Path, colour: ColourManager) -> None:
    """Otherwise it saves no time."""
    colour.to_display(footage(models_dir), MODEL_SPACE)
    table = colour._view_tables[MODEL_SPACE]
    exact: list[int] = []
    view = table._view

    class Counting:
        def apply(self, rgb: FloatArray, dtype: type) -> object:
            exact.append(len(rgb))
            return view.apply(rgb, dtype)

    table._view = Counting()  # type: ignore[assignment]
    frame = footage(models_dir)
    table.apply(frame)
    table._view = view
    assert sum(exact) < 0.2 * frame.size / 3


def test_values_that_are_not_finite_do_not_spread(
    colour: ColourManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = np.full((400, 400, 3), 0.18, np.float32)
    rgb[10, 10], rgb[20, 20], rgb[30, 30] = np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(
        colour.to_display(rgb, MODEL_SPACE), exact_codes(colour, rgb, monkeypatch)
    )
    assert (colour.to_display(rgb, MODEL_SPACE)[10, 10] == 0).all()


def test_small_pictures_and_cheap_views_need_no_table() -> None:
    raw = ColourManager(ColourSettings(view="Raw"))
    raw.to_display(np.zeros((400, 400, 3), np.float32), "ACEScg")
    assert not raw._view_tables
    standard = ColourManager(ColourSettings())
    standard.to_display(np.zeros((40, 40, 3), np.float32), "ACEScg")
    assert not standard._view_tables
