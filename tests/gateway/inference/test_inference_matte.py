"""Mattes with the real network: the subject is found, at the plate's size, from 0 to 1."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bridge_core.errors import UnreadableMedia
from bridge_gateway.arrays import FloatArray
from bridge_gateway.inference.highlight_curve import srgb_decode
from bridge_gateway.inference.matte import MatteExtractor, MatteSettings
from bridge_gateway.inference.model_store import footage_path


@pytest.fixture(scope="module")
def matte_model(models_dir: Path) -> MatteExtractor:
    return MatteExtractor.open(models_dir, threads=2)


@pytest.fixture(scope="module")
def bunny(models_dir: Path) -> FloatArray:
    """Frame 80: the bunny in front of the hill, arms spread, from about x 170 to 620."""
    with av.open(str(footage_path(models_dir, "big-buck-bunny"))) as container:
        for number, picture in enumerate(container.decode(video=0)):
            if number == 80:
                code = picture.to_ndarray(format="rgb24").astype(np.float32) / 255
                return srgb_decode(code)
    raise AssertionError("the clip has fewer frames")


def test_the_subject_is_found(matte_model: MatteExtractor, bunny: FloatArray) -> None:
    matte = matte_model.extract(bunny)
    assert matte.shape == bunny.shape[:2]
    assert matte.dtype == np.float32
    assert matte.min() >= 0
    assert matte.max() <= 1
    assert matte[300:600, 420:540].mean() > 0.95  # the belly
    assert matte[:200, 800:].mean() < 0.05  # trees and sky
    assert matte[600:, 800:].mean() < 0.05  # the meadow


def test_values_above_white_and_below_black_have_little_effect(
    matte_model: MatteExtractor, bunny: FloatArray
) -> None:
    plain = matte_model.extract(bunny)
    plate = bunny.copy()
    plate[10:14, 1200:1204] = 5000.0
    plate[700:704, 1200:1204] = -0.1
    assert np.abs(matte_model.extract(plate) - plain).mean() < 0.01


@pytest.mark.parametrize("level", [0.0, 0.18, 1.0])
def test_a_frame_without_a_subject_has_an_empty_matte(
    matte_model: MatteExtractor, level: float
) -> None:
    """Min-max normalisation would turn this into a full matte."""
    matte = matte_model.extract(np.full((90, 160, 3), level, np.float32))
    assert np.isfinite(matte).all()
    assert matte.max() < 0.5


def test_threshold_and_softness(matte_model: MatteExtractor, bunny: FloatArray) -> None:
    plain = matte_model.extract(bunny)
    hard = matte_model.extract(bunny, MatteSettings(softness=0))
    assert set(np.unique(hard)) == {0.0, 1.0}
    np.testing.assert_array_equal(hard[plain > 0.5001], 1)
    np.testing.assert_array_equal(hard[plain < 0.4999], 0)
    tight = matte_model.extract(bunny, MatteSettings(threshold=0.8, softness=0.2))
    loose = matte_model.extract(bunny, MatteSettings(threshold=0.2, softness=0.2))
    assert tight.sum() < plain.sum() < loose.sum()


@pytest.mark.parametrize("setting", [{"threshold": 1.2}, {"softness": -0.1}])
def test_settings_out_of_range_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        MatteSettings(**setting)


def test_non_finite_pixels_are_refused(matte_model: MatteExtractor) -> None:
    plate = np.full((9, 9, 3), 0.18, np.float32)
    plate[4, 4, 0] = np.nan
    with pytest.raises(UnreadableMedia, match="1 pixel is not finite"):
        matte_model.extract(plate)
