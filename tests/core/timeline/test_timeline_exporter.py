"""Every export profile: correct exports, warnings for losses, and matching of returned cuts."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from sample_versions import version_of

from bridge_core.errors import InvalidRequest, TimelineError
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import DecisionRecord, Proxies, ResultOutput, ReviewStatus, Version
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import ChangeKind, diff_cuts, match_returned_clips
from bridge_core.timeline.export_profiles import PROFILES
from bridge_core.timeline.exporter import ExportReport, export_timeline
from bridge_core.timeline.openrv_annotations import ImageBounds, build_annotation
from bridge_core.timeline.version_writer import PlacedVersion, write_versions

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
BOX = Stroke(tool=StrokeTool.BOX, points=((0.0, 0.0), (0.5, 1.0)), colour="#ff0000")


def _version(number: int, pattern: str = "main/up.%04d.exr", status: str = "approved") -> Version:
    return Version(
        id=f"id-{number}",
        shot=ShotId(show="s", sequence="q", shot="h"),
        service="upscale",
        job_id="j",
        folder=f"/versions/a/v{number:03d}",
        frames=tuple(range(1005, 1061)),
        outputs=(
            ResultOutput(
                name="main",
                pattern=pattern,
                range=FrameRange.of(1005, 1060),
                colour_space="ACEScg",
                width=1920,
                height=1080,
                channels=("R", "G", "B"),
                depth="half",
            ),
        ),
        proxies=Proxies(pattern="p", width=1, height=1, display="d", view="v"),
        created=WHEN,
        requested_by="Ada",
        number=number,
        status=ReviewStatus(status),
        decisions=(DecisionRecord(status=ReviewStatus(status), by="Ada", at=WHEN),),
    )


def _cut(
    kit: Any,
    *items: Any,
    available: Any = (86400, 64),
    source: Any = (86408, 48),
    drawn_on: int | None = None,
) -> Path:
    """A cut whose clip ``a`` has two versions, one approved, with a note and a drawing."""
    media = kit.sequence("a", 1001, available)
    path = kit.cut(kit.clip("a", media, source), *items, start=(86400, 24))
    first = next(item for item in read_cut(path) if item.clip_name == "a")
    note = Note(
        id="n1",
        version_id="id-2",
        frames=FrameRange.of(1010, 1012),
        text="softer",
        strokes=(BOX,),
        drawn_on=drawn_on,
        by="Ada",
        at=WHEN,
    )
    placed = [
        PlacedVersion(_version(1, status="rejected")),
        PlacedVersion(_version(2), notes=(note,)),
    ]
    return write_versions(path, {first.clip_id: placed}, kit.folder / "placed.otio").target


def _export(kit: Any, profile: str, *items: Any, **options: Any) -> tuple[Any, ExportReport]:
    report = export_timeline(_cut(kit, *items, **options), kit.folder / f"{profile}.otio", profile)
    return json.loads(report.target.read_text()), report


def _first(document: Any) -> Any:
    return document["tracks"]["children"][0]["children"][0]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("available", "source"), [((86400, 64), (86408, 48)), ((0, 64), (8, 48))])
def test_the_same_frames_of_the_same_files(
    kit: Any, profile: str, available: Any, source: Any
) -> None:
    """An export shows the frames of the cut, whatever a profile does to names and ranges."""
    _, report = _export(
        kit, profile, kit.gap(12), kit.clip("b"), available=available, source=source
    )
    original, exported = read_cut(kit.folder / "placed.otio"), read_cut(report.target)
    assert exported.problems == ()
    for before, after in zip(original, exported, strict=True):
        assert after.shot.record_range == before.shot.record_range
        assert after.shot.cut_range == before.shot.cut_range
        is_single = before.clip_name == "a" and not PROFILES[profile].multiple_references
        expected = before.versions[-1].path if is_single else before.shot.plate.path
        assert after.shot.plate.path == expected


@pytest.mark.parametrize("profile", ["generic", "resolve", "nuke"])
def test_otios_own_library_reads_it(kit: Any, profile: str) -> None:
    _, report = _export(kit, profile, kit.gap(12), kit.clip("b"))
    assert len(otio.adapters.read_from_file(str(report.target)).find_clips()) == 2


def test_the_cut_itself_stays_as_it_is(kit: Any) -> None:
    path = _cut(kit)
    before = path.read_bytes()
    for name in PROFILES:
        export_timeline(path, kit.folder / f"{name}.otio", name)
    assert path.read_bytes() == before
    with pytest.raises(TimelineError, match="would overwrite the cut"):
        export_timeline(path, path, "resolve", overwrite=True)


def test_an_unknown_profile(kit: Any) -> None:
    with pytest.raises(InvalidRequest, match="no export profile 'avid'") as error:
        export_timeline(_cut(kit), kit.folder / "x.otio", "avid")
    assert "generic, resolve, nuke, openrv" in error.value.next_step


def test_generic_carries_all(kit: Any) -> None:
    document, report = _export(kit, "generic")
    assert document == json.loads((kit.folder / "placed.otio").read_text()) | {
        "tracks": document["tracks"]
    }
    assert len(_first(document)["media_references"]) == 3
    assert [warning.message for warning in report.warnings] == [
        "the reader does not show 1 drawing of the note by Ada"
    ]


def test_resolve(kit: Any) -> None:
    document, report = _export(kit, "resolve")
    clip = _first(document)
    assert clip["OTIO_SCHEMA"] == "Clip.1"
    assert "media_references" not in clip
    media = clip["media_reference"]
    assert media["OTIO_SCHEMA"] == "ExternalReference.1"
    assert media["target_url"] == "/versions/a/v002/main/up.[1005-1060].exr"
    # The plate has an embedded timecode, so the version has it too.
    assert media["available_range"]["start_time"]["value"] == 86404
    assert clip["source_range"]["start_time"]["value"] == 86408
    (marker,) = clip["markers"]
    assert marker["metadata"]["Resolve_OTIO"]["Note"] == marker["comment"] == "Ada, v002: softer"
    assert marker["marked_range"]["start_time"]["value"] == 86409
    text = str(report)
    assert "only shotbridge:upscale:v002 was exported" in text
    assert "without the plate, shotbridge:upscale:v001" in text
    assert "1 drawing of the note by Ada" in text
    assert "drops unknown metadata" in text


def test_resolve_counts_by_file_numbers_without_timecode(kit: Any) -> None:
    document, _ = _export(kit, "resolve", available=(0, 64), source=(8, 48))
    clip = _first(document)
    assert clip["media_reference"]["available_range"]["start_time"]["value"] == 1005
    assert clip["source_range"]["start_time"]["value"] == 1009
    assert clip["markers"][0]["marked_range"]["start_time"]["value"] == 1010


def test_resolve_gets_a_gap_for_a_title(kit: Any) -> None:
    title = kit.clip("Title", otio.schema.MissingReference(), (0, 24))
    document, report = _export(kit, "resolve", title, kit.clip("b"))
    gap = document["tracks"]["children"][0]["children"][1]
    assert (gap["OTIO_SCHEMA"], gap["name"]) == ("Gap.1", "Title")
    assert gap["source_range"]["duration"]["value"] == 24
    assert any(
        warning.clip_name == "Title" and "gap" in warning.message for warning in report.warnings
    )
    (_, after) = read_cut(report.target)
    assert after.shot.record_range.first == 86400 + 48 + 24


def test_nuke(kit: Any) -> None:
    clip, report = _export(kit, "nuke")
    clip = _first(clip)
    media = clip["media_reference"]
    assert media["target_url"] == "/versions/a/v002/main/up.%04d.exr"
    assert media["available_range"]["start_time"]["value"] == 1005
    assert clip["source_range"]["start_time"]["value"] == 1009
    assert clip["markers"][0]["marked_range"]["start_time"]["value"] == 1010
    assert "Resolve_OTIO" not in clip["markers"][0]["metadata"]
    assert "was exported, without the plate" in str(report)


def test_nuke_and_openrv_do_not_support_ramps(kit: Any) -> None:
    fast = kit.clip("fast", source=(0, 24))
    keys = [[0.0, 0.0], [0.5, 0.5], [1.0, 1.5]]
    fast.effects.append(otio.schema.TimeEffect(metadata={"Resolve_OTIO": {"Key Frames": keys}}))
    back = kit.clip("back", source=(8, 24))
    back.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1))
    path = kit.cut(fast, back)
    clips_with_warnings = {
        name: {
            warning.clip_name
            for warning in export_timeline(path, kit.folder / f"{name}.otio", name).warnings
        }
        for name in PROFILES
    }
    assert clips_with_warnings == {
        "generic": set(),
        "resolve": set(),
        "nuke": {"fast"},
        "openrv": {"fast", "back"},
    }


def _annotation_clip(document: Any) -> Any:
    """The first clip of the track of annotations."""
    return document["tracks"]["children"][1]["children"][0]


def test_openrv_draws_the_notes(kit: Any) -> None:
    document, report = _export(kit, "openrv")
    clip = _annotation_clip(document)
    assert clip["OTIO_SCHEMA"] == "Clip.2"
    assert clip["active_media_reference_key"] == "shotbridge:upscale:v002"
    (annotation,) = clip["effects"]
    assert annotation["OTIO_SCHEMA"] == "Annotation.1"
    (layer,) = annotation["layers"]
    assert layer["OTIO_SCHEMA"] == "Paint.1"
    # Around the left half of a 16:9 image: 16 units wide, 9 high, y upwards, 0 in the middle.
    corners = [(-8, 4.5), (0, 4.5), (0, -4.5), (-8, -4.5), (-8, 4.5)]
    assert [(point["x"], point["y"]) for point in layer["points"]] == corners
    assert layer["rgba"] == [1, 0, 0, 1]
    assert layer["layer_range"]["start_time"]["value"] == 1010
    assert report.warnings == ()
    again = export_timeline(report.target, kit.folder / "again.otio", "openrv")
    assert json.loads(again.target.read_text()) == document


def test_openrv_draws_on_the_frame_that_was_drawn_on(kit: Any) -> None:
    document, _ = _export(kit, "openrv", drawn_on=1030)
    layer = _annotation_clip(document)["effects"][0]["layers"][0]
    assert layer["layer_range"]["start_time"]["value"] == 1030
    (marker,) = _first(document)["markers"]
    assert marker["metadata"]["shotbridge"]["note"]["drawn_on"] == 1030


def test_an_export_for_openrv_can_be_exported_again(kit: Any) -> None:
    """Each clip occurs once, and the track has its own name."""
    _, report = _export(kit, "openrv", kit.clip("b"))
    again = json.loads(
        export_timeline(report.target, kit.folder / "g.otio", "generic").target.read_text()
    )
    (track,) = again["tracks"]["children"]
    assert (track["name"], len(track["children"])) == ("V1", 2)
    assert track["children"][0]["effects"] == []


@pytest.mark.parametrize(
    ("tool", "points", "drawn"),
    [
        (StrokeTool.PEN, ((0.5, 0.5), (1, 0.0)), [[(0, 0), (8, 4.5)]]),
        # Five widths would be 20, so the head has half of the arrow's length of 8.
        (StrokeTool.ARROW, ((0.5, 0.5), (1, 0.5)), [[(0, 0), (8, 0)], None]),
        (StrokeTool.ELLIPSE, ((0.5, 0.5), (1, 0.0)), [None]),
    ],
)
def test_each_tool_is_drawn_with_the_pen(kit: Any, tool: Any, points: Any, drawn: Any) -> None:
    stroke = Stroke(tool=tool, points=points, width=0.25, colour="#000000")
    note = Note(id="n", version_id="v", strokes=(stroke,), by="Ada", at=WHEN)
    annotation = build_annotation(
        note, "v001", FrameRange.of(7, 9), ImageBounds.from_size(1600, 900)
    )
    assert annotation is not None
    lines = [[(p["x"], p["y"]) for p in layer["points"]] for layer in annotation["layers"]]
    assert [line if known else None for line, known in zip(lines, drawn, strict=True)] == drawn
    assert {p["width"] for layer in annotation["layers"] for p in layer["points"]} == {4}
    if tool is StrokeTool.ARROW:
        assert lines[1] == [
            (pytest.approx(8 - 4 * math.cos(math.pi / 6)), pytest.approx(2)),
            (8, 0),
            (pytest.approx(8 - 4 * math.cos(math.pi / 6)), pytest.approx(-2)),
        ]
    if tool is StrokeTool.ELLIPSE:
        (ring,) = lines
        assert all(
            ((x - 4) / 4) ** 2 + ((y - 2.25) / 2.25) ** 2 == pytest.approx(1) for x, y in ring
        )
        assert ring[0] == pytest.approx(ring[-1])


def test_text_is_not_drawn(kit: Any) -> None:
    stroke = Stroke(tool=StrokeTool.TEXT, points=((0.5, 0.5),), text="hi")
    note = Note(id="n", version_id="v", strokes=(stroke,), by="Ada", at=WHEN)
    assert build_annotation(note, "v001", FrameRange.of(7, 9), ImageBounds.from_size(16, 9)) is None


def test_a_drawing_without_a_known_image_size_is_reported(kit: Any) -> None:
    path = _cut(kit)
    document = json.loads(path.read_text())
    for reference in _first(document)["media_references"].values():
        reference["metadata"].get("shotbridge", {}).pop("width", None)
    path.write_text(json.dumps(document))
    report = export_timeline(path, kit.folder / "rv.otio", "openrv")
    assert "image size is not known" in str(report)
    assert _first(json.loads(report.target.read_text()))["effects"] == []


def test_what_otio_does_not_know_is_skipped_and_reported(kit: Any) -> None:
    path = kit.cut(kit.clip("a"), kit.clip("b"), kit.clip("c"))
    document = json.loads(path.read_text())
    items = document["tracks"]["children"][0]["children"]
    items[0]["effects"] = [{"OTIO_SCHEMA": "Annotation.1", "layers": []}]
    items[1]["media_references"]["DEFAULT_MEDIA"] = {"OTIO_SCHEMA": "Hologram.1"}
    items[2] |= {"OTIO_SCHEMA": "Clip.1", "OTIO_REF_ID": "c"}
    items[2]["media_reference"] = items[2].pop("media_references")["DEFAULT_MEDIA"]
    items.append({"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "c"})
    items.append({"OTIO_SCHEMA": "Thing.1", "name": "thing"})
    path.write_text(json.dumps(document))
    report = export_timeline(path, kit.folder / "out.otio", "generic")
    assert [warning.clip_name for warning in report.warnings] == ["a", "b", "thing"]
    clips = otio.adapters.read_from_file(str(report.target)).find_clips()
    assert [clip.name for clip in clips] == ["a", "b", "c", "c"]
    kept = export_timeline(path, kit.folder / "rv.otio", "openrv")
    assert [warning.clip_name for warning in kept.warnings] == ["b", "thing"]


def _through_resolve(path: Path, target: Path) -> Path:
    """What Resolve does to a file: it drops foreign metadata and further references, and names
    clips after their files and sequences after their first file."""
    timeline = otio.adapters.read_from_file(str(path))
    timeline.metadata.clear()
    for clip in timeline.find_clips():
        clip.metadata.clear()
        clip.metadata["Resolve_OTIO"] = {"Link Group ID": 1}
        clip.media_reference.metadata.clear()
        clip.name = clip.media_reference.target_url.rpartition("/")[2]
        for marker in clip.markers:
            marker.metadata.pop("shotbridge", None)
    otio.adapters.write_to_file(timeline, str(target))
    return target


def test_a_round_trip_through_resolve(kit: Any) -> None:
    """Two parts of one plate, a version, a title; in Resolve one is moved and one retrimmed."""
    b = kit.clip("b", kit.sequence("b"), (0, 20))
    b2 = kit.clip("b", kit.sequence("b"), (30, 20))
    title = kit.clip("Title", otio.schema.MissingReference(), (0, 24))
    _, report = _export(kit, "resolve", b, title, b2)
    original = read_cut(kit.folder / "placed.otio")

    back = _through_resolve(report.target, kit.folder / "back.otio")
    timeline = otio.adapters.read_from_file(str(back))
    track = timeline.tracks[0]
    last = track[3].clone()
    last.source_range = kit.range(last.source_range.start_time.value + 2, 18)
    del track[3]
    track.insert(0, last)
    otio.adapters.write_to_file(timeline, str(back))
    returned = read_cut(back)

    matches = match_returned_clips(returned, original)
    by_clip = {item.clip_id: item for item in original}
    ranges = [
        (str(item.shot.cut_range), str(by_clip[matches[item.clip_id]].shot.cut_range))
        for item in returned
    ]
    assert ranges == [("1033-1050", "1031-1050"), ("1009-1056", "1009-1056"), ("1001-1020",) * 2]
    a = next(item for item in returned if item.media_key == "main/up.#.exr")
    assert by_clip[matches[a.clip_id]].clip_name == "a"
    kinds = [sorted(change.kinds) for change in diff_cuts(original, returned).changes]
    assert kinds == [["moved", "retrimmed"], ["moved"], ["moved"]]


def test_a_movie_version_comes_back_counted_from_zero(kit: Any) -> None:
    media = kit.external("/m/a.mov", available=(86400, 100))
    path = kit.cut(kit.clip("a", media, (86410, 20)))
    (item,) = read_cut(path)
    version = _version(1, pattern="out.mov")
    output = version.outputs[0].model_copy(update={"range": FrameRange.of(86402, 86437)})
    version = version.model_copy(update={"outputs": (output,)})
    placed = {item.clip_id: [PlacedVersion(version)]}
    target = write_versions(path, placed, kit.folder / "placed.otio").target
    report = export_timeline(target, kit.folder / "resolve.otio", "resolve")
    back = _through_resolve(report.target, kit.folder / "back.otio")
    timeline = otio.adapters.read_from_file(str(back))
    clip = timeline.find_clips()[0]
    assert clip.media_reference.target_url == "/versions/a/v001/out.mov"
    # As a tool writes it that counts movies from 0: the version starts 8 frames before the cut.
    clip.media_reference.available_range = kit.range(0, 36)
    clip.source_range = kit.range(8, 20)
    otio.adapters.write_to_file(timeline, str(back))
    original, returned = read_cut(target), read_cut(back)
    assert match_returned_clips(returned, original) == {returned.shots[0].clip_id: item.clip_id}
    assert len(diff_cuts(original, returned).of_kind(ChangeKind.UNCHANGED)) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_stills_version_is_held_as_the_still_is(kit: Any, profile: str) -> None:
    card = kit.external("card.png", available=(0, 1))
    path = kit.cut(kit.clip("a", card, (0, 48)), kit.clip("b", source=(8, 20)))
    cut = read_cut(path)
    placed = {item.clip_id: [PlacedVersion(version_of(item.shot))] for item in cut}
    written = write_versions(path, placed, kit.folder / "placed.otio")
    assert written.short_versions == ()
    report = export_timeline(written.target, kit.folder / "out.otio", profile)
    assert (
        len(
            diff_cuts(read_cut(written.target), read_cut(report.target)).of_kind(
                ChangeKind.UNCHANGED
            )
        )
        == 2
    )
    still = otio.adapters.read_from_file(str(report.target)).find_clips()[0]
    assert still.media_reference.target_url.endswith("a_round_trip_v001.0000.exr")
    assert still.trimmed_range() == kit.range(0, 48)
    assert not any("source range" in warning.message for warning in report.warnings)
