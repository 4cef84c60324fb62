"""The command line without a gateway: parsing, printing, exit codes, documents."""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridge_core import errors
from bridge_core.cli import main as cli
from bridge_core.cli.jobs import follow_jobs
from bridge_core.cli.output import CommandOutput, format_duration, format_size, format_table
from bridge_core.cli.sources import (
    add_matte_options,
    is_plate,
    matte_regions,
    parse_frame_range,
    parse_frames,
    shot_from_plate,
)
from bridge_core.models.frames import FrameRange
from bridge_core.models.gateway import Event, MediaInfo
from bridge_core.models.jobs import Job, JobProgress, JobState
from bridge_core.models.requests import Request

DOCUMENT = Path(__file__).parents[3] / "docs" / "cli.md"


def _error_classes(kind: type[errors.ShotbridgeError]) -> Iterator[type[errors.ShotbridgeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _error_classes(child)


def test_every_exit_code_is_documented() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.M)}
    used = {kind.exit_code for kind in _error_classes(errors.ShotbridgeError)}
    assert used | {0, 2, 130} == documented


def test_every_command_is_documented() -> None:
    commands = cli.build_parser(["--help"])._subparsers
    assert commands is not None
    text = DOCUMENT.read_text()
    for name in next(iter(commands._group_actions)).choices or ():
        assert f"`{name}" in text, f"{name} is not in docs/cli.md"


def test_an_error_is_text_for_people_and_json_for_scripts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "none.otio")
    assert cli.main(["timeline", "shots", missing]) == errors.TimelineError.exit_code
    captured = capsys.readouterr()
    assert captured.out == "" and "next:" in captured.err and missing in captured.err
    assert cli.main(["timeline", "shots", missing, "--json"]) == errors.TimelineError.exit_code
    problem = json.loads(capsys.readouterr().err)["error"]
    assert problem["code"] == "timeline" and problem["where"] == missing
    assert problem["message"] and problem["next_step"]


def test_settings_are_accepted_before_and_after_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ["--set", "client.retries=1", "config", "show", "--set", "work.show=300", "--json"]
    assert cli.main(args) == 0
    settings = json.loads(capsys.readouterr().out)
    assert settings["client.retries"]["value"] == 1
    assert settings["work.show"]["value"] == "300", "text stays text"


def test_a_setting_without_a_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--set", "client.retries", "config", "show"]) == errors.ConfigError.exit_code
    assert "KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001", (1001,)),
        ("1003,1001", (1001, 1003)),
        ("1001-1003, 1002", (1001, 1002, 1003)),
        ("-3--1", (-3, -2, -1)),
    ],
)
def test_lists_of_frames_and_ranges(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize("text", ["", "x", "1001-", "1001..1003", "1001;1002"])
def test_invalid_frames_are_refused(text: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="not a frame range"):
        parse_frames(text)


def test_frame_ranges() -> None:
    assert parse_frame_range("1001-1100") == (1001, 1100)
    assert parse_frame_range("-10-5") == (-10, 5)


@pytest.mark.parametrize(
    ("source", "plate"),
    [
        ("a.otio", False),
        ("A.EDL", False),
        ("a.%04d.exr", True),
        ("a.mov", True),
        ("a.####.dpx", True),
    ],
)
def test_every_other_file_is_a_plate(source: str, plate: bool) -> None:
    assert is_plate(source) is plate


def _shot(path: Path, frame_range: str | None = None, rate: str = "24000/1001") -> Any:
    return shot_from_plate(
        str(path), frame_range=frame_range, rate=rate, colour_space=None, show=None, name=None
    )


def test_a_plate_on_disk_becomes_a_shot(tmp_path: Path) -> None:
    for frame in (1001, 1002, 1004):
        (tmp_path / f"Fuchs und Hase.{frame}.exr").touch()
    shot = _shot(tmp_path / "Fuchs und Hase.####.exr")
    assert (shot.cut_range.first, shot.cut_range.last) == (1001, 1004)
    assert str(shot.cut_range.rate) == "24000/1001"
    assert shot.id.shot == "Fuchs und Hase" and shot.id.show == "unsorted"


def test_a_movie_without_media_info_needs_a_range(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRequest) as excinfo:
        _shot(tmp_path / "a.mov")
    assert "--range" in excinfo.value.next_step


def _movie(path: Path, frame_range: str | None = None, rate: str | None = None) -> Any:
    facts = MediaInfo(
        width=64,
        height=36,
        pixel_aspect=1,
        rate="30000/1001",
        frame_count=60,
        start_timecode="01:00:00;00",
        colour="",
    )
    return shot_from_plate(
        str(path),
        frame_range=frame_range,
        rate=rate,
        colour_space=None,
        show=None,
        name=None,
        get_media_facts=lambda plate: facts,
    )


@pytest.mark.parametrize(
    ("frame_range", "plate", "cut"),
    [
        (None, "1-60", "1-60"),
        ("1-60", "1-60", "1-60"),
        ("11-20", "1-60", "11-20"),
        ("1001-1060", "1001-1060", "1001-1060"),  # as long as the movie: renumbered
    ],
)
@pytest.mark.parametrize("rate", [None, "29.97", "30000/1001"])
def test_a_movies_own_rate_and_length(
    tmp_path: Path, frame_range: str | None, plate: str, cut: str, rate: str | None
) -> None:
    shot = _movie(tmp_path / "a.mov", frame_range, rate)
    assert (str(shot.plate.range), str(shot.cut_range)) == (plate, cut)
    assert str(shot.plate.range.rate) == "30000/1001"
    assert shot.plate.start_timecode == "01:00:00;00"


@pytest.mark.parametrize(
    ("frame_range", "rate"), [("1001-1030", None), ("0-9", None), (None, "24")]
)
def test_options_that_contradict_the_movie_are_refused(
    tmp_path: Path, frame_range: str | None, rate: str | None
) -> None:
    with pytest.raises(errors.InvalidRequest) as excinfo:
        _movie(tmp_path / "a.mov", frame_range, rate)
    assert excinfo.value.next_step


def test_without_a_gateway_a_movie_needs_range_and_rate(tmp_path: Path) -> None:
    def fail(plate: Any) -> Any:
        raise errors.GatewayUnreachable("no gateway answers")

    def shot(frame_range: str | None, rate: str | None) -> Any:
        return shot_from_plate(
            str(tmp_path / "a.mov"),
            frame_range=frame_range,
            rate=rate,
            colour_space=None,
            show=None,
            name=None,
            get_media_facts=fail,
        )

    assert str(shot("1-60", "25").plate.range) == "1-60"
    for frame_range, rate in (("1-60", None), (None, "25")):
        with pytest.raises(errors.GatewayUnreachable):
            shot(frame_range, rate)


def _mattes(*options: str, shot: Any) -> Any:
    parser = argparse.ArgumentParser()
    add_matte_options(parser)
    return matte_regions(parser.parse_args(options), shot)


def test_a_matte_is_a_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shot = _shot(tmp_path / "plate.%04d.exr", "1001-1010")
    assert _mattes(shot=shot) == ()
    options = ("--matte-channel", "mask.R", "--matte-frames", "1002-1004", "--matte-feather", "2.5")
    (matte,) = _mattes("--matte", "mattes/{shot}.####.exr", *options, shot=shot)
    assert matte.path == str(tmp_path / "mattes" / f"{shot.id.shot}.%04d.exr")
    assert (matte.channel, matte.feather) == ("mask.R", 2.5)
    assert matte.frames == FrameRange.of(1002, 1004, shot.plate.range.rate)
    for option in (options[:2], options[2:4], options[4:]):
        with pytest.raises(errors.InvalidRequest, match="are about a matte"):
            _mattes(*option, shot=shot)


def test_an_invalid_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match="rate"):
        _shot(tmp_path / "a.exr", frame_range="1-1", rate="fast")


