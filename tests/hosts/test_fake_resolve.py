"""The fake itself: what the stubs of 21.0.0 do not have is refused, and what can be done is done
the way Resolve does it: without a word when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import OpenImageIO as oiio
import pytest
from resolve_fake import Resolve, scripting_module
from resolve_stubs import STUBS
from resolve_worlds import camera_file, import_plate, reel, state_of
from stubs import BadCall, NotInTheApi, NotModelled


class Desk:
    """A small project, and short names for what is in it."""

    def __init__(self, folder: Path) -> None:
        self.app, self.timeline, self.items = reel(folder)
        assert self.app._project is not None
        self.project = self.app._project
        self.pool = self.project._pool
        self.item = self.items[0]
        self.media = self.item.GetMediaPoolItem()
        assert self.media is not None


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def clip_info(desk: Desk, **changed: Any) -> dict[str, Any]:
    told = {
        "mediaPoolItem": desk.media,
        "startFrame": 0,
        "endFrame": 4,
        "trackIndex": 1,
        "recordFrame": 95000,
    }
    return {**told, **changed}


#: Calls that people write and Resolve does not have.
UNKNOWN: dict[str, Callable[[Desk], object]] = {
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
WRONG: dict[str, Callable[[Desk], object]] = {
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
def test_what_resolve_does_not_have_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(NotInTheApi):
        UNKNOWN[name](desk)


@pytest.mark.parametrize("name", WRONG)
def test_what_resolve_does_not_take_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(BadCall):
        WRONG[name](desk)


def test_what_is_not_modelled_says_so(desk: Desk) -> None:
    with pytest.raises(NotModelled):
        desk.timeline.GrabStill()


def test_every_tightening_has_its_source() -> None:
    assert STUBS.tightened
    assert all(len(source) > 20 for source in STUBS.tightened.values())


def test_the_free_edition_lets_no_script_in() -> None:
    assert scripting_module(Resolve(studio=False)).scriptapp("Resolve") is None
    assert scripting_module(None).scriptapp("Resolve") is None
    assert scripting_module(Resolve()).scriptapp("Resolve").GetProductName().endswith("Studio")


def test_what_fails_fails_without_a_word(desk: Desk, tmp_path: Path) -> None:
    assert desk.pool.ImportMedia([str(tmp_path / "gone.mov")]) == []
    assert desk.pool.ImportTimelineFromFile(str(tmp_path / "gone.otio")) is None
    assert desk.item.AddTake(desk.media, 0, 99) is False
    assert desk.item.SelectTakeByIndex(1) is False, "a clip with one take is no take selector"
    assert desk.item.GetTakesCount() == 0
    assert desk.project.LoadRenderPreset("gone") is False
    assert desk.project.GetRenderJobStatus("gone") == {}
    assert desk.timeline.SetSetting("timelineFrameRate", "24") is False
    assert desk.item.AddMarker(3, "Blue", "a", "", 1)
    assert not desk.item.AddMarker(3, "Blue", "b", "", 1), "one marker a frame"


def test_clips_are_cut_in_as_measured(desk: Desk) -> None:
    (one,) = desk.pool.AppendToTimeline([clip_info(desk)])
    assert (one.GetStart(), one.GetDuration()) == (95000, 4), "endFrame is exclusive"
    assert desk.pool.AppendToTimeline([clip_info(desk, recordFrame=95003)]) == [], "overlaps"
    desk.media._media.rate = Fraction(30)
    (short,) = desk.pool.AppendToTimeline([clip_info(desk, recordFrame=96000)])
    assert short.GetDuration() == 3, "rounded down"


def test_drop_frame_is_told_and_kept(desk: Desk, tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    raw = camera_file(desk.app, tmp_path, "B.braw", start=107892, rate=rate, drop=True)
    assert raw.GetClipProperty("Start TC") == "01:00:00;00"
    assert raw.GetClipProperty("Drop frame") == "1"
    made = desk.pool.CreateEmptyTimeline("B")
    assert made is not None
    assert made.SetSetting("useCustomSettings", "1")
    assert made.SetSetting("timelineFrameRate", "29.97 DF")
    assert (made.GetStartTimecode(), made.GetStartFrame()) == ("01:00:00;00", 107892)
    assert not made.SetStartTimecode("00:59:56:12"), "it drops frames"


def test_a_clips_timecode_is_counted_at_its_rate(desk: Desk) -> None:
    desk.media._media.embedded = "00:00:01:05"
    assert desk.media.SetClipProperty("FPS", "24")
    assert desk.media._media.start == 29
    assert desk.media.SetClipProperty("FPS", "25")
    assert desk.media._media.start == 30
    assert desk.media.GetClipProperty("Start TC") == "00:00:01:05"


def test_colour_is_set_where_the_project_s_management_asks_for_it(desk: Desk) -> None:
    assert desk.media.SetClipProperty("Input Color Space", "ARRI LogC4")
    assert not desk.media.SetClipProperty("IDT", "ARRI LogC4")
    assert desk.timeline.GetSetting("colorSpaceOutput") == "Rec.709 Gamma 2.4", "the project's"
    desk.project._use_aces()
    assert not desk.media.SetClipProperty("Input Color Space", "ACEScg")
    assert desk.media.SetClipProperty("IDT", "ARRI LogC4")
    desk.project._settings["colorScienceMode"] = "davinciYRGB"
    assert not desk.media.SetClipProperty("IDT", "ACEScg - CSC")


def test_a_transition_is_an_item_without_media(desk: Desk) -> None:
    desk.app._dissolve(desk.timeline, desk.item.GetEnd(), 2, 3)
    dissolve = desk.timeline.GetItemListInTrack("video", 1)[1]
    assert dissolve.GetMediaPoolItem() is None
    assert (dissolve.GetName(), dissolve.GetDuration()) == ("Cross Dissolve", 5)


def test_a_rendering_takes_its_time_and_writes_what_is_seen(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "rendered"
    folder.mkdir()
    assert desk.project.AddRenderJob() == "", "no H.264 here"
    assert desk.project.SetCurrentRenderFormatAndCodec("exr", "RGBHalfZIP")
    assert desk.project.SetRenderSettings({"TargetDir": str(folder), "CustomName": "x"})
    job = desk.project.AddRenderJob()
    assert desk.project.StartRendering([job], False)
    first = desk.project.GetRenderJobStatus(job)
    assert first["JobStatus"] == "Rendering"
    assert not desk.project.DeleteRenderJob(job), "it runs"
    polls = 1
    while desk.project.GetRenderJobStatus(job)["JobStatus"] != "Complete":
        polls += 1
    assert polls > 3
    start, end = desk.timeline.GetStartFrame(), desk.timeline.GetEndFrame()
    files = sorted(path.name for path in folder.iterdir())
    assert files == [f"x{frame:08d}.exr" for frame in range(start, end)]
    seen = oiio.ImageBuf(str(folder / f"x{desk.item.GetStart():08d}.exr"))
    assert seen.getpixel(0, 0)[0] == pytest.approx(1.003, abs=1e-3), "the plate's third frame"
    gap = oiio.ImageBuf(str(folder / f"x{desk.item.GetEnd():08d}.exr"))
    assert gap.getpixel(0, 0)[0] == 0
    assert desk.project.DeleteRenderJob(job)


def test_a_preset_keeps_the_settings(desk: Desk) -> None:
    before = state_of(desk.app)
    assert desk.project.SaveAsNewRenderPreset("mine")
    assert not desk.project.SaveAsNewRenderPreset("mine")
    assert desk.project.SetRenderSettings({"TargetDir": "/elsewhere"})
    assert desk.project.SetCurrentRenderFormatAndCodec("exr", "RGBHalf")
    assert state_of(desk.app) != before
    assert desk.project.LoadRenderPreset("mine")
    assert desk.project.DeleteRenderPreset("mine")
    assert state_of(desk.app) == before


def export(desk: Desk, path: Path) -> Any:
    assert desk.timeline.Export(str(path), desk.app.EXPORT_OTIO, desk.app.EXPORT_NONE)
    return json.loads(path.read_text())


def test_otio_goes_through_as_resolve_lets_it(desk: Desk, tmp_path: Path) -> None:
    desk.timeline._items[-1]._kind = "transition"  # a title would stop the import
    assert desk.item.AddMarker(3, "Yellow", "v001", "brighter", 1, "ours")
    path = tmp_path / "reel.otio"
    document = export(desk, path)
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
    made = desk.pool.ImportTimelineFromFile(str(path), {"timelineName": "Again"})
    assert made is not None
    assert desk.pool.ImportTimelineFromFile(str(path), {"timelineName": "Again"}) is None
    desk.timeline = made
    again = export(desk, tmp_path / "again.otio")
    assert "shotbridge" not in json.dumps(again), "foreign metadata and references are dropped"
    (kept,) = again["tracks"]["children"][0]["children"][0]["markers"]
    assert kept["metadata"]["Resolve_OTIO"]["Note"] == "brighter"


@pytest.mark.parametrize("what", ["outside", "title", "url", "no start"])
def test_otio_of_another_shape_gives_no_timeline(desk: Desk, tmp_path: Path, what: str) -> None:
    path = tmp_path / "reel.otio"
    document = export(desk, path)
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
    made = desk.pool.ImportTimelineFromFile(str(path), {"timelineName": "Again"})
    if what == "url":
        assert made is not None
        assert made._items[0].GetMediaPoolItem() is None, "offline"
    else:
        assert made is None


def test_media_that_is_there_is_imported_and_what_is_not_stays_offline(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = tmp_path / "reel.otio"
    document = export(desk, path)
    del document["tracks"]["children"][0]["children"][3:]
    path.write_text(json.dumps(document))
    other = Resolve("25")
    import_plate(other, tmp_path / "else", "X", range(1, 3))
    assert other._project is not None
    made = other._project._pool.ImportTimelineFromFile(str(path), {"importSourceClips": False})
    assert made is not None
    assert all(item.GetMediaPoolItem() is None for item in made._items)
    made = other._project._pool.ImportTimelineFromFile(str(path), {"timelineName": "linked"})
    assert made is not None
    assert all(item.GetMediaPoolItem() is not None for item in made._items)
