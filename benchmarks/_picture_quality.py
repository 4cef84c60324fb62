"""Shared by the benchmarks of the models: frames of the demo footage, PSNR and SSIM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from bridge_gateway.arrays import FloatArray

_LUMA = np.array([0.2126, 0.7152, 0.0722])


def frames(movie: Path, wanted: Iterable[int]) -> Iterator[tuple[int, FloatArray]]:
    """The wanted frames (counted from 0) as display code, float32 (height, width, 3), 0 to 1.

    The footage has no tag for its YCbCr matrix, so FFmpeg uses BT.601. The choice does not matter
    here, because the benchmarks compare frames with themselves.
    """
    numbers = set(wanted)
    with av.open(str(movie)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in numbers:
                yield number, frame.to_ndarray(format="rgb24").astype(np.float32) / 255


def psnr(picture: FloatArray, truth: FloatArray) -> float:
    """Peak signal to noise ratio in dB over all channels, for a peak of 1."""
    error = np.mean((picture.astype(np.float64) - truth) ** 2)
    return float(-10 * np.log10(error))


def ssim(picture: FloatArray, truth: FloatArray) -> float:
    """Structural similarity of luma, at most 1 (Wang, Bovik, Sheikh, Simoncelli, 2004)."""
    a, b = picture @ _LUMA, truth @ _LUMA
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a, variance_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    )
    return float(similarity.mean())


def _blur(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The 11 x 11 Gaussian window of the paper, without the border."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(plane, taps.size, axis)
        plane = windows @ taps
    return plane
