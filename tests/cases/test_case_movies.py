"""Movies: rate, timecode, colour tags and samples are read, preserved and checked."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from case_inputs.builders import movie, read_number
from terminal import Terminal

from bridge_core.errors import InvalidRequest
from bridge_core.models.frames import FrameRange, frame_to_timecode
from bridge_core.models.media import Plate
from bridge_core.models.requests import OutputFormat
from bridge_core.models.settings import ColourSettings, GatewaySettings
from bridge_gateway.media.colour import ColourManager
from bridge_gateway.media.movie_reader import MovieReader
from bridge_gateway.media.plate_reader import PlateReader, probe
from bridge_gateway.providers.base import ProviderTask, TaskResult
from bridge_gateway.providers.local.local_task import LocalTask
from bridge_gateway.providers.local.task_runner import LocalTaskRunner

Input = Callable[[str], Path]


@pytest.fixture
def show(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


@pytest.fixture(scope="module")
def processor() -> Iterator[LocalTaskRunner]:
    yield LocalTaskRunner()


@pytest.fixture(scope="module")
def colour() -> ColourManager:
    return ColourManager(ColourSettings())


def send(terminal: Terminal, show: str, path: Path, *args: str, code: int = 0) -> Any:
    command = ("send", str(path), "--service", "round_trip", *args)
    return terminal.json("--show", show, *command, code=code)


def version(terminal: Terminal, show: str) -> Any:
    [newest] = terminal.json("--show", show, "versions")
    return newest


def deliver_movie(
    processor: LocalTaskRunner, source: Path, folder: Path
) -> tuple[Path, TaskResult]:
    """Process a movie with the round trip service, in its own format."""
    facts = probe(source)
    plate = Plate(path=str(source), range=FrameRange.of(1, facts.frame_count, facts.rate))
    task = ProviderTask(
        job_id="job",
        service="round_trip",
        parameters={"mode": "passthrough"},
        plate=plate,
        files=dict.fromkeys(plate.range.frames(), source),
        frames=tuple(plate.range.frames()),
        colour_space="Rec.2100-PQ - Display",
        output_format=OutputFormat.PLATE,
        folder=folder,
    )
    settings = GatewaySettings(models_dir=folder / "none")
    result = processor.run(LocalTask.from_task(task, settings, threads=2), lambda frame: None)
    return folder / result.outputs[0].pattern, result


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


# Rate and timecode


def test_a_movie_keeps_its_rate_and_timecode(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-rate-timecode") / "m2997.mov"
    [job] = send(terminal, show, source, "--range", "11-20", "--output-format", "plate")
    assert job["warnings"] == []
    newest = version(terminal, show)
    [output] = newest["outputs"]
    assert output["range"] == {"first": 11, "last": 20, "rate": "30000/1001"}
    with MovieReader(Path(newest["folder"]) / output["pattern"]) as reader:
        assert (reader.info.rate, reader.info.frame_count) == (Fraction(30000, 1001), 10)
        assert reader.info.start_timecode == "01:00:00;10"
        assert [read_number(reader.read(k).rgb()) for k in (0, 9)] == [10, 19]


def test_a_rate_that_the_movie_contradicts_is_refused(
    terminal: Terminal, case_input: Input
) -> None:
    source = case_input("movie-rate-timecode") / "m2997.mov"
    options = ("--service", "round_trip", "--range", "1-60", "--rate", "24")
    problem = terminal.problem("send", str(source), *options, code=4)
    assert problem["code"] == "invalid_request" and "runs at 30000/1001" in problem["message"]
    assert "--rate" in problem["next_step"]


@pytest.mark.parametrize("name", ["m2997.mov", "m25.mp4"])
def test_all_of_a_movie(
    processor: LocalTaskRunner, case_input: Input, tmp_path: Path, name: str
) -> None:
    source = case_input("movie-rate-timecode") / name
    path, _ = deliver_movie(processor, source, tmp_path)
    before, after = probe(source), probe(path)
    assert (after.rate, after.frame_count) == (before.rate, before.frame_count)
    assert after.start_timecode == before.start_timecode


# Colour


@pytest.mark.parametrize(
    ("case", "name", "codes", "depth"),
    [
        ("movie-high-dynamic-range", "pq.mp4", (9, 16, 9), "uint10"),
        ("movie-high-dynamic-range", "pq.mov", (9, 16, 9), "uint10"),
        ("movie-prores-tags", "bt601.mov", (6, 6, 6), "uint10"),
        ("movie-prores-tags", "p3.mov", (12, 1, 1), "uint10"),
        # Untagged movies stay untagged; the matrix is that of small pictures.
        ("movie-rate-timecode", "m2997.mov", (2, 2, 6), "uint10"),
        ("movie-rate-timecode", "m25.mp4", (2, 2, 6), "uint8"),
    ],
)
def test_a_movie_keeps_its_bits_and_tags(
    processor: LocalTaskRunner,
    case_input: Input,
    tmp_path: Path,
    case: str,
    name: str,
    codes: tuple[int, ...],
    depth: str,
) -> None:
    source = case_input(case) / name
    path, result = deliver_movie(processor, source, tmp_path)
    assert tags(path) == ({codes}, codes if codes[0] != 2 else ())
    assert result.outputs[0].depth == depth
    assert "/".join(map(str, codes)) in result.colour_conversions[-2]
    with MovieReader(source) as before, MovieReader(path) as after:
        error = np.abs(before.read(3).rgb() - after.read(3).rgb())
    assert np.median(error) < 0.01


@pytest.mark.parametrize(
    ("case", "name", "space", "warned"),
    [
        ("movie-colour-tags", "pq.mp4", "Rec.2100-PQ - Display", ""),
        ("movie-colour-tags", "srgb.mov", "sRGB - Display", ""),
        ("movie-rate-timecode", "m25.mp4", "Rec.1886 Rec.709 - Display", ""),
        ("movie-prores-tags", "p3.mov", "Rec.1886 Rec.709 - Display", "P3-D65"),
        ("movie-prores-tags", "bt601.mov", "Rec.1886 Rec.709 - Display", "BT.601 525"),
    ],
)
def test_a_movies_colour_tags_are_used(
    colour: ColourManager, case_input: Input, case: str, name: str, space: str, warned: str
) -> None:
    path = case_input(case) / name
    resolved = colour.resolve_space(
        Plate(path=str(path), range=FrameRange.of(1, 4)), probe(path).colour_tag
    )
    assert resolved.space == space
    assert [warned in text for text in resolved.warnings] == [True] * bool(warned)


def test_a_colour_space_that_contradicts_the_tags_is_reported(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    source = case_input("movie-colour-tags") / "pq.mp4"
    [job] = send(terminal, show, source, "--colour-space", "Rec.1886 Rec.709 - Display")
    [warning] = job["warnings"]
    assert "PQ, BT.2020 (H.273 codes 9/16/9)" in warning and "Rec.1886 Rec.709" in warning
    newest = version(terminal, show)
    assert newest["warnings"] == [warning]
    assert terminal.json("lineage", newest["id"])["warnings"] == [warning]
    assert warning in terminal.run("watch", job["id"]).stderr


# Samples


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
def test_samples_of_unusual_bit_depths(case_input: Input, name: str, value: float) -> None:
    with MovieReader(case_input("movie-odd-depths") / name) as movie:
        middle = movie.read(0).rgb()[18, 32]
    assert np.abs(middle - value).max() < 1e-4


def test_alpha_of_vp9_is_read(case_input: Input) -> None:
    with MovieReader(case_input("movie-vp9-alpha") / "alpha.webm") as movie:
        pictures = [movie.read(k) for k in (0, 5, 2)]  # forwards, then backwards
    for picture in pictures:
        alpha = picture.alpha()
        assert alpha is not None and np.abs(alpha - 0.5).max() < 0.01
        assert np.abs(picture.rgb() - 0.785).max() < 0.01


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_alpha_is_read_with_its_tag_in_capitals(tmp_path: Path, codec: str) -> None:
    """As FFmpeg's own command line writes it (-metadata:s:v alpha_mode=1)."""
    path = tmp_path / "alpha.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options={"auto-alt-ref": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuva420p"
        stream.metadata["alpha_mode"] = "1"
        for number in range(3):
            array = np.full((36, 64, 4), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(array, format="rgba").reformat(format="yuva420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert container.streams.video[0].metadata.get("ALPHA_MODE") == "1"
    with MovieReader(path) as reader:
        for index in (0, 2, 1):
            alpha = reader.read(index).alpha()
            assert alpha is not None and abs(alpha.mean() - 0.5) < 0.01


def test_odd_sizes_are_refused_before_any_work(processor: LocalTaskRunner, tmp_path: Path) -> None:
    """H.264 in 4:4:4 may have odd sizes, the 4:2:0 that is written may not."""
    path = movie(tmp_path / "odd.mp4", 3, 24, "libx264", "yuv444p", size=(65, 37))
    (tmp_path / "work").mkdir()
    with pytest.raises(InvalidRequest, match="needs an even size") as excinfo:
        deliver_movie(processor, path, tmp_path / "work")
    assert "output_format: exr" in excinfo.value.next_step
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]


# Cuts at another rate than their movie


def test_a_cut_in_seconds_is_refused_without_a_rate(
    terminal: Terminal, case_input: Input, show: str
) -> None:
    cut = case_input("seconds-on-a-movie") / "cut.otio"
    with terminal.start("--show", show, "send", str(cut), "--service", "round_trip") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode != 0 and "24" in err
    assert json.loads(terminal.run("--show", show, "--json", "versions").stdout) == []


@pytest.mark.parametrize("rate", [1, 1000, 24000])
def test_frames_counted_at_another_rate_are_refused(case_input: Input, rate: int) -> None:
    path = case_input("clip-rate-24000") / "m24.mov"
    plate = Plate(path=str(path), range=FrameRange.of(0, 2 * rate - 1, rate))
    with PlateReader(plate, {0: path}) as reader, pytest.raises(InvalidRequest) as excinfo:
        reader.read(0)
    assert "runs at 24 " in excinfo.value.message and "available range" in excinfo.value.next_step


# Notes on metadata


def patch_bytes(source: Path, target: Path, marker: bytes, offset: int, value: bytes) -> Path:
    """Copy a file, with ``value`` at ``offset`` bytes after the start of the last ``marker``."""
    data = bytearray(source.read_bytes())
    start = data.rindex(marker) + offset
    data[start : start + len(value)] = value
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("rate", "counts", "number", "timecode"),
    [
        (60, (30, 1, 30), 30 * 3600 + 15, "01:00:00:30"),
        (60, (60, 1, 30), 30 * 3600 + 15, "01:00:00:30"),
        (Fraction(60000, 1001), (30000, 1001, 30), 30 * 3600 + 15, "01:00:00:30"),
        (50, (25, 1, 25), 25 * 3600 + 24, "01:00:00:48"),
        (24, (30, 1, 30), 30 * 3600, "01:00:00:00"),
        (24, (30, 1, 30), 30 * 3600 + 1, None),
        (60, (60, 1, 60), 60 * 3600 + 45, "01:00:00:45"),
    ],
)
def test_a_timecode_track_may_count_at_another_rate(
    tmp_path: Path,
    rate: Fraction | int,
    counts: tuple[int, int, int],
    number: int,
    timecode: str | None,
) -> None:
    """``counts`` are time scale, frame duration and number of frames in the track's description."""
    before = 4321
    whole = movie(
        tmp_path / "whole.mov",
        3,
        rate,
        "prores_ks",
        "yuv422p10le",
        timecode=frame_to_timecode(before, rate),
    )
    slow = patch_bytes(whole, tmp_path / "slow.mov", b"tmcd", 20, struct.pack(">IIB", *counts))
    data = slow.read_bytes()
    sample = before.to_bytes(4, "big")
    assert data.count(sample) == 1
    slow.write_bytes(data.replace(sample, number.to_bytes(4, "big")))
    facts = probe(slow)
    assert facts.start_timecode == timecode
    assert ("timecode" in " ".join(facts.notes)) is (timecode is None)


