"""What only a real Resolve can confirm, for ``shotbridge selftest resolve``.

Each check makes a bin, a timeline and pictures of its own, and removes them. The project that is
open is looked at as little as possible; one of no value is best.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

from bridge_core.selftest import Check, NotSeen, expect, main
from bridge_resolve.selftest_bench import (
    FRAMES,
    NAME,
    SIZE,
    Bench,
    first_clip,
    host_of,
    on_bench,
    running,
)


def program() -> str:
    resolve = running()
    return f"{resolve.GetProductName()} {resolve.GetVersionString()}"


def _edition() -> str:
    name = str(running().GetProductName())
    expect("'Studio' is in the product's name", "Studio" in name, True)
    return name


def _thread() -> str:
    from bridge_resolve.api_thread import ApiThread

    thread = ApiThread()
    try:
        name = thread.call(lambda: running().GetProductName())
    finally:
        thread.close(1.0)
    expect("an answer on another thread", bool(name), True)
    return "Resolve answers a thread that is not the main one"


def _missing_call() -> str:
    expect("dir() lists a call", "GetProductName" in dir(running()), True)
    expect("dir() lists a name that is none", "GetNoSuchThing" in dir(running()), False)
    return "dir() tells which calls there are"


@on_bench
def _properties(there: Bench) -> str:
    told = there.media.GetClipProperty(None)
    expect("all properties at once", isinstance(told, dict), True)
    assert isinstance(told, dict)
    wanted = ("File Path", "FPS", "Start TC", "Frames", "Resolution", "Input Color Space")
    expect("names of properties", [name for name in wanted if name not in told], [])
    expect("path of a sequence", Path(told["File Path"]).name, "selftest.[1001-1024].png")
    expect("its frames", str(told["Frames"]), str(len(FRAMES)))
    expect("its size", told["Resolution"], f"{SIZE}x{SIZE}")
    return f"FPS {told['FPS']}, Start TC {told['Start TC']}, {told['Input Color Space']}"


@on_bench
def _digits(there: Bench) -> str:
    """Versions of media with timecode are numbered so."""
    picture = (there.folder / f"selftest.{FRAMES[0]}.png").read_bytes()
    for frame in (90038, 90039):
        (there.folder / f"timecode.{frame}.png").write_bytes(picture)
    pattern = str(there.folder / "timecode.%04d.png")
    made = there.pool.ImportMedia([{"FilePath": pattern, "StartIndex": 90038, "EndIndex": 90039}])
    expect("items of a sequence with five digits", len(made or []), 1)
    try:
        path = str(made[0].GetClipProperty("File Path"))
    finally:
        there.pool.DeleteClips(made)
    expect("its path", Path(path).name, "timecode.[90038-90039].png")
    return "%04d takes numbers of five digits, and they are told as they are"


@on_bench
def _start_timecode(there: Bench) -> str:
    from bridge_resolve.media import media_of

    media = media_of(there.media)
    assert media is not None
    expect("first frame of a sequence without timecode", media.start, FRAMES[0])
    return "a sequence without timecode counts from its first file's number"


@on_bench
def _rate(there: Bench) -> str:
    expect("SetClipProperty FPS", there.media.SetClipProperty("FPS", "24"), True)
    expect("FPS afterwards", float(str(there.media.GetClipProperty("FPS"))), 24.0)
    return "an imported sequence takes another rate"


@on_bench
def _append(there: Bench) -> str:
    expect("start and length", there.stands(), (there.timeline.GetStartFrame(), 10))
    return "endFrame is exclusive; recordFrame counts from 00:00:00:00"


@on_bench
def _ids(there: Bench) -> str:
    (again,) = there.timeline.GetItemListInTrack("video", 1)
    expect("id of a clip asked for again", again.GetUniqueId(), there.clip.GetUniqueId())
    return "a clip keeps its id"


@on_bench
def _track(there: Bench) -> str:
    from bridge_resolve.clips import cut_in, stands

    timeline: Any = there.timeline
    expect("AddTrack", timeline.AddTrack("video"), True)
    expect("SetTrackName", timeline.SetTrackName("video", 2, NAME), True)
    above = cut_in(there.pool, there.media, (4, 14), 2, there.stands()[0])
    expect("a clip cut in above", above is not None, True)
    assert above is not None
    expect("where it stands", stands(above), there.stands())
    expect("AddTrack in between", timeline.AddTrack("video", {"index": 2}), True)
    on = [len(timeline.GetItemListInTrack("video", track) or []) for track in (1, 2, 3)]
    expect("clips on the three tracks", on, [1, 0, 1])
    return "a clip is cut in on the track above, frame-exact; tracks are put in between"


@on_bench
def _takes(there: Bench) -> str:
    before = there.stands()
    expect("AddTake", there.clip.AddTake(there.media, 6, 16), True)
    expect("takes", there.clip.GetTakesCount(), 2)
    selected = there.clip.GetSelectedTakeIndex()
    told = there.clip.GetTakeByIndex(2)
    expect("frames of the take", (told["startFrame"], told["endFrame"]), (6, 16))
    expect("SelectTakeByIndex", there.clip.SelectTakeByIndex(2), True)
    expect("where the clip stands", there.stands(), before)
    expect("its id", bool(there.clip.GetUniqueId()), True)
    return f"its end is exclusive, the clip stays; selected after AddTake was take {selected}"


@on_bench
def _take_exported(there: Bench) -> str:
    expect("AddTake", there.clip.AddTake(there.media, 6, 16), True)
    expect("SelectTakeByIndex", there.clip.SelectTakeByIndex(2), True)
    clip = first_clip(there.exported())
    reference = next(iter(clip["media_references"].values()))
    at = clip["source_range"]["start_time"]["value"]
    begins = reference["available_range"]["start_time"]["value"]
    expect("offset of the selected take in OTIO", at - begins, 6.0)
    return "OTIO holds the selected take"


@on_bench
def _take_deleted(there: Bench) -> str:
    expect("AddTake", there.clip.AddTake(there.media, 6, 16), True)
    expect("DeleteTakeByIndex", there.clip.DeleteTakeByIndex(2), True)
    expect("takes left", there.clip.GetTakesCount() in (0, 1), True)
    return "a take can be taken back"


@on_bench
def _markers(there: Bench) -> str:
    data = json.dumps({"shotbridge": 1, "version": "ü" * 40, "paths": "/" * 600})
    add = functools.partial(there.clip.AddMarker, 6, "Purple", "v001", "said", 1, data)
    expect("AddMarker", add(), True)
    expect("AddMarker twice on a frame", bool(add()), False)
    told = {float(frame): marker for frame, marker in there.clip.GetMarkers().items()}
    expect("frames with markers", list(told), [6.0])
    expect("customData", told[6.0]["customData"], data)
    expect("UpdateMarkerCustomData", there.clip.UpdateMarkerCustomData(6, "other"), True)
    marker = first_clip(there.exported())["markers"][0]
    clip = first_clip(there.exported())
    begins = next(iter(clip["media_references"].values()))["available_range"]["start_time"]["value"]
    at = marker["marked_range"]["start_time"]["value"]
    expect("place of the marker from the media's first frame", at - begins, 6.0)
    expect("its note in OTIO", marker["metadata"]["Resolve_OTIO"]["Note"], "said")
    return "markers of clips count from the media's first frame and keep a script's data"


@on_bench
def _markers_and_takes(there: Bench) -> str:
    expect("AddMarker", there.clip.AddMarker(6, "Purple", "v001", "", 1, "ours"), True)
    expect("AddTake", there.clip.AddTake(there.media, 6, 16), True)
    expect("SelectTakeByIndex", there.clip.SelectTakeByIndex(2), True)
    told = [(float(at), m["customData"]) for at, m in there.clip.GetMarkers().items()]
    expect("markers with another take selected", told, [(6.0, "ours")])
    return "markers stay with the clip whichever take is selected"


@on_bench
def _otio(there: Bench) -> str:
    document = there.exported()
    clip = first_clip(document)
    expect("schema of a clip", clip["OTIO_SCHEMA"], "Clip.2")
    reference = next(iter(clip["media_references"].values()))
    expect("path", Path(reference["target_url"]).name, "selftest.[1001-1024].png")
    start = reference["available_range"]["start_time"]["value"]
    expect("start of the media", start, float(FRAMES[0]))
    expect("start of the clip", clip["source_range"]["start_time"]["value"], start + 4)
    begins = document["global_start_time"]["value"]
    expect("start of the timeline", begins, float(there.timeline.GetStartFrame()))
    return "OTIO counts in media timecode, the timeline from its start"


@on_bench
def _otio_back(there: Bench) -> str:

    path = there.folder / "back.otio"
    document = there.exported()
    first_clip(document)["metadata"]["shotbridge"] = {"clip": "kept?"}
    path.write_text(json.dumps(document), encoding="utf-8")
    pool: Any = there.pool  # the stubs want every option
    made = pool.ImportTimelineFromFile(str(path), {"timelineName": f"{NAME} back"})
    expect("ImportTimelineFromFile gives a timeline", made is not None, True)
    try:
        (item,) = made.GetItemListInTrack("video", 1)
        expect(
            "where the clip stands", (int(item.GetStart()), int(item.GetDuration())), there.stands()
        )
        media = item.GetMediaPoolItem()
        expect("its media is linked", media is not None, True)
        expect("to what is in the pool", media.GetUniqueId(), there.media.GetUniqueId())
    finally:
        there.pool.DeleteTimelines([made])
    return "Resolve reads its own OTIO back, linked and frame-exact"


@on_bench
def _scene(there: Bench) -> str:
    with host_of(there) as host:
        shot = host.scene().shots[0].shot
    expect("frames shown", (shot.cut_range.first, shot.cut_range.last), (1005, 1014))
    assert shot.record_range is not None
    expect("record frame", shot.record_range.first, there.timeline.GetStartFrame())
    return "the panel reads the timeline frame-exact"


@on_bench
def _playhead(there: Bench) -> str:
    at = int(there.timeline.GetStartFrame()) + 3
    with host_of(there) as host:
        host.go_to(at)
        expect("the playhead's frame", host.frame(), at)
    return f"timecode {there.timeline.GetCurrentTimecode()}"


@on_bench
def _in_out(there: Bench) -> str:
    from bridge_resolve.answers import knows

    if not knows(there.timeline, "SetMarkInOut"):
        raise NotSeen("this Resolve tells no script of In and Out: all clips are listed")
    expect("SetMarkInOut", there.timeline.SetMarkInOut(2, 5), True)
    told = there.timeline.GetMarkInOut()
    expect("In and Out, from the timeline's first frame", told["video"], {"in": 2, "out": 5})
    return "In and Out count from the timeline's first frame"


@on_bench
def _custom_rate(there: Bench) -> str:
    made = there.pool.CreateEmptyTimeline(f"{NAME} rate")
    try:
        expect("useCustomSettings", made.SetSetting("useCustomSettings", "1"), True)
        expect("timelineFrameRate", made.SetSetting("timelineFrameRate", "24"), True)
        expect("rate afterwards", float(made.GetSetting("timelineFrameRate")), 24.0)
        expect("drop frame", made.SetSetting("timelineFrameRate", "29.97 DF"), True)
        expect("a start with ;", made.SetStartTimecode("01:00:00;00"), True)
        expect("its frame", int(made.GetStartFrame()), 107892)
    finally:
        there.pool.DeleteTimelines([made])
    return "a timeline takes a rate of its own while it is empty, drop frame included"


@on_bench
def _render(there: Bench) -> str:
    """Resolve's own queue, the user's settings included."""
    from bridge_resolve.clips import clips_of
    from bridge_resolve.colour import colour_of
    from bridge_resolve.rendering import render

    project = there.project
    with host_of(there) as host:
        shot = host.scene().shots[0].shot
    before = (dict(project.GetCurrentRenderFormatAndCodec()), project.GetCurrentRenderMode())
    presets = list(project.GetRenderPresetList())
    folder = there.folder / "rendered"
    folder.mkdir()
    (clip,) = clips_of(there.timeline).values()
    *_, last = render(project, colour_of(project), clip, shot, folder, [1005, 1006, 1009])
    names = sorted(path.name.rpartition("_")[2] for path in folder.iterdir())
    expect("files", names, ["00001005.exr", "00001006.exr", "00001009.exr"])
    after = (dict(project.GetCurrentRenderFormatAndCodec()), project.GetCurrentRenderMode())
    expect("format, codec and mode afterwards", after, before)
    expect("presets afterwards", list(project.GetRenderPresetList()), presets)
    return f"{last.total} frames rendered from a timeline of their own, and nothing left behind"


def _render_settings() -> str:
    raise NotSeen(
        "look by hand: note target folder and file name on the Deliver page, render a camera file "
        "from the panel, and see whether both are as they were: no call reads them"
    )


CHECKS = (
    Check("resolve.edition", "Resolve Studio names itself so.", _edition),
    Check("resolve.threads.other", "Resolve answers another thread.", _thread, on_main=False),
    Check("resolve.calls.missing", "dir() tells which calls exist.", _missing_call),
    Check("resolve.media.properties", "Clip properties have the names we read.", _properties),
    Check("resolve.media.digits", "Numbers of five digits are a sequence.", _digits),
    Check("resolve.media.start", "Sequences without timecode count by files.", _start_timecode),
    Check("resolve.media.rate", "An imported sequence takes the plate's rate.", _rate),
    Check("resolve.append.frames", "AppendToTimeline counts as we count.", _append),
    Check("resolve.clips.ids", "A clip keeps its unique id.", _ids),
    Check("resolve.tracks.above", "A version is cut in on a track above.", _track),
    Check("resolve.takes.frames", "Takes are added and selected frame-exact.", _takes),
    Check("resolve.takes.otio", "OTIO shows the selected take.", _take_exported),
    Check("resolve.takes.delete", "A take can be taken back.", _take_deleted),
    Check("resolve.markers.data", "Markers keep a script's data and place.", _markers),
    Check("resolve.markers.takes", "Markers stay when a take is selected.", _markers_and_takes),
    Check("resolve.otio.out", "Export writes OTIO the way we read it.", _otio),
    Check("resolve.otio.back", "Resolve reads OTIO back, linked.", _otio_back),
    Check("resolve.scene", "The panel reads the timeline frame-exact.", _scene),
    Check("resolve.playhead", "The playhead is read and moved by timecode.", _playhead),
    Check("resolve.in_out", "In and Out of the timeline can be read.", _in_out),
    Check("resolve.timeline.rate", "An empty timeline takes its own rate.", _custom_rate),
    Check("resolve.render.exr", "Camera files are rendered to EXR.", _render),
    Check("resolve.render.settings", "Folder and name of deliveries come back.", _render_settings),
)

if __name__ == "__main__":
    sys.exit(main("resolve", program, CHECKS, sys.argv[1:]))
