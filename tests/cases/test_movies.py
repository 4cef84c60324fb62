"""What a movie says of itself counts, comes back, and is compared with what was said of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from case_inputs.kit import bars, movie, number_in
from terminal import Terminal

from bridge_gateway.media.movies import MovieReader

Input = Callable[[str], Path]


@pytest.fixture
def show(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def send(terminal: Terminal, show: str, path: Path, *words: str, code: int = 0) -> Any:
    told = ("send", str(path), "--service", "round_trip", *words)
    return terminal.json("--show", show, *told, code=code)


def version(terminal: Terminal, show: str) -> Any:
    [found] = terminal.json("--show", show, "versions")
    return found


def result(terminal: Terminal, show: str) -> Path:
    """The one movie that came back."""
    found = version(terminal, show)
    return Path(found["folder"]) / found["outputs"][0]["pattern"]


def tags(path: Path) -> tuple[set[tuple[int, ...]], tuple[int, ...]]:
    """Primaries, transfer and matrix of each frame, and of the container's ``colr`` atom."""
    with av.open(str(path)) as container:
        frames = {
            (int(f.color_primaries), int(f.color_trc), int(f.colorspace))
            for f in container.decode(video=0)
        }
    data = path.read_bytes()
    at = data.find(b"colrncl")
    if at < 0:
        return frames, ()
    return frames, tuple(int.from_bytes(data[at + k : at + k + 2], "big") for k in (8, 10, 12))


# --- rate and timecode


