"""Movie inputs: rates, colour tags, pixel formats."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from case_inputs.builders import HEIGHT, WIDTH, case, movie


@case
def movie_rate_timecode(out: Path) -> None:
    """ProRes at 30000/1001 with drop-frame timecode, and H.264 at 25."""
    movie(
        out / "m2997.mov",
        60,
        Fraction(30000, 1001),
        "prores_ks",
        "yuv422p10le",
        timecode="01:00:00;00",
    )
    movie(out / "m25.mp4", 50, 25)


def _ramp16(_: int) -> np.ndarray:
    row = np.linspace(0, 65535, WIDTH).astype(np.uint16)
    return np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3)).copy()


@case
def movie_high_dynamic_range(out: Path) -> None:
    """PQ in BT.2020, 10 bits: HEVC Main10 in MP4, ProRes in MOV; tagged 9/16/9."""
    lossless = {"x265-params": "log-level=none:lossless=1"}
    movie(
        out / "pq.mp4",
        12,
        24,
        "libx265",
        "yuv420p10le",
        lossless,
        colour=(9, 16, 9, 1),
        make=_ramp16,
    )
    movie(out / "pq.mov", 12, 24, "prores_ks", "yuv422p10le", colour=(9, 16, 9, 1), make=_ramp16)


@case
def movie_prores_tags(out: Path) -> None:
    """ProRes as BT.601 525 (6, 6, 6), of a standard-definition camera, and P3-D65 (12, 1, 1)."""
    movie(out / "bt601.mov", 12, 24, "prores_ks", "yuv422p10le", colour=(6, 6, 6, 1))
    movie(out / "p3.mov", 12, 24, "prores_ks", "yuv422p10le", colour=(12, 1, 1, 1))


def _flat(path: Path, codec: str, pixels: str, values: list[int]) -> None:
    """Four frames with one value in each plane, given as the format's own code values."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        for index in range(4):
            frame = av.VideoFrame(WIDTH, HEIGHT, pixels)
            wide = max(part.bits for part in frame.format.components) > 8
            for plane, value in zip(frame.planes, values, strict=True):
                np.frombuffer(plane, np.uint16 if wide else np.uint8)[:] = value
            frame.pts, frame.time_base = index, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@case
def movie_odd_depths(out: Path) -> None:
    """Bit depths that are less common in FFmpeg's planar formats: 5, 9, 14 bits."""
    _flat(out / "gbrp9.mkv", "ffv1", "gbrp9le", [256, 256, 256])
    _flat(out / "gbrp14.mkv", "ffv1", "gbrp14le", [8192, 8192, 8192])
    _flat(out / "yuv444p9.mkv", "ffv1", "yuv444p9le", [256, 256, 256])
    _flat(out / "yuv444p14.mkv", "ffv1", "yuv444p14le", [8192, 8192, 8192])
    _flat(out / "gray9.mkv", "ffv1", "gray9le", [256])
    _flat(out / "gray14.mkv", "ffv1", "gray14le", [8192])

    def white(_: int) -> np.ndarray:
        return np.full((HEIGHT, WIDTH, 3), 255, np.uint8)

    movie(out / "rgb555.avi", 4, 24, "rawvideo", "rgb555le", {}, make=white)


@case
def movie_vp9_alpha(out: Path) -> None:
    """VP9 in WebM with an alpha of 128 of 255; FFmpeg's own decoder drops the alpha."""

    def half(_: int) -> np.ndarray:
        pixels = np.full((HEIGHT, WIDTH, 4), 200, np.uint8)
        pixels[..., 3] = 128
        return pixels

    movie(out / "alpha.webm", 6, 24, "libvpx-vp9", "yuva420p", {}, make=half)


@case
def movie_colour_tags(out: Path) -> None:
    """Movies tagged as PQ in BT.2020 and as sRGB, without any other colour information."""
    lossless = {"x265-params": "log-level=none:lossless=1"}
    movie(
        out / "pq.mp4",
        4,
        24,
        "libx265",
        "yuv420p10le",
        lossless,
        colour=(9, 16, 9, 1),
        make=_ramp16,
    )
    movie(out / "srgb.mov", 4, 24, "prores_ks", "yuv422p10le", colour=(1, 13, 1, 1))
