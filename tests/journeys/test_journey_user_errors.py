"""Errors of users: each is reported with its place and the next step, and nothing is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

SEND = ("--service", "round_trip")


def test_missing_frames_are_named(terminal: Any, cut: Path) -> None:
    for frame in (1003, 1005):
        (terminal.plates / "AB_0010" / f"AB_0010.{frame}.exr").unlink()
    problem = terminal.problem("send", str(cut), *SEND, "--shot", "AB_0010", code=5)
    assert problem["code"] == "missing_frames"
    assert problem["details"]["frames"] == [1003, 1005]
    assert "1003, 1005" in problem["message"] and "AB_0010" in problem["where"]


def test_a_bad_shot_does_not_stop_the_others(terminal: Any, cut: Path) -> None:
    (terminal.plates / "AB_0010" / "AB_0010.1003.exr").unlink()
    (job,) = terminal.json("send", str(cut), *SEND, code=5)
    assert job["request"]["shot"]["id"]["shot"] == "AB_0020" and job["state"] == "succeeded"


def test_without_a_gateway_requests_wait_in_the_outbox(terminal: Any, cut: Path) -> None:
    token = terminal.folder / "token"
    token.touch(0o600)
    token.write_text("a-token-of-a-gateway-that-is-down")
    # Port 9 is "discard"; no gateway listens there.
    options = ("--set", "client.url=http://127.0.0.1:9", "--set", f"client.token_file={token}")
    problem = terminal.problem(
        "send", str(cut), *SEND, *options, "--set", "client.retries=0", code=9
    )
    assert problem["code"] == "gateway_unreachable" and "kept in the outbox" in problem["message"]
    assert len(terminal.json("outbox")) == 2
    terminal.run("outbox", "--send")
    assert terminal.json("outbox") == [] and len(terminal.json("jobs")) == 2


def test_a_truncated_frame_is_named(terminal: Any, cut: Path) -> None:
    broken = terminal.plates / "AB_0010" / "AB_0010.1004.exr"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    (job,) = terminal.json("send", str(cut), *SEND, "--shot", "AB_0010", code=10)
    assert job["state"] == "failed" and job["problem"]["code"] == "unreadable_media"
    assert "1004" in job["problem"]["where"] + job["problem"]["message"]
    assert terminal.json("versions") == []


def test_an_unknown_colour_space_is_reported_with_similar_ones(terminal: Any) -> None:
    plate = terminal.plate(terminal.plates / "x", "x", range(1001, 1003))
    arguments = ("send", str(plate), *SEND, "--colour-space", "ACES - ACEScgg")
    (job,) = terminal.json(*arguments, code=10)
    assert job["problem"]["code"] == "unknown_colour_space"
    assert "ACEScg" in job["problem"]["message"] + job["problem"]["next_step"]


def test_a_service_or_parameter_that_does_not_exist(terminal: Any, cut: Path) -> None:
    problem = terminal.problem("send", str(cut), "--service", "upscal", code=4)
    assert "upscale" in problem["next_step"]
    arguments = ("send", str(cut), "--service", "upscale", "-p", "modle=span")
    problem = terminal.problem(*arguments, code=4)
    assert "modle" in problem["message"] and "model" in problem["next_step"]


def test_a_shot_that_the_cut_does_not_have(terminal: Any, cut: Path) -> None:
    problem = terminal.problem("send", str(cut), *SEND, "--shot", "AB_0099", code=4)
    assert "AB_0010, AB_0020" in problem["next_step"]


def test_ids_that_match_no_version_or_several(terminal: Any, cut: Path) -> None:
    assert "versions" in terminal.problem("approve", "nothing", code=4)["next_step"]
    terminal.json("send", str(cut), *SEND)
    ids = [version["id"] for version in terminal.json("versions")]
    problem = terminal.problem("approve", "", code=4)
    assert "no version" in problem["message"]
    shared = next((n for n in range(1, 32) if ids[0][:n] != ids[1][:n]), 32) - 1
    if shared:
        assert "2 versions" in terminal.problem("approve", ids[0][:shared], code=4)["message"]


def test_a_file_that_is_not_a_cut(terminal: Any) -> None:
    path = terminal.folder / "letter.otio"
    path.write_text("Dear Sir or Madam")
    assert str(path) in terminal.problem("timeline", "shots", str(path), code=6)["where"]


def test_a_plate_that_changes_while_its_job_is_queued(terminal: Any, cut: Path) -> None:
    # The first job keeps the only worker busy; then the plate of the second one changes.
    first = terminal.plate(terminal.plates / "busy", "busy", range(1001, 1121))
    terminal.json(
        "send", str(first), "--service", "upscale", "--colour-space", "ACEScg", "--no-wait"
    )
    (job,) = terminal.json("send", str(cut), *SEND, "--shot", "AB_0010", "--no-wait")
    changed = terminal.plates / "AB_0010" / "AB_0010.1004.exr"
    shutil.copy(terminal.plates / "AB_0020" / "AB_0020.1007.exr", changed)
    os.utime(changed, ns=(1, 1))
    (ended,) = terminal.json("watch", job["id"], code=10)
    assert ended["problem"]["code"] == "plate_changed"
    assert "1004" in ended["problem"]["message"] + ended["problem"]["where"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_library_without_write_permission(terminal: Any, cut: Path) -> None:
    terminal.library.mkdir()
    terminal.library.chmod(0o500)
    (job,) = terminal.json("send", str(cut), *SEND, "--shot", "AB_0010", code=10)
    assert job["problem"]["code"] == "not_writable"


def test_an_error_in_a_configuration_file(terminal: Any) -> None:
    config = terminal.folder / "site.yaml"
    config.write_text("client:\n  retreis: 3\n")
    terminal.settings["CLIENT__USER"] = "Ada"
    os.environ["SHOTBRIDGE_CONFIG"] = str(config)
    try:
        problem = terminal.problem("config", "show", code=3)
    finally:
        del os.environ["SHOTBRIDGE_CONFIG"]
    assert (
        "retreis" in problem["message"] and "retries" in problem["message"] + problem["next_step"]
    )
    assert f"{config}" in problem["where"] + problem["message"]
    assert "2" in problem["where"] + problem["message"], "the line number"
