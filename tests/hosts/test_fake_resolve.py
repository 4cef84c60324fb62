"""The fake of Resolve refuses what the stubs of 21.0.0 do not have, and fails silently as Resolve
does."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest
from resolve_fake import Resolve, scripting_module
from resolve_sample_project import camera_file, import_plate, render_state, sample_project
from resolve_stubs import STUBS
from stubs import BadCallError, NotInApiError, NotModelledError


class FakeProject:
    """A small project, with short names for its objects."""

    def __init__(self, folder: Path) -> None:
        self.app, self.timeline, self.items = sample_project(folder)
        assert self.app._project is not None
        self.project = self.app._project
        self.pool = self.project._pool
        self.item = self.items[0]
        self.media = self.item.GetMediaPoolItem()
        assert self.media is not None


@pytest.fixture
def sample(tmp_path: Path) -> FakeProject:
    return FakeProject(tmp_path)


def clip_info(sample: FakeProject, **changed: Any) -> dict[str, Any]:
    info = {
        "mediaPoolItem": sample.media,
        "startFrame": 0,
        "endFrame": 4,
        "trackIndex": 1,
        "recordFrame": 95000,
    }
    return {**info, **changed}


#: Calls that people write and Resolve does not have.
UNKNOWN: dict[str, Callable[[FakeProject], object]] = {
    "no such project call": lambda d: d.project.GetRenderSettings(),
    "no selection of the timeline's": lambda d: d.timeline.GetSelectedItems(),
    "no timeline by name": lambda d: d.project.GetTimelineByName("Reel 1"),
    "nothing moves a clip": lambda d: d.item.SetStart(90000),
    "nothing retimes a clip": lambda d: d.item.SetSpeed(2),
    "a name's case": lambda d: d.project.getName(),
    "of another class": lambda d: d.media.AddTake(d.media),
    "of the fake's inside": lambda d: d.project._Anything,
}

#: Calls of the API with arguments that it does not take.
WRONG: dict[str, Callable[[FakeProject], object]] = {
    "a key that a clip's info has not": lambda d: d.pool.AppendToTimeline(
        [clip_info(d, trackIdx=1)]
    ),
    "a key that is missing": lambda d: d.pool.AppendToTimeline([{"mediaPoolItem": d.media}]),
    "a frame that is no number": lambda d: d.pool.AppendToTimeline(
        [clip_info(d, recordFrame="01:00:00:00")]
    ),
    "a path in place of an item": lambda d: d.pool.AppendToTimeline(["/plate.exr"]),
    "a kind of media": lambda d: d.pool.AppendToTimeline([clip_info(d, mediaType=3)]),
    "a path alone": lambda d: d.pool.ImportMedia("/plate.exr"),
    "a pattern without its frames": lambda d: d.pool.ImportMedia([{"FilePath": "/p.%04d.exr"}]),
    "an option of another importer": lambda d: d.pool.ImportTimelineFromFile("/a", {"name": "b"}),
    "a marker's colour": lambda d: d.item.AddMarker(1, "Orange", "n", "t", 1),
    "a marker without a length": lambda d: d.item.AddMarker(1, "Blue", "n", "t"),
    "data that is no text": lambda d: d.item.AddMarker(1, "Blue", "n", "t", 1, {"id": 1}),
    "a constant's name": lambda d: d.timeline.Export("/a.otio", "EXPORT_OTIO", d.app.EXPORT_NONE),
    "a render setting": lambda d: d.project.SetRenderSettings({"TargetFolder": "/x"}),
    "a render setting's type": lambda d: d.project.SetRenderSettings({"FormatWidth": "1920"}),
    "a render mode": lambda d: d.project.SetCurrentRenderMode(2),
    "jobs and the flag without a list": lambda d: d.project.StartRendering("job-1", False),
    "a take's keyword": lambda d: d.item.AddTake(d.media, start=1),
    "an argument too many": lambda d: d.timeline.GetStartFrame(1),
    "a kind of track": lambda d: d.timeline.GetTrackCount("picture"),
    "another program": lambda d: scripting_module(d.app).scriptapp("Fusion"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_resolve_does_not_have_is_refused(sample: FakeProject, name: str) -> None:
    with pytest.raises(NotInApiError):
        UNKNOWN[name](sample)


@pytest.mark.parametrize("name", WRONG)
def test_invalid_arguments_are_refused(sample: FakeProject, name: str) -> None:
    with pytest.raises(BadCallError):
        WRONG[name](sample)


def test_calls_that_are_not_modelled_raise(sample: FakeProject) -> None:
    with pytest.raises(NotModelledError):
        sample.timeline.GrabStill()


def test_every_tightened_signature_has_a_source() -> None:
    assert STUBS.tightened
    assert all(len(source) > 20 for source in STUBS.tightened.values())


def test_the_free_edition_accepts_no_scripts() -> None:
    assert scripting_module(Resolve(studio=False)).scriptapp("Resolve") is None
    assert scripting_module(None).scriptapp("Resolve") is None
    assert scripting_module(Resolve()).scriptapp("Resolve").GetProductName().endswith("Studio")


def test_failing_calls_return_false_or_none(sample: FakeProject, tmp_path: Path) -> None:
    assert sample.pool.ImportMedia([str(tmp_path / "gone.mov")]) == []
    assert sample.pool.ImportTimelineFromFile(str(tmp_path / "gone.otio")) is None
    assert sample.item.AddTake(sample.media, 0, 99) is False
    assert sample.item.SelectTakeByIndex(1) is False, "a clip with one take is no take selector"
    assert sample.item.GetTakesCount() == 0
    assert sample.project.LoadRenderPreset("gone") is False
    assert sample.project.GetRenderJobStatus("gone") == {}
    assert sample.timeline.SetSetting("timelineFrameRate", "24") is False
    assert sample.item.AddMarker(3, "Blue", "a", "", 1)
    assert not sample.item.AddMarker(3, "Blue", "b", "", 1), "one marker a frame"


def test_clips_are_appended_as_measured(sample: FakeProject) -> None:
    (one,) = sample.pool.AppendToTimeline([clip_info(sample)])
    assert (one.GetStart(), one.GetDuration()) == (95000, 4), "endFrame is exclusive"
    assert sample.pool.AppendToTimeline([clip_info(sample, recordFrame=95003)]) == [], "overlaps"
    sample.media._media.rate = Fraction(30)
    (short,) = sample.pool.AppendToTimeline([clip_info(sample, recordFrame=96000)])
    assert short.GetDuration() == 3, "rounded down"


def test_drop_frame_is_reported_and_kept(sample: FakeProject, tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    raw = camera_file(sample.app, tmp_path, "B.braw", start=107892, rate=rate, drop=True)
    assert raw.GetClipProperty("Start TC") == "01:00:00;00"
    assert raw.GetClipProperty("Drop frame") == "1"
    timeline = sample.pool.CreateEmptyTimeline("B")
    assert timeline is not None
    assert timeline.SetSetting("useCustomSettings", "1")
    assert timeline.SetSetting("timelineFrameRate", "29.97 DF")
    assert (timeline.GetStartTimecode(), timeline.GetStartFrame()) == ("01:00:00;00", 107892)
    assert not timeline.SetStartTimecode("00:59:56:12"), "it drops frames"


def test_a_clips_timecode_depends_on_its_rate(sample: FakeProject) -> None:
    sample.media._media.embedded = "00:00:01:05"
    assert sample.media.SetClipProperty("FPS", "24")
    assert sample.media._media.start == 29
    assert sample.media.SetClipProperty("FPS", "25")
    assert sample.media._media.start == 30
    assert sample.media.GetClipProperty("Start TC") == "00:00:01:05"


def test_colour_properties_depend_on_the_colour_management(sample: FakeProject) -> None:
    assert sample.media.SetClipProperty("Input Color Space", "ARRI LogC4")
    assert not sample.media.SetClipProperty("IDT", "ARRI LogC4")
    assert sample.timeline.GetSetting("colorSpaceOutput") == "Rec.709 Gamma 2.4", "the project's"
    sample.project._use_aces()
    assert not sample.media.SetClipProperty("Input Color Space", "ACEScg")
    assert sample.media.SetClipProperty("IDT", "ARRI LogC4")
    sample.project._settings["colorScienceMode"] = "davinciYRGB"
    assert not sample.media.SetClipProperty("IDT", "ACEScg - CSC")


def test_a_transition_is_an_item_without_media(sample: FakeProject) -> None:
    sample.app._dissolve(sample.timeline, sample.item.GetEnd(), 2, 3)
    dissolve = sample.timeline.GetItemListInTrack("video", 1)[1]
    assert dissolve.GetMediaPoolItem() is None
    assert (dissolve.GetName(), dissolve.GetDuration()) == ("Cross Dissolve", 5)


def test_a_rendering_takes_time_and_writes_the_visible_frames(
    sample: FakeProject, tmp_path: Path
) -> None:
    folder = tmp_path / "rendered"
    folder.mkdir()
    assert sample.project.AddRenderJob() == "", "no H.264 here"
    assert sample.project.SetCurrentRenderFormatAndCodec("exr", "RGBHalfZIP")
    assert sample.project.SetRenderSettings({"TargetDir": str(folder), "CustomName": "x"})
    job = sample.project.AddRenderJob()
    assert sample.project.StartRendering([job], False)
    first = sample.project.GetRenderJobStatus(job)
    assert first["JobStatus"] == "Rendering"
    assert not sample.project.DeleteRenderJob(job), "it runs"
    polls = 1
    while sample.project.GetRenderJobStatus(job)["JobStatus"] != "Complete":
        polls += 1
    assert polls > 3
    start, end = sample.timeline.GetStartFrame(), sample.timeline.GetEndFrame()
    files = sorted(path.name for path in folder.iterdir())
    assert files == [f"x{frame:08d}.exr" for frame in range(start, end)]
    image = oiio.ImageBuf(str(folder / f"x{sample.item.GetStart():08d}.exr"))
    assert image.getpixel(0, 0)[0] == pytest.approx(1.003, abs=1e-3), "the plate's third frame"
    gap = oiio.ImageBuf(str(folder / f"x{sample.item.GetEnd():08d}.exr"))
    assert gap.getpixel(0, 0)[0] == 0
    assert sample.project.DeleteRenderJob(job)


def test_a_preset_keeps_the_settings(sample: FakeProject) -> None:
    before = render_state(sample.app)
    assert sample.project.SaveAsNewRenderPreset("mine")
    assert not sample.project.SaveAsNewRenderPreset("mine")
    assert sample.project.SetRenderSettings({"TargetDir": "/elsewhere"})
    assert sample.project.SetCurrentRenderFormatAndCodec("exr", "RGBHalf")
    assert render_state(sample.app) != before
    assert sample.project.LoadRenderPreset("mine")
    assert sample.project.DeleteRenderPreset("mine")
    assert render_state(sample.app) == before


def export(sample: FakeProject, path: Path) -> Any:
    assert sample.timeline.Export(str(path), sample.app.EXPORT_OTIO, sample.app.EXPORT_NONE)
    return json.loads(path.read_text())


def test_an_otio_round_trip_drops_what_resolve_drops(sample: FakeProject, tmp_path: Path) -> None:
    sample.timeline._items[-1]._kind = "transition"  # a title would stop the import
    assert sample.item.AddMarker(3, "Yellow", "v001", "brighter", 1, "ours")
    path = tmp_path / "reel.otio"
    document = export(sample, path)
    clip = document["tracks"]["children"][0]["children"][0]
    assert clip["OTIO_SCHEMA"] == "Clip.2"
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"].endswith(".[1001-1010].exr")
    assert clip["source_range"]["start_time"]["value"] == 1003
    marker = clip["markers"][0]
    assert marker["metadata"]["Resolve_OTIO"]["Note"] == "brighter"
    assert "ours" not in json.dumps(document)

    clip["metadata"]["shotbridge"] = {"clip": "mine"}
    clip["media_references"]["shotbridge:upscale:v001"] = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": "/versions/v001.[1001-1010].exr",
        "available_range": clip["media_references"]["DEFAULT_MEDIA"]["available_range"],
    }
    path.write_text(json.dumps(document))
    timeline = sample.pool.ImportTimelineFromFile(str(path), {"timelineName": "Again"})
    assert timeline is not None
    assert sample.pool.ImportTimelineFromFile(str(path), {"timelineName": "Again"}) is None
    sample.timeline = timeline
    again = export(sample, tmp_path / "again.otio")
    assert "shotbridge" not in json.dumps(again), "foreign metadata and references are dropped"
    (kept,) = again["tracks"]["children"][0]["children"][0]["markers"]
    assert kept["metadata"]["Resolve_OTIO"]["Note"] == "brighter"


@pytest.mark.parametrize("what", ["outside", "title", "url", "no start"])
def test_invalid_otio_creates_no_timeline(sample: FakeProject, tmp_path: Path, what: str) -> None:
    path = tmp_path / "reel.otio"
    document = export(sample, path)
    clip = document["tracks"]["children"][0]["children"][0]
    if what == "outside":
        clip["source_range"]["start_time"]["value"] = 2
    elif what == "title":
        clip["media_references"]["DEFAULT_MEDIA"] = {"OTIO_SCHEMA": "MissingReference.1"}
    elif what == "no start":
        del document["global_start_time"]
    del document["tracks"]["children"][0]["children"][3:]
    if what == "url":
        old = clip["media_references"]["DEFAULT_MEDIA"]["target_url"]
        clip["media_references"]["DEFAULT_MEDIA"]["target_url"] = f"file://{old}"
    path.write_text(json.dumps(document))
    timeline = sample.pool.ImportTimelineFromFile(str(path), {"timelineName": "Again"})
    if what == "url":
        assert timeline is not None
        assert timeline._items[0].GetMediaPoolItem() is None, "offline"
    else:
        assert timeline is None


def test_existing_media_is_imported_and_missing_media_is_offline(tmp_path: Path) -> None:
    sample = FakeProject(tmp_path)
    path = tmp_path / "reel.otio"
    document = export(sample, path)
    del document["tracks"]["children"][0]["children"][3:]
    path.write_text(json.dumps(document))
    other = Resolve("25")
    import_plate(other, tmp_path / "else", "X", range(1, 3))
    assert other._project is not None
    timeline = other._project._pool.ImportTimelineFromFile(str(path), {"importSourceClips": False})
    assert timeline is not None
    assert all(item.GetMediaPoolItem() is None for item in timeline._items)
    timeline = other._project._pool.ImportTimelineFromFile(str(path), {"timelineName": "linked"})
    assert timeline is not None
    assert all(item.GetMediaPoolItem() is not None for item in timeline._items)
