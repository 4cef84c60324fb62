"""Random small movies: what is found in them is what was put into them.

Each picture is flat, made of known codes, one for each plane; so what its values must be follows
from the definitions of ITU-R BT.601, BT.709 and BT.2020 alone. Facts are compared with what was
written and, where it is installed, with what another FFmpeg's ``ffprobe`` says.
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

from bridge_core.models.frames import can_drop, frame_of, nominal, timecode
from bridge_gateway.media.movies import MovieReader

RATES = [
    *(Fraction(n) for n in (1, 12, 15, 24, 25, 30, 48, 50, 60, 100, 120)),
    *(Fraction(n * 1000, 1001) for n in (12, 15, 24, 30, 48, 60, 120)),
]
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
#: Encoder, its options, containers, pixel formats, greatest error of a sample in its own codes.
WAYS: list[tuple[str, dict[str, str], list[str], list[str], float]] = [
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
#: Containers that carry colour tags for these encoders.
TAGGED = {"ffv1", "libx264", "libvpx-vp9", "prores_ks"}


@dataclass
class Made:
    """A movie and what was put into it."""

    path: Path
    codec: str
    format: Any
    rate: Fraction
    start: str | None
    tags: tuple[int, int, int]
    range: int
    codes: list[list[int]]
    """Of each picture, a code for each plane."""
    error: float
    size: tuple[int, int]


def make(folder: Path, seed: int) -> Made:
    rng = np.random.default_rng(seed)

    def pick(choices: Any) -> Any:
        return choices[int(rng.integers(len(choices)))]

    codec, options, endings, formats, error = pick(WAYS)
    path, pixels = folder / f"{seed}{pick(endings)}", pick(formats)
    rate, count = pick(RATES), int(rng.integers(1, 6))
    size = (int(rng.integers(1, 5)) * 16, int(rng.integers(1, 5)) * 16)
    made = Made(
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
        if made.start:
            stream.metadata["timecode"] = made.start
        _tag(stream.codec_context, made)
        for index in range(count):
            frame = av.VideoFrame(*size, pixels)
            _tag(frame, made)
            frame.pts, frame.time_base = index, 1 / rate
            made.codes.append([_fill(rng, plane, made, n) for n, plane in enumerate(frame.planes)])
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made


def _tag(target: Any, made: Made) -> None:
    target.color_range = made.range
    if not made.format.is_rgb:
        target.color_primaries, target.color_trc, target.colorspace = made.tags


def _fill(rng: np.random.Generator, plane: Any, made: Made, number: int) -> int:
    bits = made.format.components[0].bits
    # Away from the ends, where an encoder that loses something clips.
    code = int(rng.integers(1 << bits >> 3, (1 << bits) - (1 << bits >> 3)))
    dtype = np.uint8 if bits == 8 else np.uint16
    np.frombuffer(plane, dtype)[:] = code
    return code


def _timecode(rng: np.random.Generator, rate: Fraction) -> str | None:
    if not 5 <= rate <= 60:
        return None
    drop = can_drop(rate) and rng.random() < 0.7
    day = nominal(rate) * 86400
    return timecode(int(rng.integers(day - 10 * day // 100)), rate, drop_frame=bool(drop))


def expected(made: Made, index: int) -> NDArray[np.float64]:
    """R, G, B (and A) of a picture, by the definitions."""
    bits, codes = made.format.components[0].bits, [float(code) for code in made.codes[index]]
    top, unit = float((1 << bits) - 1), float(1 << bits - 8)
    tagged = made.codec in TAGGED
    span = made.range if tagged else 0
    alpha = [codes.pop() / top] if any(c.is_alpha for c in made.format.components) else []
    if made.format.is_rgb:
        green, blue, red = (code / top for code in codes)
    elif len(codes) == 1:
        grey = (codes[0] - 16 * unit) / (219 * unit) if span == 1 else codes[0] / top
        red = green = blue = grey
    else:
        code = made.tags[2] if tagged and made.tags[2] != 2 else 6  # untagged and small: BT.601
        kr, kb = WEIGHTS[code]
        middle = float(1 << bits - 1)
        full = span == 2
        y = codes[0] / top if full else (codes[0] - 16 * unit) / (219 * unit)
        cb, cr = ((c - middle) / (top if full else 224 * unit) for c in codes[1:])
        red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
        green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.array([red, green, blue, *alpha])


def check(made: Made) -> None:
    bits = made.format.components[0].bits
    tolerance = 3 * made.error / (1 << bits) + 2e-6
    with MovieReader(made.path) as movie:
        facts = movie.facts
        assert (facts.rate, facts.count) == (made.rate, len(made.codes))
        assert (facts.width, facts.height, facts.bits) == (*made.size, bits)
        assert (facts.start_timecode is None) == (made.start is None)
        if made.start:
            assert facts.start_timecode == made.start
        if made.codec in TAGGED and not made.format.is_rgb:
            assert tuple(facts.tags) == made.tags
        for index in np.random.default_rng(len(made.codes)).permutation(len(made.codes)):
            picture = movie.read(int(index))
            values = picture.main.pixels[made.size[1] // 2, made.size[0] // 2].astype(np.float64)
            wanted = expected(made, int(index))
            assert values.shape == wanted.shape
            assert np.abs(values - wanted).max() <= tolerance, (index, values, wanted)
            if made.start:
                at = frame_of(made.start, made.rate) + int(index)
                drop = ";" in made.start
                code = timecode(at, made.rate, drop_frame=drop)
                assert facts.timecode_at(int(index)) == code
                # A header holds frames up to 39 (SMPTE ST 12-1).
                assert picture.timecode == (code if int(code[-2:]) < 40 else None)


def ffprobe(path: Path) -> Any:
    """What the system's FFmpeg says of the pictures, and of the timecode."""
    words = ("-count_packets", "-show_streams", "-show_format", "-of", "json")
    run = subprocess.run(
        ["ffprobe", "-v", "error", *words, str(path)], capture_output=True, text=True, timeout=30
    )
    said = json.loads(run.stdout)
    [stream] = [s for s in said["streams"] if s["codec_type"] == "video"]
    places = (said["format"], *said["streams"])
    codes = (place.get("tags", {}).get("timecode") for place in places)
    return stream, next(filter(None, codes), None)


@pytest.mark.parametrize("seed", range(60))
def test_a_movie_is_what_was_written(tmp_path: Path, seed: int) -> None:
    check(make(tmp_path, seed))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe is installed here")
@pytest.mark.parametrize("seed", range(20))
def test_another_ffmpeg_says_the_same(tmp_path: Path, seed: int) -> None:
    made = make(tmp_path, seed)
    stream, start = ffprobe(made.path)
    with MovieReader(made.path) as movie:
        facts = movie.facts
    assert facts.count == int(stream["nb_read_packets"])
    assert abs(float(facts.rate) - float(Fraction(stream["r_frame_rate"]))) < 0.01
    assert (facts.width, facts.height) == (stream["width"], stream["height"])
    assert facts.start_timecode == start


@pytest.mark.properties
@pytest.mark.parametrize("hundred", range(100))
def test_ten_thousand_movies(tmp_path: Path, hundred: int) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        made = make(tmp_path, seed)
        check(made)
        made.path.unlink()
