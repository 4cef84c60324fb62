"""Rates and times in cuts: spellings, seconds and ticks, mixed rates, EDLs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from case_inputs.builders import clip, cut, external, sequence, span, speed, time_at, write
from cut_queries import cut_ranges, only_shot, record_ranges, shots_to_send

from bridge_core.cli.main import main
from bridge_core.errors import TimelineError
from bridge_core.hosts.base import HostCapability
from bridge_core.models.frames import to_rate
from bridge_core.timeline.cut import ProblemKind
from bridge_core.timeline.cut_reader import read_cut
from bridge_ui.host.playhead import find_viewed_frame

Inputs = Callable[[str], Path]
NTSC_24 = 24000 / 1001


def otio_frame_ranges(path: Path) -> list[tuple[int, int]]:
    """First and last frame that each clip of a file shows, according to OTIO."""
    timeline = otio.adapters.read_from_file(str(path))
    return [
        one.media_reference.frame_range_for_time_range(one.trimmed_range())
        for one in timeline.find_clips()
    ]


def test_spellings_of_ntsc_rates(case_input: Inputs) -> None:
    for file in sorted(case_input("ntsc-spellings-read").glob("*.otio")):
        assert cut_ranges(read_cut(file)) == [(1011, 1030)] == otio_frame_ranges(file), file.name


def test_whole_numbers_at_two_spellings_are_counts(tmp_path: Path) -> None:
    for media, own in ((23.976, NTSC_24), (NTSC_24, 23.98), (29.97, 30000 / 1001)):
        start = round(media) * 3600 * 14
        reference = sequence("plate/", rate=media, available=span(start, 60, media))
        cut(tmp_path / "cut.otio", clip("sh010", reference, span(start + 10, 20, own)))
        assert cut_ranges(read_cut(tmp_path / "cut.otio")) == [(1011, 1030)]


def test_a_plate_at_a_spelling_in_a_cut_at_another_rate(tmp_path: Path) -> None:
    """Through seconds at the rates as spelled, as in OTIO; the exact rates differ by 200 frames."""
    start = 24 * 3600 * 14
    reference = sequence("plate/", rate=23.98, available=span(start, 60, 23.98))
    own = round((start + 10.2) / 23.98 * 25)
    cut(tmp_path / "cut.otio", clip("sh010", reference, span(own, 20, 25)))
    assert cut_ranges(read_cut(tmp_path / "cut.otio")) == otio_frame_ranges(tmp_path / "cut.otio")


def test_the_default_rate_of_a_sequence_reference(case_input: Inputs) -> None:
    cut = read_cut(case_input("sequence-rate-default") / "cut.otio")
    assert cut_ranges(cut) == [(1011, 1030), (1031, 1050)]
    assert {item.shot.plate.range.rate for item in cut} == {24}
    assert [problem.skipped for problem in cut.problems] == [False, False]
    assert all("read at 24" in problem.message for problem in cut.problems)


@pytest.mark.parametrize("rate", [1, 1000, 2400])
def test_real_rates_that_look_like_seconds_and_ticks(tmp_path: Path, rate: int) -> None:
    """Time lapse and high-speed cameras: everything counts at the rate, which is reported."""
    reference = sequence("plate/", rate=rate, available=span(0, 60, rate))
    cut(tmp_path / "cut.otio", clip("sh010", reference, span(10, 20, rate)))
    read = read_cut(tmp_path / "cut.otio")
    assert cut_ranges(read) == [(1011, 1030)]
    assert (only_shot(read).shot.plate.range.rate, read.rate) == (rate, rate)
    (problem,) = read.problems
    assert f"{rate} frames per second" in problem.message
    assert not problem.skipped


@pytest.mark.parametrize("file", ["seconds", "milliseconds"])
def test_a_global_start_in_seconds(case_input: Inputs, file: str) -> None:
    cut = read_cut(case_input("global-start-in-seconds") / f"{file}.otio")
    assert record_ranges(cut) == [(86400, 86419), (86420, 86439)]
    assert cut.problems == ()


def test_a_sequence_whose_ranges_are_in_ticks(tmp_path: Path) -> None:
    """The reference gives its own rate, and with it that of the cut."""
    reference = sequence("plate/", available=span(0, 60000, 24000))
    cut(tmp_path / "cut.otio", clip("sh010", reference, span(10000, 20000, 24000)))
    read = read_cut(tmp_path / "cut.otio")
    assert cut_ranges(read) == [(1011, 1030)] == otio_frame_ranges(tmp_path / "cut.otio")
    assert record_ranges(read) == [(0, 19)]


@pytest.mark.parametrize("file", ["ticks", "milliseconds"])
def test_a_movie_whose_ranges_are_in_ticks(case_input: Inputs, file: str) -> None:
    path = case_input("clip-rate-24000") / f"{file}.otio"
    (problem,) = read_cut(path).problems
    assert (problem.kind, problem.skipped) == (ProblemKind.RATE, True)
    assert "--rate 24" in problem.next_step
    cut = read_cut(path, rate=24)
    assert (cut_ranges(cut), record_ranges(cut)) == ([(12, 23)], [(0, 11)])


def test_a_movie_whose_ranges_are_in_seconds(
    case_input: Inputs, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(case_input("seconds-on-a-movie") / "cut.otio")
    assert main(["send", path, "--service", "round_trip", "--quote"]) != 0
    (shot,) = shots_to_send(path, "--rate", "24")
    assert str(shot.cut_range) == "24-47"
    assert str(shot.plate.range) == "0-59"


@pytest.mark.parametrize(
    ("name", "frame"), [("24_in_25", 1010), ("48_in_24", 1021), ("50_in_25_200", 1041)]
)
def test_the_playhead_at_mixed_rates(case_input: Inputs, name: str, frame: int) -> None:
    class RecordFrameHost:
        """The part of a host that ``find_viewed_frame`` uses."""

        capabilities = frozenset({HostCapability.PLAYHEAD})

        def current_frame(self) -> int:
            return 10

    host: Any = RecordFrameHost()
    cut = read_cut(case_input("mixed-rate-playhead") / f"{name}.otio")
    viewed = find_viewed_frame(host, [item.shot for item in cut])
    assert viewed is not None
    assert viewed.frame == frame


def test_a_start_between_two_frames(case_input: Inputs) -> None:
    path = case_input("mixed-rate-fraction") / "cut.otio"
    shot = only_shot(read_cut(path)).shot
    assert (
        [(shot.cut_range.first, shot.cut_range.last)] == [(1005, 1028)] == otio_frame_ranges(path)
    )
    (one,) = otio.adapters.read_from_file(str(path)).find_clips()
    assert shot.plate_frames() == [
        one.media_reference.frame_for_time(otio.opentime.RationalTime(5 + k, 25)) for k in range(25)
    ]


def test_handles_of_a_shot_at_another_rate(case_input: Inputs) -> None:
    shot = only_shot(read_cut(case_input("mixed-rate-playhead") / "48_in_24.otio")).shot
    assert shot.plate_frame(26) == 1053
    assert shot.plate_frame(-1) is None  # before the plate's first frame


def test_odd_rates(case_input: Inputs) -> None:
    folder = case_input("odd-rates")
    for name in ("240000_1001", "15000_1001", "12000_1001", "50_3", "24_000001"):
        shot = only_shot(read_cut(folder / f"{name}.otio")).shot
        assert str(shot.cut_range) == "100-109"
        wanted = {"24_000001": "24"}.get(name, name.replace("_", "/"))
        assert shot.plate.range.rate == to_rate(wanted)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (239.76, "240000/1001"),
        (14.985, "15000/1001"),
        (100 / 3, "100/3"),
        (12.5, "25/2"),
        (72000 / 1001, "72000/1001"),
        (29.999999, "30"),
    ],
)
def test_more_odd_rates(given: float, expected: str) -> None:
    assert to_rate(given) == to_rate(expected)


# EDLs


def test_the_rate_of_an_edl(case_input: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    folder = case_input("edl-rate")
    with pytest.raises(TimelineError) as excinfo:
        read_cut(folder / "at25.edl")
    assert "--rate 25" in excinfo.value.next_step
    cut = read_cut(folder / "at25.edl", rate=25)
    assert cut_ranges(cut) == [(900000, 900048), (900250, 900299)]
    assert record_ranges(cut) == [(90000, 90048), (90049, 90098)]
    assert main(["timeline", "shots", str(folder / "at25.edl"), "--rate", "25"]) == 0
    assert "900000-900048" in capsys.readouterr().out
    for rate in ("29.97", "30000/1001", None):
        drop = read_cut(folder / "drop.edl", rate=rate)
        assert (cut_ranges(drop), record_ranges(drop)) == ([(109652, 109701)], [(107892, 107941)])
        assert any("29.97" in problem.message for problem in drop.problems) == (rate is None)


def test_an_edl_that_passes_midnight(case_input: Inputs) -> None:
    cut = read_cut(case_input("edl-midnight") / "midnight.edl")
    assert cut_ranges(cut) == [(2073552, 2073647), (86400, 86447)]
    assert record_ranges(cut) == [(2073552, 2073647), (2073648, 2073695)]


EVENT = "001  REEL01   V     C        {} {} 01:00:00:00 01:00:02:00\n"


@pytest.mark.parametrize(
    ("m2", "expected"),
    [
        ("-024.0                00:00:20:00", -1),
        ("-024                  00:00:18:00", -1),
        ("024.0                 00:00:18:00", 1),
    ],
)
def test_the_sign_of_an_m2(tmp_path: Path, m2: str, expected: int) -> None:
    event = EVENT.format("00:00:18:00", "00:00:20:00")
    text = f"TITLE: X\n{event}M2   REEL01       {m2}\n* FROM FILE: plate.0001.exr\n* kept\n"
    shot = only_shot(read_cut(write(tmp_path / "cut.edl", text), rate=24)).shot
    assert (str(shot.cut_range), shot.retime.speed) == ("432-479", expected)
    assert shot.plate_frame(86400) == (479 if expected < 0 else 432)


def test_an_m2_that_its_lengths_contradict(tmp_path: Path) -> None:
    event = EVENT.format("00:00:18:00", "00:00:20:00")
    text = f"TITLE: X\n{event}M2   REEL01       048.0   00:00:18:00\n* FROM FILE: plate.0001.exr\n"
    cut = read_cut(write(tmp_path / "cut.edl", text), rate=24)
    assert only_shot(cut).shot.retime.speed == 1
    assert cut.problems[0].kind is ProblemKind.RETIME


def test_a_freeze_whose_source_is_as_long_as_its_record(tmp_path: Path) -> None:
    event = EVENT.format("00:00:18:00", "00:00:20:00")
    text = f"TITLE: X\n{event}M2   REEL01       000.0   00:00:18:00\n* FROM FILE: plate.0001.exr\n"
    shot = only_shot(read_cut(write(tmp_path / "cut.edl", text), rate=24)).shot
    assert (str(shot.cut_range), shot.retime.speed) == ("432-432", 0)


def test_reversed_clips_of_an_edl(case_input: Inputs) -> None:
    cut = read_cut(case_input("edl-reverse") / "reverse.edl")
    assert [item.shot.retime.speed for item in cut] == [-1, -2]
    assert cut_ranges(cut)[0] == (432, 479)
    assert cut.shots[0].shot.plate_frame(86400) == 479


def test_names_in_an_edl_of_an_older_system(tmp_path: Path) -> None:
    event = EVENT.format("00:00:18:00", "00:00:20:00")
    text = f"TITLE: X\n{event}* FROM CLIP NAME: CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}\n"
    path = tmp_path / "cut.edl"
    path.write_bytes((text + "* FROM FILE: plate.0001.exr\n").encode("cp1252"))
    assert (
        only_shot(read_cut(path, rate=24)).clip_name == "CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}"
    )


def test_a_retime_at_mixed_rates_is_sampled_at_the_records_frames(tmp_path: Path) -> None:
    reference = external("plate.%04d.exr", span(0, 60, 50))
    cut(
        tmp_path / "cut.otio",
        clip("sh010", reference, span(0, 12, 25), speed(2)),
        start=time_at(0, 25),
    )
    shot = only_shot(read_cut(tmp_path / "cut.otio")).shot
    assert shot.plate_frames() == [4 * k for k in range(12)]