def test_tables_are_aligned() -> None:
    text = format_table(("shot", "n"), [("AB_0010", 1), ("x", 22)])
    assert text.splitlines() == ["shot     n", "AB_0010  1", "x        22"]
    assert format_table(("shot",), []) == ""


def test_durations_and_sizes_are_formatted() -> None:
    assert [format_duration(s) for s in (None, 31, 725, 3729)] == ["", "0:31", "12:05", "1:02:09"]
    assert [format_size(b) for b in (12, 6_300_000, 2 * 10**12)] == ["12 B", "6.3 MB", "2.0 TB"]


def test_a_progress_bar_in_a_log_is_a_few_lines() -> None:
    log = io.StringIO()
    bar = CommandOutput(as_json=False, stdout=log, stderr=log).progress_bar("AB_0010")
    for done in range(101):
        bar.update(done, 100)
    bar.finish("done")
    lines = log.getvalue().splitlines()
    assert len(lines) <= 4 and lines[-1] == "AB_0010  done" and "\r" not in log.getvalue()


def test_a_progress_bar_shows_what_a_provider_reports() -> None:
    shot = _shot(Path("/plates/a.%04d.exr"), "1-4", "25")
    progress = JobProgress(step="run", fraction=0.5, seconds_left=31, message="denoising")
    job = Job(
        id="a" * 32,
        key="key-00001",
        request=Request(shot=shot, service="remote"),
        requested_by="Ada",
        state=JobState.RUNNING,
        created=datetime(2026, 11, 1, tzinfo=UTC),
        progress=progress,
    )

    class FakeClient:
        def wait(self, ids: list[str], on_event: Callable[[Event], None]) -> list[Job]:
            on_event(Event(id=1, kind="job", at=job.created, job=job))
            return [job]

    log = io.StringIO()
    output = CommandOutput(as_json=False, stdout=log, stderr=log)
    context: Any = SimpleNamespace(client=FakeClient(), output=output)
    assert follow_jobs(context, [job]) == [job]
    assert "█" * 14 + "░" * 14 + "  run  50%  0:31 left  denoising\n" in log.getvalue()


def test_there_is_no_progress_bar_with_json() -> None:
    log = io.StringIO()
    bar = CommandOutput(as_json=True, stdout=log, stderr=log).progress_bar("AB_0010")
    bar.update(1, 2)
    bar.finish("done")
    assert log.getvalue() == ""


def test_a_folder_without_a_demo_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("PySide6")
    assert cli.main(["panel", "--demo", str(tmp_path)]) == 3
    stderr = capsys.readouterr().err
    assert str(tmp_path / "summary.json") in stderr and "shotbridge demo" in stderr