def test_a_movie_comes_back_at_its_own_rate_with_its_timecode(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-rate-timecode") / "m2997.mov"
    send(terminal, show, source, "--range", "1-60", "--delivery", "plate")
    with MovieReader(result(terminal, show)) as made:
        assert (made.facts.rate, made.facts.count) == (Fraction(30000, 1001), 60)
        assert made.facts.start_timecode == "01:00:00;00"
    assert version(terminal, show)["outputs"][0]["range"]["rate"] == "30000/1001"


def test_a_movie_needs_neither_rate_nor_range(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-rate-timecode") / "m25.mp4"
    send(terminal, show, source, "--delivery", "plate", "--colour-space", "sRGB - Display")
    with MovieReader(result(terminal, show)) as made:
        assert (made.facts.rate, made.facts.count) == (25, 50)


def test_some_frames_of_a_movie_start_at_their_own_timecode(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-rate-timecode") / "m2997.mov"
    send(terminal, show, source, "--range", "11-20", "--delivery", "plate")
    with MovieReader(result(terminal, show)) as made:
        assert made.facts.start_timecode == "01:00:00;10"
        assert [number_in(made.read(k).rgb()) for k in (0, 9)] == [10, 19]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--rate", "24", "--range", "1-60"), "runs at 30000/1001"),
        (("--range", "1001-1030"), "has the frames 1-60"),
    ],
)
def test_what_the_movie_contradicts_is_refused(
    terminal: Terminal, case_input: Input, show: str, words: tuple[str, ...], what: str
) -> None:
    source = case_input("movie-rate-timecode") / "m2997.mov"
    problem = terminal.problem("send", str(source), "--service", "round_trip", *words, code=4)
    assert problem["code"] == "invalid_request" and what in problem["what"]
    assert problem["next_step"]


def test_spellings_of_the_rate_are_equal(terminal: Terminal, case_input: Input, show: str) -> None:
    source = case_input("movie-rate-timecode") / "m2997.mov"
    [job] = send(terminal, show, source, "--rate", "29.97", "--try", "1")
    assert job["state"] == "succeeded" and job["warnings"] == []


# --- colour


def test_high_dynamic_range_keeps_its_bits_and_tags(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-high-dynamic-range") / "pq.mp4"
    send(terminal, show, source, "--range", "1-12", "--delivery", "plate")
    made = result(terminal, show)
    assert tags(made) == ({(9, 16, 9)}, (9, 16, 9))
    assert version(terminal, show)["colour_space" if False else "outputs"][0]["depth"] == "uint10"
    with MovieReader(source) as before, MovieReader(made) as after:
        assert np.abs(before.read(3).rgb() - after.read(3).rgb()).max() < 0.01


@pytest.mark.parametrize(
    ("case", "name", "codes"),
    [
        ("movie-high-dynamic-range", "pq.mov", (9, 16, 9)),
        ("movie-prores-tags", "bt601.mov", (6, 6, 6)),
        ("movie-prores-tags", "p3.mov", (12, 1, 1)),
    ],
)
def test_prores_is_tagged_as_its_plate(
    terminal: Terminal, case_input: Input, show: str, case: str, name: str, codes: tuple[int, ...]
) -> None:
    send(terminal, show, case_input(case) / name, "--range", "1-12", "--delivery", "plate")
    assert tags(result(terminal, show)) == ({codes}, codes)


@pytest.mark.parametrize(
    ("name", "space"),
    [("pq.mp4", "Rec.2100-PQ - Display"), ("srgb.mov", "sRGB - Display")],
)
def test_the_space_that_a_movie_is_tagged_with_counts(
    terminal: Terminal, case_input: Input, show: str, name: str, space: str
) -> None:
    send(terminal, show, case_input("movie-colour-tags") / name, "--try", "1")
    send(terminal, show, case_input("movie-colour-tags") / name, "--range", "1-4")
    found = version(terminal, show)
    assert found["outputs"][0]["colour_space"] == space and found["warnings"] == []


def test_another_space_than_the_tags_mean_is_said(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-colour-tags") / "pq.mp4"
    [job] = send(terminal, show, source, "--colour-space", "Rec.1886 Rec.709 - Display")
    [warning] = job["warnings"]
    assert "PQ, BT.2020 (H.273 codes 9/16/9)" in warning and "Rec.1886 Rec.709" in warning
    found = version(terminal, show)
    assert found["warnings"] == [warning]
    assert terminal.json("lineage", found["id"])["warnings"] == [warning]
    said = terminal.run("watch", job["id"]).stderr
    assert warning in said


# --- samples


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gbrp9.mkv", 256 / 511),
        ("gbrp14.mkv", 8192 / 16383),
        ("yuv444p9.mkv", (256 - 32) / 438),
        ("yuv444p14.mkv", (8192 - 1024) / 14016),
        ("gray9.mkv", 256 / 511),
        ("gray14.mkv", 8192 / 16383),
        ("rgb555.avi", 1.0),
    ],
)
def test_samples_of_odd_depths(case_input: Input, name: str, value: float) -> None:
    with MovieReader(case_input("movie-odd-depths") / name) as movie:
        middle = movie.read(0).rgb()[18, 32]
    assert np.abs(middle - value).max() < 1e-4


def test_alpha_of_vp9_is_read(case_input: Input) -> None:
    with MovieReader(case_input("movie-vp9-alpha") / "alpha.webm") as movie:
        pictures = [movie.read(k) for k in (0, 5, 2)]  # forwards, then back
    for picture in pictures:
        alpha = picture.alpha()
        assert alpha is not None and np.abs(alpha - 0.5).max() < 0.01
        assert np.abs(picture.rgb() - 0.785).max() < 0.01


# --- a cut in seconds


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("seconds-on-a-movie", "cut.otio"),
        ("clip-rate-24000", "ticks.otio"),
        ("clip-rate-24000", "milliseconds.otio"),
    ],
)
def test_a_cut_at_another_rate_than_the_movie_sends_no_other_frames(
    terminal: Terminal, case_input: Input, show: str, case: str, name: str
) -> None:
    cut = case_input(case) / name
    with terminal.start("--show", show, "send", str(cut), "--service", "round_trip") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert ("24" in out + err and "Next" in err) or "available range" in err
    assert json.loads(terminal.run("--show", show, "--json", "versions").stdout) == []


def test_bars_are_numbers(tmp_path: Path) -> None:
    """The inputs prove what they should: a movie's pictures carry their numbers."""
    path = movie(tmp_path / "m.mov", 3, first=7)
    with MovieReader(path) as reader:
        assert [number_in(reader.read(k).rgb()) for k in range(3)] == [7, 8, 9]
    assert number_in(bars(7)) == 7
