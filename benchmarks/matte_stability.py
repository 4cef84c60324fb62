"""Measures the temporal stability of mattes, and kernels for upsampling them.

    python -m benchmarks.matte_stability [--models-dir DIR] [--threads N]

There is no ground truth for this footage. Instability is the mean absolute second difference over
time of the 320 x 320 prediction, in thousandths: motion of the subject counts little, pumping
counts fully. The peak probability is the largest of a frame: where it is low there is no subject,
and min-max normalisation would invent one.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks import model_arguments
from benchmarks._picture_quality import frames
from bridge_gateway.arrays import Kernel, block_mean, resize
from bridge_gateway.inference.highlight_curve import srgb_decode
from bridge_gateway.inference.matte import MatteExtractor
from bridge_gateway.inference.model_store import footage_path

#: Inclusive ranges, each within one shot.
SHOTS = (
    ("big-buck-bunny", 0, 131),
    ("bikes", 30, 69),
    ("bikes", 105, 136),
    ("bikes", 187, 241),
)


def main() -> None:
    options = model_arguments("Measures the temporal stability of mattes.")
    extractor = MatteExtractor.open(options.models_dir, threads=options.threads)
    print("| shot | frames | peak probability | unchanged | min-max normalised | s/frame |")
    print("|---|---|---|---|---|---|")
    errors: dict[Kernel, list[float]] = {"triangle": [], "keys": [], "lanczos3": []}
    for clip, first, last in SHOTS:
        predictions = []
        started = time.perf_counter()
        for _, display in frames(footage_path(options.models_dir, clip), range(first, last + 1)):
            predictions.append(extractor.predict(srgb_decode(display)))
        seconds = (time.perf_counter() - started) / len(predictions)
        shot = np.stack(predictions)[..., 0]
        low, high = (choose(shot, axis=(1, 2), keepdims=True) for choose in (np.min, np.max))
        print(
            f"| {clip} | {first}-{last} | {high.min():.2f} to {high.max():.2f} "
            f"| {_instability(shot):.1f} | {_instability((shot - low) / (high - low)):.1f} "
            f"| {seconds:.2f} |"
        )
        for prediction in predictions[:: len(predictions) // 4]:
            small = block_mean(prediction, 4)
            for kernel in errors:
                back = np.clip(resize(small, 320, 320, kernel), 0, 1)
                errors[kernel].append(float(np.abs(back - prediction).mean()))
    print("\nA prediction reduced to a quarter and upsampled again, mean error in thousandths:")
    print(", ".join(f"{kernel} {1000 * np.mean(e):.2f}" for kernel, e in errors.items()))


def _instability(shot: np.ndarray) -> float:
    return float(1000 * np.abs(shot[2:] - 2 * shot[1:-1] + shot[:-2]).mean())


if __name__ == "__main__":
    main()
