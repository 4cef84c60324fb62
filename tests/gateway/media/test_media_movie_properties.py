"""Random small movies: reading them returns what was written.

Each picture is flat, made of known codes, one for each plane; so what its values must be follows
from the definitions of ITU-R BT.601, BT.709 and BT.2020 alone. Facts are compared with what was
written and, if it is installed, with the result of another FFmpeg's ``ffprobe``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge_core.models.frames import (
    frame_to_timecode,
    nominal_fps,
    supports_drop_frame,
    timecode_to_frame,
)
from bridge_gateway.media.movie_reader import MovieReader

RATES = [
    *(Fraction(n) for n in (1, 12, 15, 24, 25, 30, 48, 50, 60, 100, 120)),
    *(Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120)),
]
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
#: Encoder, its options, containers, pixel formats, greatest error of a sample in its own codes.
ENCODINGS: list[tuple[str, dict[str, str], list[str], list[str], float]] = [
    (
        "ffv1",
        {},
        [".mkv"],
        [
            *(f"yuv{s}p" for s in ("420", "422", "444", "440")),
            *(f"yuv{s}p{b}le" for s in ("420", "422", "444") for b in (9, 10, 12, 14, 16)),
            *(f"yuva{s}p{b}" for s in ("420", "422", "444") for b in ("", "9le", "10le", "16le")),
            *(f"gbrp{b}le" for b in (9, 10, 12, 14, 16)),
            *(f"gbrap{b}le" for b in (10, 12, 14, 16)),
            *("gray", *(f"gray{b}le" for b in (9, 10, 12, 14, 16))),
        ],
        0,
    ),
    (
        "libx264",
        {"qp": "0", "preset": "ultrafast"},
        [".mp4", ".mov", ".mkv"],
        [f"yuv{s}p{b}" for s in ("420", "422", "444") for b in ("", "10le")],
        0,
    ),
    # 4444 is decoded at 12 bits: FFmpeg's encoder has 10 of them, so their codes are a quarter.
    ("prores_ks", {"profile": "3"}, [".mov"], ["yuv422p10le"], 1.5),
    (
        "libvpx-vp9",
        {"lossless": "1", "cpu-used": "8"},
        [".webm", ".mkv"],
        ["yuv420p", "yuv444p", "yuva420p"],
        0,
    ),
    ("utvideo", {}, [".avi"], ["gbrp", "gbrap"], 0),
    ("ffvhuff", {}, [".avi"], ["gbrp", "gbrp10le", "gray", "yuva444p", "yuv420p12le"], 0),
]
#: Containers that store colour tags for these encoders.
TAGGED = {"ffv1", "libx264", "libvpx-vp9", "prores_ks"}


@dataclass
class GeneratedMovie:
    """A movie and its expected content."""

    path: Path
    codec: str
    format: Any
    rate: Fraction
    start: str | None
    tags: tuple[int, int, int]
    range: int
    codes: list[list[int]]
    """For each picture, a code for each plane."""
    error: float
    size: tuple[int, int]


def generate_movie(folder: Path, seed: int) -> GeneratedMovie:
    rng = np.random.default_rng(seed)

    def pick(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    codec, options, endings, formats, error = pick(ENCODINGS)
    path, pixels = folder / f"{seed}{pick(endings)}", pick(formats)
    rate, count = pick(RATES), int(rng.integers(1, 6))
    size = (int(rng.integers(1, 5)) * 16, int(rng.integers(1, 5)) * 16)
    movie = GeneratedMovie(
        path=path,
        codec=codec,
        format=av.VideoFormat(pixels, *size),
        rate=rate,
        start=_timecode(rng, rate) if path.suffix == ".mov" and rng.random() < 0.7 else None,
        tags=(pick((1, 2, 5, 6, 9, 12)), pick((1, 2, 6, 13, 16, 18)), pick((1, 2, 5, 6, 9))),
        range=pick((0, 1, 2)) if codec != "prores_ks" else 1,
        codes=[],
        error=error,
        size=size,
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.time_base = stream.codec_context.time_base = 1 / rate
        if movie.start:
            stream.metadata["timecode"] = movie.start
        _tag(stream.codec_context, movie)
        for index in range(count):
            frame = av.VideoFrame(*size, pixels)
            _tag(frame, movie)
            frame.pts, frame.time_base = index, 1 / rate
            movie.codes.append(
                [_fill(rng, plane, movie, n) for n, plane in enumerate(frame.planes)]
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return movie


def _tag(target: Any, movie: GeneratedMovie) -> None:
    target.color_range = movie.range
    if not movie.format.is_rgb:
        target.color_primaries, target.color_trc, target.colorspace = movie.tags


def _fill(rng: np.random.Generator, plane: Any, movie: GeneratedMovie, number: int) -> int:
    bits = movie.format.components[0].bits
    # Away from the limits, where a lossy encoder clips.
    code = int(rng.integers(1 << bits >> 3, (1 << bits) - (1 << bits >> 3)))
    dtype = np.uint8 if bits == 8 else np.uint16
    np.frombuffer(plane, dtype)[:] = code
    return code


def _timecode(rng: np.random.Generator, rate: Fraction) -> str | None:
    if not 5 <= rate <= 60:
        return None
    drop = supports_drop_frame(rate) and rng.random() < 0.7
    day = nominal_fps(rate) * 86400
    return frame_to_timecode(int(rng.integers(day - 10 * day // 100)), rate, drop_frame=bool(drop))


def expected(movie: GeneratedMovie, index: int) -> NDArray[np.float64]:
    """R, G, B (and A) of a picture, as defined by the recommendations."""
    bits, codes = movie.format.components[0].bits, [float(code) for code in movie.codes[index]]
    top, unit = float((1 << bits) - 1), float(1 << bits - 8)
    tagged = movie.codec in TAGGED
    span = movie.range if tagged else 0
    alpha = [codes.pop() / top] if any(c.is_alpha for c in movie.format.components) else []
    if movie.format.is_rgb:
        green, blue, red = (code / top for code in codes)
    elif len(codes) == 1:
        grey = (codes[0] - 16 * unit) / (219 * unit) if span == 1 else codes[0] / top
        red = green = blue = grey
    else:
        code = movie.tags[2] if tagged and movie.tags[2] != 2 else 6  # untagged and small: BT.601
        kr, kb = WEIGHTS[code]
        middle = float(1 << bits - 1)
        full = span == 2
        y = codes[0] / top if full else (codes[0] - 16 * unit) / (219 * unit)
        cb, cr = ((c - middle) / (top if full else 224 * unit) for c in codes[1:])
        red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
        green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.array([red, green, blue, *alpha])


def check(generated: GeneratedMovie) -> None:
    bits = generated.format.components[0].bits
    tolerance = 3 * generated.error / (1 << bits) + 2e-6
    with MovieReader(generated.path) as movie:
        facts = movie.info
        assert (facts.rate, facts.frame_count) == (generated.rate, len(generated.codes))
        assert (facts.width, facts.height, facts.bits) == (*generated.size, bits)
        assert (facts.start_timecode is None) == (generated.start is None)
        if generated.start:
            assert facts.start_timecode == generated.start
        if generated.codec in TAGGED and not generated.format.is_rgb:
            assert tuple(facts.tags) == generated.tags
        for index in np.random.default_rng(len(generated.codes)).permutation(len(generated.codes)):
            picture = movie.read(int(index))
            values = picture.main_part.pixels[
                generated.size[1] // 2, generated.size[0] // 2
            ].astype(np.float64)
            wanted = expected(generated, int(index))
            assert values.shape == wanted.shape
            assert np.abs(values - wanted).max() <= tolerance, (index, values, wanted)
            if generated.start:
                at = timecode_to_frame(generated.start, generated.rate) + int(index)
                drop = ";" in generated.start
                code = frame_to_timecode(at, generated.rate, drop_frame=drop)
                assert facts.timecode_at(int(index)) == code
                # A header holds frames up to 39 (SMPTE ST 12-1).
                assert picture.timecode == (code if int(code[-2:]) < 40 else None)


def ffprobe(path: Path) -> Any:
    """The result of the system's ffprobe for pictures and timecode."""
    options = ("-count_packets", "-show_streams", "-show_format", "-of", "json")
    run = subprocess.run(
        ["ffprobe", "-v", "error", *options, str(path)], capture_output=True, text=True, timeout=30
    )
    probed = json.loads(run.stdout)
    [stream] = [s for s in probed["streams"] if s["codec_type"] == "video"]
    tag_sources = (probed["format"], *probed["streams"])
    codes = (source.get("tags", {}).get("timecode") for source in tag_sources)
    return stream, next(filter(None, codes), None)


@pytest.mark.parametrize("seed", range(60))
def test_random_movies_return_what_was_written(tmp_path: Path, seed: int) -> None:
    check(generate_movie(tmp_path, seed))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe is installed here")
@pytest.mark.parametrize("seed", range(20))
def test_ffprobe_agrees(tmp_path: Path, seed: int) -> None:
    generated = generate_movie(tmp_path, seed)
    stream, start = ffprobe(generated.path)
    with MovieReader(generated.path) as movie:
        facts = movie.info
    assert facts.frame_count == int(stream["nb_read_packets"])
    assert abs(float(facts.rate) - float(Fraction(stream["r_frame_rate"]))) < 0.01
    assert (facts.width, facts.height) == (stream["width"], stream["height"])
    assert facts.start_timecode == start


@pytest.mark.properties
@pytest.mark.parametrize("hundred", range(100))
def test_ten_thousand_movies(tmp_path: Path, hundred: int) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        generated = generate_movie(tmp_path, seed)
        check(generated)
        generated.path.unlink()