def test_a_rotated_movie_is_reported(tmp_path: Path) -> None:
    whole = movie(tmp_path / "whole.mp4", 3)
    turn = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 36 << 16, 0, 1 << 30)
    phone = patch_bytes(whole, tmp_path / "phone.mp4", b"tkhd", 44, turn)
    assert probe(whole).notes == ()
    assert probe(phone).notes == (
        "players rotate its pictures by 90 degrees clockwise; they are sent as stored",
    )
    assert (probe(phone).width, probe(phone).height) == (64, 36)


def test_interlaced_fields_are_reported(tmp_path: Path) -> None:
    camera = movie(tmp_path / "pal.mov", 3, 25, "dvvideo", "yuv420p", options={}, size=(720, 576))
    [note] = probe(camera).notes
    assert note.startswith("it is interlaced")


@pytest.mark.parametrize(
    ("name", "codec", "pixels"), [("cut.mkv", "ffv1", "yuv420p"), ("cut.avi", "rawvideo", "bgr24")]
)
def test_a_truncated_movie_is_reported(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    path = movie(tmp_path / name, 20, 24, codec, pixels, options={})
    assert probe(path).notes == ()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    facts = probe(path)
    assert facts.frame_count is not None and facts.frame_count < 15
    assert f"announces 20 pictures and it has {facts.frame_count}" in facts.notes[0]
