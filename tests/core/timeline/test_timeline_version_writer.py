"""Versions are placed in the cut, the same frames show, and nothing else changes."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from bridge_core.errors import NotWritable, TimelineError
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import (
    DecisionRecord,
    Proxies,
    ResultOutput,
    ReviewStatus,
    Version,
)
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.version_writer import PlacedVersion, write_versions

WHEN = datetime(2026, 3, 1, tzinfo=UTC)


def version(
    number: int = 1,
    *,
    first: int = 1001,
    last: int = 1064,
    rate: Any = 24,
    service: str = "upscale",
    status: ReviewStatus = ReviewStatus.PENDING,
    pattern: str = "main/sc010_v001.%04d.exr",
    hour: int = 0,
) -> Version:
    decided = DecisionRecord(status=status, by="Ada", at=WHEN.replace(hour=hour))
    return Version(
        id=f"{service}-{number}",
        shot=ShotId(show="s", sequence="q", shot="h"),
        service=service,
        job_id="job-1",
        folder=f"/versions/sc 010/{service}/v{number:03d}",
        frames=tuple(range(first, last + 1)),
        outputs=(
            ResultOutput(
                name="main",
                pattern=pattern,
                range=FrameRange.of(first, last, rate),
                colour_space="ACEScg",
                width=1280,
                height=720,
                channels=("R", "G", "B"),
                depth="half",
            ),
        ),
        proxies=Proxies(pattern="p.%04d.jpg", width=640, height=360, display="d", view="v"),
        created=WHEN,
        requested_by="Ada",
        number=number,
        status=status,
        decisions=() if status is ReviewStatus.PENDING else (decided,),
    )


def approved(number: int = 1, **options: Any) -> PlacedVersion:
    return PlacedVersion(version(number, status=ReviewStatus.APPROVED, **options))


def clip_of(path: Path, index: int = 0) -> Any:
    return otio.adapters.read_from_file(str(path)).find_clips()[index]


def shown_files(clip: Any, key: str) -> list[str]:
    """The file that each frame of the clip shows, according to OTIO."""
    media = clip.media_references()[key]
    source = clip.source_range
    return [
        media.target_url_for_image_number(
            media.frame_for_time(source.start_time + otio.opentime.RationalTime(k, 24))
            - media.start_frame
        ).rpartition("/")[2]
        for k in range(int(source.duration.value))
    ]


def test_the_same_frames_show(kit: Any, tmp_path: Path) -> None:
    media = kit.sequence("sc010", 1001, available=(86400, 64))
    source = kit.cut(kit.clip(media=media, source=(86408, 48)))
    (item,) = read_cut(source)
    # The version covers the cut and four frames of handles.
    target = write_versions(
        source, {item.clip_id: [approved(first=1005, last=1060)]}, tmp_path / "out.otio"
    ).target
    clip = clip_of(target)
    assert clip.active_media_reference_key == "shotbridge:upscale:v001"
    plate = shown_files(clip, "DEFAULT_MEDIA")
    assert plate == [f"sc010.{n}.exr" for n in range(1009, 1057)]
    assert shown_files(clip, "shotbridge:upscale:v001") == [
        name.replace("sc010", "sc010_v001") for name in plate
    ]
    assert clip.media_reference.target_url_base == "file:///versions/sc%20010/upscale/v001/main/"


def test_writing_and_reading_again_is_the_same_shot(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"), kit.gap(5), kit.clip("b"))
    before = read_cut(source)
    placed = {item.clip_id: [approved()] for item in before}
    after = read_cut(write_versions(source, placed, tmp_path / "out.otio").target)
    assert [item.shot for item in after] == [item.shot for item in before]
    (referenced,) = after.shots[0].versions
    assert (referenced.version, referenced.label) == ("upscale-1", "v001")
    assert referenced.status == "approved"
    assert referenced.is_active
    assert referenced.path == "/versions/sc 010/upscale/v001/main/sc010_v001.%04d.exr"


def test_a_stored_clip_id_survives_a_retrim(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    target = write_versions(source, {item.clip_id: [approved()]}, tmp_path / "out.otio").target
    timeline = otio.adapters.read_from_file(str(target))
    timeline.find_clips()[0].source_range = kit.range(10, 20)
    (again,) = read_cut(kit.write(timeline, "again.otio"))
    assert again.clip_id == item.clip_id
    assert again.shot.id == item.shot.id


def test_the_last_approved_is_active(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    placed = [approved(1, hour=9), approved(2, hour=5), PlacedVersion(version(3))]
    target = write_versions(source, {item.clip_id: placed}, tmp_path / "out.otio").target
    clip = clip_of(target)
    assert clip.active_media_reference_key == "shotbridge:upscale:v001"
    assert len(clip.media_references()) == 4


def test_withdrawing_an_approval_makes_the_plate_active(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    target = write_versions(source, {item.clip_id: [approved()]}, tmp_path / "out.otio").target
    rejected = PlacedVersion(version(status=ReviewStatus.REJECTED))
    write_versions(target, {item.clip_id: [rejected]}, target, overwrite=True)
    assert clip_of(target).active_media_reference_key == "DEFAULT_MEDIA"
    assert read_cut(target).shots[0].versions[0].status == "rejected"


def test_without_an_approval_the_plate_stays_active(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    placed = {item.clip_id: [PlacedVersion(version())]}
    target = write_versions(source, placed, tmp_path / "out.otio").target
    assert clip_of(target).active_media_reference_key == "DEFAULT_MEDIA"


def test_a_clip_that_shows_all_of_its_plate_still_does(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a", source=None))
    (item,) = read_cut(source)
    longer = approved(first=990, last=1070)
    clip = clip_of(write_versions(source, {item.clip_id: [longer]}, tmp_path / "out.otio").target)
    assert clip.trimmed_range() == kit.range(0, 64)


def test_a_movie_version_of_a_movie(kit: Any, tmp_path: Path) -> None:
    media = kit.external("file:///m/a.mov", available=(86400, 100))
    source = kit.cut(kit.clip("a", media, (86410, 20)))
    (item,) = read_cut(source)
    movie_version = approved(first=86402, last=86437, pattern="out.mov")
    reference = clip_of(
        write_versions(source, {item.clip_id: [movie_version]}, tmp_path / "out.otio").target
    ).media_reference
    assert reference.target_url == "file:///versions/sc%20010/upscale/v001/out.mov"
    assert reference.available_range == kit.range(86402, 36)


def _strip_ours(node: Any) -> Any:
    if isinstance(node, list):
        return [_strip_ours(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {k: _strip_ours(v) for k, v in node.items() if not k.startswith("shotbridge")}
    if "active_media_reference_key" in kept:
        kept["active_media_reference_key"] = "DEFAULT_MEDIA"
    return kept


def test_everything_else_is_untouched(kit: Any, tmp_path: Path) -> None:
    clip = kit.clip("a")
    clip.metadata["studio"] = {"id": 2**53 - 1, "tags": ["ä", None, 1.5], "deep": {"x": {}}}
    clip.media_reference.metadata["camera"] = {"iso": 800}
    clip.markers.append(otio.schema.Marker("theirs", kit.range(3, 1), color="RED"))
    source = kit.cut(clip, kit.gap(3), kit.clip("b"))
    document = json.loads(source.read_text())
    items = document["tracks"]["children"][0]["children"]
    items[0]["effects"] = [{"OTIO_SCHEMA": "Annotation.1", "layers": [{"OTIO_SCHEMA": "Paint.3"}]}]
    items.append({"OTIO_SCHEMA": "Hologram.7", "secret": [1, 2.50, {"a": None}]})
    items[2]["OTIO_SCHEMA"] = "Clip.1"
    items[2]["media_reference"] = items[2].pop("media_references")["DEFAULT_MEDIA"]
    del items[2]["active_media_reference_key"]
    document["unknown_field"] = {"kept": True}
    source.write_text(json.dumps(document))
    before = copy.deepcopy(document)

    first = next(item for item in read_cut(source) if item.clip_name == "a")
    target = write_versions(source, {first.clip_id: [approved()]}, tmp_path / "out.otio").target
    after = json.loads(target.read_text())
    assert _strip_ours(after) == before
    assert source.read_text() == json.dumps(document)


def test_writing_the_same_again_changes_nothing(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    note = Note(id="n1", version_id="upscale-1", text="softer", by="Ada", at=WHEN)
    placed = {item.clip_id: [PlacedVersion(version(status=ReviewStatus.APPROVED), notes=(note,))]}
    target = write_versions(source, placed, tmp_path / "out.otio").target
    once = target.read_text()
    write_versions(target, placed, target, overwrite=True)
    assert target.read_text() == once


def test_notes_become_markers_at_their_frames(kit: Any, tmp_path: Path) -> None:
    media = kit.sequence("sc010", 1001, available=(86400, 64))
    source = kit.cut(kit.clip(media=media, source=(86408, 48)))
    (item,) = read_cut(source)
    box = Stroke(tool=StrokeTool.BOX, points=((0.1, 0.1), (0.2, 0.3)))
    notes = (
        Note(
            id="n1",
            version_id="upscale-1",
            frames=FrameRange.of(1012, 1015),
            text="edge flickers",
            strokes=(box,),
            by="Ada",
            at=WHEN,
        ),
        Note(id="n2", version_id="upscale-1", text="grain", by="Bo", at=WHEN),
    )
    placed = {item.clip_id: [PlacedVersion(version(), notes=notes)]}
    clip = clip_of(write_versions(source, placed, tmp_path / "out.otio").target)
    one, whole = clip.markers
    assert one.marked_range == kit.range(86411, 4)
    assert one.comment == "Ada, v001: edge flickers"
    assert one.metadata["shotbridge"]["note"]["version_id"] == "upscale-1"
    assert len(one.metadata["shotbridge"]["note"]["strokes"]) == 1
    assert whole.marked_range == kit.range(86408, 48)


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        (version(first=1010), "holds frames 1010-1064, the cut shows 1009-1056"),
        (version(rate=25), "has 25 frames per second, the plate 24"),
        (version(pattern="m.mov").model_copy(update={"outputs": ()}), "no output"),
    ],
)
def test_a_version_that_does_not_fit(
    kit: Any, tmp_path: Path, candidate: Version, complaint: str
) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    with pytest.raises(TimelineError, match=complaint) as error:
        write_versions(source, {item.clip_id: [PlacedVersion(candidate)]}, tmp_path / "out.otio")
    assert error.value.next_step
    assert not (tmp_path / "out.otio").exists()


def test_an_unknown_clip_id(kit: Any, tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match="no shot with clip id 'unknown'"):
        write_versions(kit.cut(kit.clip()), {"unknown": [approved()]}, tmp_path / "out.otio")


def test_nothing_is_overwritten_by_default(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    before = source.read_bytes()
    (item,) = read_cut(source)
    with pytest.raises(TimelineError, match="would be overwritten"):
        write_versions(source, {item.clip_id: [approved()]}, source)
    assert source.read_bytes() == before
    write_versions(source, {item.clip_id: [approved()]}, source, overwrite=True)
    assert source.read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["cut.otio"]


def test_another_version_under_the_same_label_is_refused(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    target = write_versions(source, {item.clip_id: [approved()]}, tmp_path / "out.otio").target
    other = PlacedVersion(version().model_copy(update={"id": "somebody-elses"}))
    with pytest.raises(TimelineError, match="another version as shotbridge:upscale:v001"):
        write_versions(target, {item.clip_id: [other]}, tmp_path / "again.otio")


def test_a_target_that_cannot_be_written(kit: Any, tmp_path: Path) -> None:
    source = kit.cut(kit.clip("a"))
    (item,) = read_cut(source)
    with pytest.raises(NotWritable):
        write_versions(source, {item.clip_id: [approved()]}, tmp_path / "no" / "out.otio")
    with pytest.raises(TimelineError, match="written as OTIO"):
        write_versions(source, {item.clip_id: [approved()]}, tmp_path / "out.edl")


def test_shots_of_one_name_in_two_sequences_have_different_reference_names(
    kit: Any, tmp_path: Path
) -> None:
    source = kit.cut(kit.clip("sq010_sh0010"), kit.clip("sq020_sh0010"), kit.clip("sq020_sh0020"))
    placed = {item.clip_id: [approved()] for item in read_cut(source)}
    target = write_versions(source, placed, tmp_path / "out.otio").target
    names = [clip_of(target, index).media_reference.name for index in range(3)]
    assert names == [
        "sq010_sh0010_upscale_v001",
        "sq020_sh0010_upscale_v001",
        "sh0020_upscale_v001",
    ]


def test_a_nest_that_trims_its_clip_makes_its_version_short(kit: Any, tmp_path: Path) -> None:
    """The version holds the cut range and its handles, but not all of the source range."""
    inner = otio.schema.Track("inner", [kit.clip("a", source=(0, 60))], kind="Video")
    source = kit.cut(otio.schema.Stack("nest", [inner], kit.range(20, 10)))
    (item,) = read_cut(source, handles=2)
    short_version = approved(first=1019, last=1032)
    written = write_versions(source, {item.clip_id: [short_version]}, tmp_path / "out.otio")
    assert [(one.clip_name, one.version_name) for one in written.short_versions] == [
        ("a", "upscale v001")
    ]
    whole = write_versions(source, {item.clip_id: [approved()]}, tmp_path / "whole.otio")
    assert whole.short_versions == ()
