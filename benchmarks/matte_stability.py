"""How steady mattes are over time, and how they are best enlarged.

    python -m benchmarks.matte_stability [--models-dir DIR] [--threads N]

There is no true matte for this footage. Steadiness is the mean absolute second difference over
time of the 320 x 320 answer, in thousandths: motion of the subject counts a little, pumping counts
fully. "Most sure pixel" is the largest probability in a frame: where it is low there is no subject,
and a min-max stretch would invent one.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks import MODELS
from benchmarks._picture_quality import frames
from bridge_gateway.inference.highlight_curve import srgb_decode
from bridge_gateway.inference.matte import MatteExtractor
from bridge_gateway.inference.model_store import footage_path
from bridge_gateway.inference.resample import block_mean, resize

#: Inclusive ranges, each inside one shot.
SHOTS = (
    ("big-buck-bunny", 0, 131),
    ("bikes", 30, 69),
    ("bikes", 105, 136),
    ("bikes", 187, 241),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures how steady mattes are.")
    parser.add_argument("--models-dir", type=Path, default=MODELS)
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    matter = MatteExtractor.open(options.models_dir, threads=options.threads)
    print("| shot | frames | most sure pixel | as it is | min-max stretched | s/frame |")
    print("|---|---|---|---|---|---|")
    enlarged: dict[str, list[float]] = {"triangle": [], "bicubic": [], "lanczos": []}
    for clip, first, last in SHOTS:
        answers = []
        started = time.perf_counter()
        for _, display in frames(footage_path(options.models_dir, clip), range(first, last + 1)):
            answers.append(matter.predict(srgb_decode(display)))
        seconds = (time.perf_counter() - started) / len(answers)
        shot = np.stack(answers)[..., 0]
        low, high = (choose(shot, axis=(1, 2), keepdims=True) for choose in (np.min, np.max))
        print(
            f"| {clip} | {first}-{last} | {high.min():.2f} to {high.max():.2f} "
            f"| {_unsteady(shot):.1f} | {_unsteady((shot - low) / (high - low)):.1f} "
            f"| {seconds:.2f} |"
        )
        for answer in answers[:: len(answers) // 4]:
            small = block_mean(answer, 4)
            for kernel in enlarged:
                back = np.clip(resize(small, 320, 320, kernel), 0, 1)  # type: ignore[arg-type]
                enlarged[kernel].append(float(np.abs(back - answer).mean()))
    print("\nAn answer made four times smaller and enlarged again, mean error in thousandths:")
    print(", ".join(f"{kernel} {1000 * np.mean(e):.2f}" for kernel, e in enlarged.items()))


def _unsteady(shot: np.ndarray) -> float:
    return float(1000 * np.abs(shot[2:] - 2 * shot[1:-1] + shot[:-2]).mean())


if __name__ == "__main__":
    main()
