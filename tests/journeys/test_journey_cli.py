"""The main workflow on the command line: send the shots of a cut, get versions, approve one, and
write a cut that contains it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio
import pytest

from bridge_core.cli.context import CommandContext, parse_key_value
from bridge_core.cli.main import build_parser
from bridge_core.cli.output import CommandOutput
from bridge_core.cli.panel import panel_arguments
from bridge_core.client import Client
from bridge_core.config import load_settings
from bridge_core.gateway_launcher import stop_gateway


def read(path: Path) -> tuple[np.ndarray[Any, Any], oiio.ImageSpec]:
    source = oiio.ImageInput.open(str(path))
    assert source, oiio.geterror()
    spec = source.spec()
    return source.read_image(0, 0, 0, spec.nchannels, oiio.HALF), spec


def frames_of(version: dict[str, Any], output: str = "main") -> list[Path]:
    pattern = next(o["pattern"] for o in version["outputs"] if o["name"] == output)
    return [Path(version["folder"]) / (pattern % frame) for frame in version["frames"]]


def test_a_round_trip_is_bit_exact(terminal: Any, cut: Path) -> None:
    jobs = terminal.json("send", str(cut), "--service", "round_trip")
    assert [job["state"] for job in jobs] == ["succeeded", "succeeded"]
    versions = terminal.json("versions")
    assert [v["frames"] for v in versions] == [list(range(1001, 1009))] * 2
    for version in versions:
        for frame, path in zip(version["frames"], frames_of(version), strict=True):
            back, spec = read(path)
            assert np.array_equal(back.view(np.uint16), terminal.pixels(frame).view(np.uint16))
            assert spec.getattribute("camera") == "bridge test camera"
            assert spec.getattribute("compression") == "zip"


def test_from_a_cut_to_an_approved_version_in_a_new_cut(terminal: Any, cut: Path) -> None:
    terminal.json("send", str(cut), "--service", "upscale", "--shot", "AB_0010")
    (version,) = terminal.json("versions", "--shot", "AB_0010")
    for path in frames_of(version):
        back, spec = read(path)
        assert back.shape == (terminal.height * 2, terminal.width * 2, 3)
        assert np.isfinite(back.astype(np.float32)).all()
        assert back.max() > 1.0 and back.min() < 0.0, "values outside 0 to 1 are kept"
        assert spec.getattribute("camera") == "bridge test camera"

    (approved,) = terminal.json("approve", version["id"][:6], "--comment", "fine")
    assert approved["status"] == "approved"
    assert approved["decisions"][0]["by"] == "Ada Lovelace"

    target = terminal.folder / "reel 2.otio"
    terminal.json("timeline", "place", str(cut), "-o", str(target))
    before, after = (otio.adapters.read_from_file(str(path)).find_clips() for path in (cut, target))
    assert after[0].active_media_reference_key == "shotbridge:upscale:v001"
    assert after[0].source_range == before[0].source_range
    assert after[1].media_references().keys() == before[1].media_references().keys()
    reference = after[0].media_reference
    assert Path(reference.target_url_for_image_number(0).removeprefix("file://")).suffix == ".exr"
    changes = terminal.json("timeline", "diff", str(cut), str(target))
    assert changes["counts"]["unchanged"] == 2

    lineage = terminal.json("lineage", version["id"])
    assert lineage["requested_by"] == "Ada Lovelace"
    assert lineage["models"][0]["id"] == "span-x2" and lineage["models"][0]["sha256"]
    assert len(lineage["inputs"]) == 8 and lineage["colour"]


def test_a_cut_is_quoted_in_one_call_and_its_show_has_a_ledger(terminal: Any, cut: Path) -> None:
    arguments = ("send", str(cut), "--service", "round_trip")
    quotes = terminal.json(*arguments, "--quote")
    assert [(one["frames"], one["allowed"]) for one in quotes] == [(8, True), (8, True)]
    assert [one["cost"] for one in quotes] == [{"amount": "0", "currency": "USD"}] * 2
    assert terminal.json("jobs") == [] and terminal.json("ledger") == []
    terminal.json(*arguments, "--shot", "AB_0010")
    (job,) = terminal.json("jobs")
    assert job["requested_by"] == "Ada Lovelace"
    show = job["request"]["shot"]["id"]["show"]
    expected = {"show": show, "currency": "USD", "reserved": "0", "charged": "0"}
    assert terminal.json("ledger") == [expected]
    assert terminal.json("ledger", "--show", "another") == []
    assert "0.00 USD" in terminal.run("ledger").stdout


def test_a_matte_is_a_sequence_and_an_alpha(terminal: Any, cut: Path) -> None:
    terminal.json("send", str(cut), "--service", "matte", "--shot", "AB_0020")
    (version,) = terminal.json("versions")
    main, _ = read(frames_of(version)[0])
    matte, spec = read(frames_of(version, "matte")[0])
    assert main.shape == (terminal.height, terminal.width, 4) and spec.nchannels == 1
    assert np.array_equal(main[..., 3], matte[..., 0])
    assert np.array_equal(main[..., :3].view(np.uint16), terminal.pixels(1001).view(np.uint16))


def test_pictures_outside_the_media_roots_are_uploaded(terminal: Any, cut: Path) -> None:
    terminal.settings["GATEWAY__MEDIA_ROOTS"] = "[]"
    (job, _) = terminal.json("send", str(cut), "--service", "round_trip")
    lineage = terminal.json("lineage", job["version_id"])
    assert all(file["sha256"] for file in lineage["inputs"])
    back, _ = read(frames_of(terminal.json("versions")[0])[3])
    assert np.array_equal(back.view(np.uint16), terminal.pixels(1004).view(np.uint16))


def test_a_test_frame_is_never_a_version(terminal: Any, cut: Path) -> None:
    arguments = ("send", str(cut), "--service", "upscale", "--shot", "AB_0010")
    (job,) = terminal.json(*arguments, "--test-frames", "1004")
    assert job["state"] == "succeeded" and job["version_id"] is None and job["test_frame_id"]
    assert terminal.json("versions") == []
    (job,) = terminal.json(*arguments)
    assert [v["number"] for v in terminal.json("versions")] == [1]


def test_the_same_plate_again_is_the_next_version(terminal: Any, cut: Path) -> None:
    for _ in range(2):
        terminal.json("send", str(cut), "--service", "round_trip", "--shot", "AB_0010")
    first, second = terminal.json("versions")
    assert (first["number"], second["number"]) == (1, 2)
    assert Path(first["folder"]).exists() and first["folder"] != second["folder"]


@pytest.mark.slow
def test_the_demo_with_another_cut(
    terminal: Any, cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = terminal.folder / "out"
    terminal.run("demo", str(cut), "--service", "upscale", "--out", str(out))
    summary = json.loads((out / "summary.json").read_text())
    assert summary["shots"] == 2
    assert [job["state"] for job in summary["jobs"]] == ["succeeded", "succeeded"]
    assert [job["status"] for job in summary["jobs"]] == ["approved", "pending review"]
    clips = otio.adapters.read_from_file(summary["timeline"]).find_clips()
    assert clips[0].active_media_reference_key == "shotbridge:upscale:v001"
    assert Path(summary["contact_sheet"]).stat().st_size > 10_000
    assert not terminal.library.exists(), "the demo uses its own folder only"

    # The panel has to ignore this user's settings, which know of no versions.
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    output = panel_arguments(
        CommandContext(
            build_parser().parse_args(["panel", "--demo", str(out)]), CommandOutput(as_json=False)
        )
    )
    assert output[0] == str(cut)
    settings = load_settings(dict(parse_key_value(text) for text in output[2::2])).settings
    assert settings.gateway.media_roots == tuple(sorted(p for p in terminal.plates.iterdir()))
    try:
        with Client(settings) as client:
            statuses = {(v.shot.shot, v.status) for v in client.versions()}
    finally:
        stop_gateway(settings)
    assert statuses == {("AB_0010", "approved"), ("AB_0020", "pending review")}


def test_a_failed_demo_has_an_exit_code(terminal: Any, cut: Path) -> None:
    broken = terminal.plates / "AB_0010" / "AB_0010.1004.exr"
    broken.write_bytes(broken.read_bytes()[:200])
    out = terminal.folder / "out"
    arguments = ("demo", str(cut), "--service", "round_trip", "--out", str(out))
    summary = terminal.json(*arguments, code=10)
    assert [job["state"] for job in summary["jobs"]] == ["failed", "succeeded"]
