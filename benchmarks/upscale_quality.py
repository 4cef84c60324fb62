"""Measures the quality of Upscale against plain filters, with and without highlights.

    python -m benchmarks.upscale_quality [--models-dir DIR] [--threads N]

Frames of the demo footage are reduced, upscaled again and compared with the originals. The
reduction matters much, so three are measured: ``bicubic`` on display code with a widened kernel (as
in the literature, and in the training of such networks), ``area``, the mean of each block in linear
light (as a sensor with larger pixels), and ``lanczos`` in linear light (sharper than a lens). PSNR
is over R, G, B in display code, SSIM over luma.

The second table does the same with highlights: display light d becomes 1.06 d / (1.06 - d), which
reaches about 18, reduced by area. It compares different peaks of the highlight curve, where 1 is a
plain clip with the rest added back; in dB at exposures of 0, -2 and -4 stops.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks import model_arguments
from benchmarks._picture_quality import frames, psnr, ssim
from bridge_gateway.arrays import FloatArray, block_mean, resize
from bridge_gateway.inference.highlight_curve import srgb_decode, srgb_encode
from bridge_gateway.inference.model_store import footage_path
from bridge_gateway.inference.upscale import Upscaler

FRAMES = {"big-buck-bunny": (0, 50, 100), "bikes": (0, 30, 120, 150, 210)}
REDUCTIONS = ("bicubic", "area", "lanczos")


def main() -> None:
    options = model_arguments("Measures Upscale against plain filters.")
    print_cost(options.models_dir, options.threads)
    for model in ("span-x2", "realesr-animevideo-x4"):
        upscaler = Upscaler.open(options.models_dir, model, threads=options.threads)
        print_quality(options.models_dir, upscaler)
    print_highlights(options.models_dir, options.threads)


def print_cost(models_dir: Path, threads: int | None) -> None:
    """Print time and memory of one HD frame; runs first, while the process is still small."""
    plate = np.random.default_rng(0).random((1080, 1920, 3), dtype=np.float32)
    before = _peak_memory()
    upscaler = Upscaler.open(models_dir, threads=threads)
    started = time.perf_counter()
    result = upscaler.upscale(plate)
    seconds = time.perf_counter() - started
    print(
        f"span-x2 on {upscaler.session.execution_provider}, 1920x1080: {seconds:.1f} s, "
        f"{_peak_memory() - before:.0f} MB more at the peak, of which the result "
        f"{result.nbytes / 1e6:.0f} MB"
    )


def print_quality(models_dir: Path, upscaler: Upscaler) -> None:
    """Print PSNR and SSIM of Lanczos, bicubic and the network, per clip and reduction."""
    model, scale = upscaler.session.model.id, upscaler.scale
    print(f"\n{model} on {upscaler.session.execution_provider}: 1/{scale} and back, PSNR dB / SSIM")
    print("| footage | reduction | bicubic | Lanczos | Upscale | gain over Lanczos | s/frame |")
    print("|---|---|---|---|---|---|---|")
    for clip, reduction, pictures in _cases(models_dir):
        scores: dict[str, list[tuple[float, float]]] = {}
        seconds = []
        for truth in pictures:
            small = reduce(truth, scale, reduction)
            height, width, _ = truth.shape
            started = time.perf_counter()
            ours = srgb_encode(np.clip(upscaler.upscale(srgb_decode(small)), 0, 1))
            seconds.append(time.perf_counter() - started)
            results = {
                "bicubic": np.clip(resize(small, width, height, "keys"), 0, 1),
                "lanczos": np.clip(resize(small, width, height, "lanczos3"), 0, 1),
                "ours": ours,
            }
            for name, picture in results.items():
                scores.setdefault(name, []).append((psnr(picture, truth), ssim(picture, truth)))
        mean = {name: tuple(map(fmean, zip(*pairs, strict=True))) for name, pairs in scores.items()}
        cells = [f"{mean[name][0]:.2f} / {mean[name][1]:.4f}" for name in results]
        gain = mean["ours"][0] - mean["lanczos"][0]
        cells += [f"{gain:+.2f} dB", f"{fmean(seconds):.2f}"]
        print(f"| {clip} | {reduction} | {' | '.join(cells)} |")


def print_highlights(models_dir: Path, threads: int | None) -> None:
    """Print the PSNR of pictures with highlights, for several peaks of the highlight curve."""
    print("\nspan-x2 with highlights up to 18: PSNR dB at 0 / -2 / -4 stops")
    peaks = (1.0, 16.0, 64.0, 65504.0)
    upscalers = [Upscaler.open(models_dir, threads=threads, peak=peak) for peak in peaks]
    print(
        "| footage | Lanczos in linear light | " + " | ".join(f"peak {p:g}" for p in peaks) + " |"
    )
    print("|---|---|" + "---|" * len(peaks))
    for clip, reduction, pictures in _cases(models_dir):
        if reduction != "area":
            continue
        rows: dict[int, list[list[float]]] = {}
        for display in pictures:
            light = srgb_decode(display)
            truth = np.float32(1.06) * light / (np.float32(1.06) - light)
            small = block_mean(truth, 2)
            height, width, _ = truth.shape
            methods: list[Callable[[FloatArray], FloatArray]] = [
                lambda plate, w=width, h=height: resize(plate, w, h, "lanczos3"),  # type: ignore[misc]
                *(upscaler.upscale for upscaler in upscalers),
            ]
            for index, upscale in enumerate(methods):
                rows.setdefault(index, []).append(_exposures(upscale(small), truth))
        cells = [
            " / ".join(f"{fmean(at):.1f}" for at in zip(*r, strict=True)) for r in rows.values()
        ]
        print(f"| {clip} | {' | '.join(cells)} |")


def reduce(display: FloatArray, scale: int, reduction: str) -> FloatArray:
    """A frame of display code reduced by ``scale``, as display code."""
    height, width = display.shape[0] // scale, display.shape[1] // scale
    if reduction == "bicubic":
        return np.clip(resize(display, width, height, "keys"), 0, 1)
    light = srgb_decode(display)
    if reduction == "area":
        small = block_mean(light, scale)
    else:
        small = resize(light, width, height, "lanczos3")
    return srgb_encode(np.clip(small, 0, 1))


def _cases(models_dir: Path) -> Iterator[tuple[str, str, list[FloatArray]]]:
    for clip, numbers in FRAMES.items():
        pictures = [picture for _, picture in frames(footage_path(models_dir, clip), numbers)]
        for reduction in REDUCTIONS:
            yield clip, reduction, pictures


def _exposures(picture: FloatArray, truth: FloatArray) -> list[float]:
    def display_at(light: FloatArray, stops: int) -> FloatArray:
        return srgb_encode(np.clip(light * np.float32(2.0**stops), 0, 1))

    return [psnr(display_at(picture, stops), display_at(truth, stops)) for stops in (0, -2, -4)]


def _peak_memory() -> float:
    """Peak memory of this process so far, in MB (Linux reports KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
