"""The main job: a cut is read, its shots are sent, versions come back, one is approved, a new cut
carries it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import opentimelineio as otio
import pytest

from bridge_core.cli.call import Call, pair
from bridge_core.cli.main import build_parser
from bridge_core.cli.output import Output
from bridge_core.cli.panel import words
from bridge_core.client import Client
from bridge_core.config import load
from bridge_core.launcher import stop


def read(path: Path) -> tuple[np.ndarray[Any, Any], oiio.ImageSpec]:
    source = oiio.ImageInput.open(str(path))
    assert source, oiio.geterror()
    spec = source.spec()
    return source.read_image(0, 0, 0, spec.nchannels, oiio.HALF), spec


def frames_of(version: dict[str, Any], output: str = "main") -> list[Path]:
    pattern = next(o["pattern"] for o in version["outputs"] if o["name"] == output)
    return [Path(version["folder"]) / (pattern % frame) for frame in version["frames"]]


def test_a_round_trip_comes_back_bit_for_bit(desk: Any, cut: Path) -> None:
    jobs = desk.json("send", str(cut), "--service", "round_trip")
    assert [job["state"] for job in jobs] == ["succeeded", "succeeded"]
    versions = desk.json("versions")
    assert [v["frames"] for v in versions] == [list(range(1001, 1009))] * 2
    for version in versions:
        for frame, path in zip(version["frames"], frames_of(version), strict=True):
            back, spec = read(path)
            assert np.array_equal(back.view(np.uint16), desk.pixels(frame).view(np.uint16))
            assert spec.getattribute("camera") == "bridge test camera"
            assert spec.getattribute("compression") == "zip"


def test_from_a_cut_to_an_approved_version_in_a_new_cut(desk: Any, cut: Path) -> None:
    desk.json("send", str(cut), "--service", "upscale", "--shot", "AB_0010")
    (version,) = desk.json("versions", "--shot", "AB_0010")
    for path in frames_of(version):
        back, spec = read(path)
        assert back.shape == (desk.height * 2, desk.width * 2, 3)
        assert np.isfinite(back.astype(np.float32)).all()
        assert back.max() > 1.0 and back.min() < 0.0, "what lies outside 0 to 1 comes back"
        assert spec.getattribute("camera") == "bridge test camera"

    (approved,) = desk.json("approve", version["id"][:6], "--comment", "fine")
    assert approved["status"] == "approved"
    assert approved["decisions"][0]["by"] == "Ada Lovelace"

    target = desk.folder / "reel 2.otio"
    desk.json("timeline", "place", str(cut), "-o", str(target))
    before, after = (otio.adapters.read_from_file(str(path)).find_clips() for path in (cut, target))
    assert after[0].active_media_reference_key == "shotbridge:upscale:v001"
    assert after[0].source_range == before[0].source_range
    assert after[1].media_references().keys() == before[1].media_references().keys()
    carried = after[0].media_reference
    assert Path(carried.target_url_for_image_number(0).removeprefix("file://")).suffix == ".exr"
    changes = desk.json("timeline", "diff", str(cut), str(target))
    assert changes["counts"]["unchanged"] == 2

    lineage = desk.json("lineage", version["id"])
    assert lineage["asked_by"] == "Ada Lovelace"
    assert lineage["models"][0]["id"] == "span-x2" and lineage["models"][0]["sha256"]
    assert len(lineage["inputs"]) == 8 and lineage["colour"]


def test_a_matte_is_a_sequence_and_an_alpha(desk: Any, cut: Path) -> None:
    desk.json("send", str(cut), "--service", "matte", "--shot", "AB_0020")
    (version,) = desk.json("versions")
    main, _ = read(frames_of(version)[0])
    matte, spec = read(frames_of(version, "matte")[0])
    assert main.shape == (desk.height, desk.width, 4) and spec.nchannels == 1
    assert np.array_equal(main[..., 3], matte[..., 0])
    assert np.array_equal(main[..., :3].view(np.uint16), desk.pixels(1001).view(np.uint16))


def test_pictures_that_the_gateway_cannot_reach_are_sent(desk: Any, cut: Path) -> None:
    desk.settings["GATEWAY__MEDIA_ROOTS"] = "[]"
    (job, _) = desk.json("send", str(cut), "--service", "round_trip")
    lineage = desk.json("lineage", job["version"])
    assert all(file["sha256"] for file in lineage["inputs"])
    back, _ = read(frames_of(desk.json("versions")[0])[3])
    assert np.array_equal(back.view(np.uint16), desk.pixels(1004).view(np.uint16))


def test_a_try_is_never_a_version(desk: Any, cut: Path) -> None:
    words = ("send", str(cut), "--service", "upscale", "--shot", "AB_0010")
    (job,) = desk.json(*words, "--try", "1004")
    assert job["state"] == "succeeded" and job["version"] is None and job["tried"]
    assert desk.json("versions") == []
    (job,) = desk.json(*words)
    assert [v["number"] for v in desk.json("versions")] == [1]


def test_the_same_plate_again_is_the_next_version(desk: Any, cut: Path) -> None:
    for _ in range(2):
        desk.json("send", str(cut), "--service", "round_trip", "--shot", "AB_0010")
    first, second = desk.json("versions")
    assert (first["number"], second["number"]) == (1, 2)
    assert Path(first["folder"]).exists() and first["folder"] != second["folder"]


@pytest.mark.slow
def test_the_demo_takes_a_cut_of_ones_own(
    desk: Any, cut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = desk.folder / "out"
    desk.run("demo", str(cut), "--service", "upscale", "--out", str(out))
    summary = json.loads((out / "summary.json").read_text())
    assert summary["shots"] == 2
    assert [job["state"] for job in summary["jobs"]] == ["succeeded", "succeeded"]
    assert [job["status"] for job in summary["jobs"]] == ["approved", "pending review"]
    clips = otio.adapters.read_from_file(summary["timeline"]).find_clips()
    assert clips[0].active_media_reference_key == "shotbridge:upscale:v001"
    assert Path(summary["contact_sheet"]).stat().st_size > 10_000
    assert not desk.library.exists(), "the demo keeps to its own folder"

    # With this user's own settings the panel would show a cut without versions.
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    told = words(
        Call(build_parser().parse_args(["panel", "--demo", str(out)]), Output(as_json=False))
    )
    assert told[0] == str(cut)
    settings = load(dict(pair(text) for text in told[2::2])).settings
    assert settings.gateway.media_roots == tuple(sorted(p for p in desk.plates.iterdir()))
    try:
        with Client(settings) as client:
            seen = {(v.shot.shot, v.status) for v in client.versions()}
    finally:
        stop(settings)
    assert seen == {("AB_0010", "approved"), ("AB_0020", "pending review")}


def test_a_demo_whose_job_fails_says_so_to_scripts_too(desk: Any, cut: Path) -> None:
    broken = desk.plates / "AB_0010" / "AB_0010.1004.exr"
    broken.write_bytes(broken.read_bytes()[:200])
    out = desk.folder / "out"
    words = ("demo", str(cut), "--service", "round_trip", "--out", str(out))
    summary = desk.json(*words, code=10)
    assert [job["state"] for job in summary["jobs"]] == ["failed", "succeeded"]
