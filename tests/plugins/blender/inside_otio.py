"""Exporting and importing cuts as OTIO: every range is the same after a round trip."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import blender_sample_file as sample_file
import bpy
import opentimelineio as otio
import pytest

from bridge_core.errors import HostError, TimelineError
from bridge_core.hosts.base import Placement
from bridge_core.timeline.cut_reader import read_cut

FRAMES = range(1001, 1041)
RATE = 25


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    sample_file.new_file()
    yield tmp_path


def _sound(path: Path, seconds: float = 4) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(struct.pack("<h", 1000) * int(8000 * seconds))
    return path


def _time(value: float, rate: float = RATE) -> Any:
    return otio.opentime.RationalTime(value, rate)


def _range(start: float, count: float, rate: float = RATE) -> Any:
    return otio.opentime.TimeRange(_time(start, rate), _time(count, rate))


def _clip(pattern: Path, first: int, count: int, *effects: Any) -> Any:
    media = otio.schema.ImageSequenceReference(
        target_url_base=pattern.parent.as_uri() + "/",
        name_prefix=pattern.name.partition("%")[0],
        name_suffix=".exr",
        start_frame=FRAMES.start,
        rate=RATE,
        frame_zero_padding=4,
        available_range=_range(FRAMES.start, len(FRAMES)),
        metadata={"shotbridge": {"colour_space": "ACEScg"}},
    )
    name = pattern.name.partition(".")[0]
    return otio.schema.Clip(
        name, media_reference=media, source_range=_range(first, count), effects=list(effects)
    )


def _cut(folder: Path) -> Path:
    """Two tracks with gaps, a fade, speeds, a still and sound; it starts at 01:00:00:00."""
    pattern = {
        name: sample_file.plate(folder / name, name, FRAMES, size=(8, 8))
        for name in ("A_010", "A_020", "A_030", "A_040")
    }
    warp = otio.schema.LinearTimeWarp
    one = otio.schema.Track("Pictures", kind=otio.schema.TrackKind.Video)
    one.extend(
        [
            otio.schema.Gap(source_range=_range(0, 5)),
            _clip(pattern["A_010"], 1004, 20),
            otio.schema.Transition(
                transition_type="SMPTE_Dissolve", in_offset=_time(3), out_offset=_time(2)
            ),
            _clip(pattern["A_020"], 1006, 18),
            otio.schema.Gap(source_range=_range(0, 7)),
            _clip(pattern["A_030"], 1003, 12, warp(time_scalar=2.0)),
            _clip(pattern["A_040"], 1003, 16, warp(time_scalar=0.5)),
            _clip(pattern["A_010"], 1010, 10, warp(time_scalar=-1.0)),
        ]
    )
    two = otio.schema.Track("Titles", kind=otio.schema.TrackKind.Video)
    two.extend(
        [
            otio.schema.Gap(source_range=_range(0, 30)),
            _clip(pattern["A_040"], 1020, 9, otio.schema.FreezeFrame()),
        ]
    )
    sound = otio.schema.Track("Sound", kind=otio.schema.TrackKind.Audio)
    sound.extend(
        [
            otio.schema.Gap(source_range=_range(0, 4)),
            otio.schema.Clip(
                "voice",
                media_reference=otio.schema.ExternalReference(
                    _sound(folder / "voice.wav").as_uri(), available_range=_range(0, 100)
                ),
                source_range=_range(10, 50),
            ),
        ]
    )
    timeline = otio.schema.Timeline("cut", global_start_time=_time(90000))
    timeline.tracks.extend([one, two, sound] if _has_sound() else [one, two])
    timeline.tracks.markers.append(otio.schema.Marker(name="here", marked_range=_range(12, 1)))
    path = folder / "cut.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _ranges(path: Path) -> list[tuple[Any, ...]]:
    """Everything that a reader of the cut uses."""
    cut = read_cut(path, show="x", handles=0)
    rows: list[tuple[Any, ...]] = [("cut", cut.rate, cut.global_start)]
    for item in cut:
        shot = item.shot
        rows.append(
            (
                item.track,
                item.media_key,
                shot.record_range,
                shot.cut_range,
                shot.work_range,
                shot.retime,
                shot.plate.colour_space,
            )
        )
    timeline = otio.adapters.read_from_file(str(path))
    for track in timeline.tracks:
        for child in track:
            if isinstance(child, otio.schema.Transition):
                rows.append((track.name, "fade", child.in_offset, child.out_offset))
            elif isinstance(child, otio.schema.Gap):
                rows.append((track.name, "gap", child.duration()))
            elif track.kind == "Audio":
                rows.append((track.name, child.name, child.source_range))
    rows += [(marker.name, marker.marked_range) for marker in timeline.tracks.markers]
    return rows


def _has_sound() -> bool:
    """The Python module of Blender 4.2 has no sound."""
    return bool(bpy.app.build_options.audaspace)


def test_a_round_trip_keeps_every_range(folder: Path) -> None:
    path = _cut(folder)
    warnings = sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    assert [str(one) for one in warnings] == []
    assert (bpy.context.scene.render.fps, bpy.context.scene.frame_start) == (RATE, 90000)
    back = folder / "back.otio"
    warnings = sample_file.extension_module("otio_export").export_cut(bpy.context.scene, back)
    assert [str(one) for one in warnings] == []
    assert _ranges(back) == _ranges(path)
    # And again, from the exported file.
    sample_file.new_file()
    sample_file.extension_module("otio_import").import_cut(bpy.context.scene, back)
    again = folder / "again.otio"
    sample_file.extension_module("otio_export").export_cut(bpy.context.scene, again)
    assert _ranges(again) == _ranges(path)


def test_blender_renders_the_frames_of_the_cut(folder: Path) -> None:
    path = _cut(folder)
    sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    for strip in sample_file.strips():
        if strip.type in ("IMAGE", "MOVIE"):
            strip.colorspace_settings.name = "Linear Rec.709"
    scene = bpy.context.scene
    scene.sequence_editor.channels[sample_file.strips()["A_040.001"].channel].mute = True
    scene.render.resolution_x = scene.render.resolution_y = 8
    at = 90000
    assert sample_file.shown_frames([at + 4, at + 43, at + 49]) == [0, 0, 0], "gaps are black"
    assert sample_file.shown_frames([at + 5, at + 20]) == [1004, 1019]
    assert sample_file.shown_frames([at + 27, at + 42]) == [1008, 1023]
    assert sample_file.shown_frames([at + 50, at + 51, at + 61]) == [1003, 1005, 1025]
    assert sample_file.shown_frames([at + 62, at + 63, at + 64]) == [1003, 1003, 1004]
    scene.sequence_editor.channels[sample_file.strips()["A_040.001"].channel].mute = False
    assert sample_file.shown_frames([at + 30, at + 38]) == [1020, 1020]
    assert sample_file.shown_frames([at + 78, at + 87]) == [1019, 1010]


def test_ntsc_rates_stay_exact(folder: Path) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    sample_file.picture_strip(pattern, FRAMES, 1, 10)
    path = folder / "ntsc.otio"
    sample_file.extension_module("otio_export").export_cut(scene, path)
    assert read_cut(path).rate == Fraction(24000, 1001)
    before = _ranges(path)
    sample_file.new_file()
    sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    sample_file.extension_module("otio_export").export_cut(bpy.context.scene, folder / "back.otio")
    assert _ranges(folder / "back.otio") == before


def test_unsupported_properties_are_listed(folder: Path) -> None:
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    strip = sample_file.picture_strip(pattern, FRAMES, 1, 1)
    strip.transform.offset_x = 12
    strip.modifiers.new("Grade", "COLOR_BALANCE")
    strip.blend_type = "ADD"
    sample_file.extension_module("sequencer_api").new_effect(
        sample_file.strips(), "Title", "TEXT", 3, (1, 20)
    )
    warnings = sample_file.extension_module("otio_export").export_cut(
        bpy.context.scene, folder / "cut.otio"
    )
    text = "\n".join(map(str, warnings))
    for word in ("Title", "position", "Grade", "add"):
        assert word in text


def test_a_cut_with_another_rate_than_the_strips_is_refused(folder: Path) -> None:
    path = _cut(folder)
    scene = bpy.context.scene
    scene.render.fps = 24
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    sample_file.picture_strip(pattern, FRAMES, 1, 1)
    with pytest.raises(HostError, match="25 frames per second, the scene 24"):
        sample_file.extension_module("otio_import").import_cut(scene, path)
    assert len(sample_file.strips()) == 1


def test_existing_strips_are_not_moved(folder: Path) -> None:
    path = _cut(folder)
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    mine = sample_file.picture_strip(pattern, FRAMES, 4, 1, "mine")
    before = (mine.channel, sample_file.extension_module("sequencer_api").bounds(mine))
    sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    assert (mine.channel, sample_file.extension_module("sequencer_api").bounds(mine)) == before
    others = [strip.channel for strip in sample_file.strips() if strip != mine]
    assert min(others) == 5, "above mine"


def test_empty_exports_and_overwriting_are_refused(folder: Path) -> None:
    target = folder / "cut.otio"
    with pytest.raises(TimelineError, match="no strips"):
        sample_file.extension_module("otio_export").export_cut(bpy.context.scene, target)
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    sample_file.picture_strip(pattern, FRAMES, 1, 1)
    target.write_text("mine")
    with pytest.raises(TimelineError, match="overwritten"):
        sample_file.extension_module("otio_export").export_cut(bpy.context.scene, target)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("mode_id", ["above", "swap"])
def test_versions_are_exported_as_media_of_their_clip(folder: Path, mode_id: str) -> None:
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    strip = sample_file.picture_strip(pattern, FRAMES, 1, 10)
    sample_file.trim(strip, 4, 3)
    strip.select = False
    host, scene = sample_file.host(), bpy.context.scene
    (item,) = host.scene().shots
    for number in (1, 2):
        placed = sample_file.placement(folder, item, number)
        host.place([Placement(item.item_id, placed.version, placed.folder, mode_id=mode_id)])

    def carried(name: str) -> dict[str, bool]:
        assert sample_file.extension_module("otio_export").export_cut(scene, folder / name) == []
        (found,) = read_cut(folder / name, handles=0).shots
        assert found.shot.plate.path == str(pattern)
        assert found.shot.cut_range == item.shot.cut_range
        assert (found.shot.id.sequence, found.shot.id.shot) == (
            item.shot.id.sequence,
            item.shot.id.shot,
        )
        for one in found.versions:
            number = int(one.version[-1])
            files = folder / "versions" / item.shot.id.shot / f"v{number:03d}"
            assert Path(one.path) == files / "main.%04d.exr"
        return {one.label: one.is_active for one in found.versions}

    assert carried("two.otio") == {"v001": False, "v002": True}
    version_strips = sample_file.extension_module("version_strips")
    version_strips.show_version(
        version_strips.version_stack(sample_file.strips()["p"]), "p upscale v001"
    )
    assert carried("one.otio") == {"v001": True, "v002": False}
    version_strips.show_version(version_strips.version_stack(sample_file.strips()["p"]), "")
    assert carried("plate.otio") == {"v001": False, "v002": False}


def test_muted_strips_are_disabled_clips(folder: Path) -> None:
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    for number in range(2):
        sample_file.picture_strip(pattern, FRAMES, 1 + number, 1, f"p {number}").mute = bool(number)
    sample_file.extension_module("otio_export").export_cut(bpy.context.scene, folder / "cut.otio")
    clips = otio.adapters.read_from_file(str(folder / "cut.otio")).find_clips()
    assert {clip.name: clip.enabled for clip in clips} == {"p 0": True, "p 1": False}


def test_scenes_and_markers_are_exported(folder: Path) -> None:
    sample_file.SampleEdit(folder)
    scene = bpy.context.scene
    scene.timeline_markers.new("look here", frame=7)
    warnings = sample_file.extension_module("otio_export").export_cut(scene, folder / "cut.otio")
    assert {one.source_name for one in warnings} == {"A_030", "with holes"}
    timeline = otio.adapters.read_from_file(str(folder / "cut.otio"))
    (exported,) = [clip for clip in timeline.find_clips() if clip.name == "A_030"]
    assert exported.media_reference.generator_kind == "Blender scene"
    (marker,) = timeline.tracks.markers
    assert (marker.name, marker.marked_range.start_time) == ("look here", _time(6))


def test_without_free_channels_nothing_is_added(folder: Path) -> None:
    path = _cut(folder)
    pattern = sample_file.plate(folder / "p", "p", FRAMES, size=(8, 8))
    bpy.context.scene.render.fps = RATE
    sample_file.picture_strip(pattern, FRAMES, 123, 1, "mine")
    with pytest.raises(HostError, match="no free channel"):
        sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    assert [strip.name for strip in sample_file.strips()] == ["mine"]


def _movies(folder: Path, *clips: tuple[Path, int, int, int]) -> Path:
    """A cut of movies, each with its file, first frame, frame count, and the available count."""
    track = otio.schema.Track("Pictures", kind=otio.schema.TrackKind.Video)
    for number, (path, first, count, has) in enumerate(clips):
        media = otio.schema.ExternalReference(path.as_uri(), available_range=_range(0, has))
        track.append(
            otio.schema.Clip(
                f"m {number}", media_reference=media, source_range=_range(first, count)
            )
        )
    timeline = otio.schema.Timeline("cut", global_start_time=_time(0))
    timeline.tracks.append(track)
    path = folder / "movies.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def test_missing_broken_and_short_movies_get_strips(folder: Path) -> None:
    broken, short = folder / "broken.mov", folder / "short.mp4"
    broken.write_bytes(b"no movie")
    sample_file.grey_movie(short, range(12))
    sample_file.new_file()
    path = _movies(
        folder,
        (short, 2, 10, 12),
        (folder / "gone.mov", 5, 10, 40),
        (broken, 30, 10, 40),
        (short, 50, 10, 100),
    )
    warnings = sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    bounds = sample_file.extension_module("sequencer_api").bounds
    assert {strip.name: bounds(strip) for strip in sample_file.strips()} == {
        "m 0": (0, 10),
        "m 1": (10, 20),
        "m 2": (20, 30),
        "m 3": (30, 40),
    }
    assert {strip.channel for strip in sample_file.strips()} == {1}
    reasons = {one.source_name: one.message for one in warnings}
    assert "gone.mov does not exist" in reasons["m 1"]
    assert "broken.mov cannot be opened" in reasons["m 2"]
    assert "only 12 of 60 frames" in reasons["m 3"]
    assert set(reasons) == {"m 1", "m 2", "m 3"}
    assert sample_file.strips()["m 1"].filepath == str(folder / "gone.mov"), "can be relinked"


def test_sound_beside_the_timeline_in_a_folder_is_found(folder: Path) -> None:
    if not _has_sound():
        pytest.skip("this Blender has no sound")
    timeline = otio.adapters.read_from_file(str(_cut(folder)))
    bundle = folder / "cut.otiod"
    (bundle / "media").mkdir(parents=True)
    sound = _sound(bundle / "media" / "voice.wav")
    (clip,) = [one for one in timeline.find_clips() if one.name == "voice"]
    clip.media_reference.target_url = "media/voice.wav"
    otio.adapters.write_to_file(timeline, str(bundle / "content.otio"))
    sample_file.extension_module("otio_import").import_cut(bpy.context.scene, bundle)
    assert sample_file.strips()["voice"].sound.filepath == str(sound)


def test_disabled_clips_and_tracks_are_muted_and_exported_again(folder: Path) -> None:
    path = _cut(folder)
    timeline = otio.adapters.read_from_file(str(path))
    pictures, titles, *sounds = timeline.tracks
    off = [titles, pictures[5], *(clip for track in sounds for clip in track[1:])]
    for one in off:
        one.enabled = False
    otio.adapters.write_to_file(timeline, str(path))
    warnings = sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    assert [str(one) for one in warnings] == []
    muted = {strip.name for strip in sample_file.strips() if strip.mute}
    assert muted == {"A_030", "A_030 speed"} | ({"voice"} if sounds else set())
    back = folder / "back.otio"
    sample_file.extension_module("otio_export").export_cut(bpy.context.scene, back)
    again = otio.adapters.read_from_file(str(back))
    assert [track.enabled for track in again.tracks] == [True, False, True][: len(again.tracks)]
    names = [clip.name for clip in again.find_clips() if not clip.enabled]
    assert names == ["A_030"] + (["voice"] if sounds else [])
    for one in (*again.tracks, *again.find_clips()):
        one.enabled = True
    otio.adapters.write_to_file(again, str(back))
    timeline = otio.adapters.read_from_file(str(path))
    for one in (*timeline.tracks, *timeline.find_clips()):
        one.enabled = True
    otio.adapters.write_to_file(timeline, str(path))
    assert _ranges(back) == _ranges(path)


def test_unsupported_markers_and_effects_are_listed(folder: Path) -> None:
    path = _cut(folder)
    timeline = otio.adapters.read_from_file(str(path))
    marker = timeline.tracks.markers[0]
    marker.comment, marker.marked_range = "remove the crane", _range(12, 4)
    for track in timeline.audio_tracks():
        track[1].effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    otio.adapters.write_to_file(timeline, str(path))
    warnings = sample_file.extension_module("otio_import").import_cut(bpy.context.scene, path)
    text = "\n".join(map(str, warnings))
    assert "here: the marker's comment: remove the crane" in text
    assert "here: the marker's length of 4 frames" in text
    if _has_sound():
        assert "voice: its LinearTimeWarp" in text
        sample_file.strips()["voice"].pan = 0.5
        warnings = sample_file.extension_module("otio_export").export_cut(
            bpy.context.scene, folder / "back.otio"
        )
        assert "voice: its pan of 0.50" in map(str, warnings)


def test_a_refused_cut_does_not_change_the_scene(folder: Path) -> None:
    path = _cut(folder)
    scene, channels = bpy.context.scene, sample_file.extension_module("sequencer_api").MAX_CHANNELS
    before = scene.render.fps, scene.frame_start
    sample_file.extension_module("sequencer_api").MAX_CHANNELS = 3
    try:
        with pytest.raises(HostError, match="no free channel"):
            sample_file.extension_module("otio_import").import_cut(scene, path)
    finally:
        sample_file.extension_module("sequencer_api").MAX_CHANNELS = channels
    assert (scene.render.fps, scene.frame_start) == before
    assert not len(sample_file.strips())
    assert [one.name for one in scene.sequence_editor.channels][1:3] == ["Channel 1", "Channel 2"]


def test_a_swapped_version_is_exported_on_the_plates_track(folder: Path) -> None:
    for number, (name, start) in enumerate([("A", 1), ("B", 31)]):
        pattern = sample_file.plate(folder / name, name, FRAMES, size=(8, 8))
        sample_file.picture_strip(pattern, FRAMES, 1 + number, start, name)
    a, b = sample_file.strips()["A"], sample_file.strips()["B"]
    new_effect = sample_file.extension_module("sequencer_api").new_effect
    new_effect(sample_file.strips(), "Fade", "CROSS", 3, (31, 41), a, b)
    title = sample_file.plate(folder / "T", "T", FRAMES, size=(8, 8))
    sample_file.picture_strip(title, FRAMES, 4, 1, "T")
    scene, host = bpy.context.scene, sample_file.host()
    before = folder / "before.otio"
    assert sample_file.extension_module("otio_export").export_cut(scene, before) == []
    for one in sample_file.strips():
        one.select = one.name == "A"
    item = next(one for one in host.scene().shots if one.shot.id.shot == "A")
    placed = sample_file.placement(folder, item, 1)
    host.place([Placement(item.item_id, placed.version, placed.folder, mode_id="swap")])
    after = folder / "after.otio"
    assert sample_file.extension_module("otio_export").export_cut(scene, after) == []
    assert _ranges(after) == _ranges(before)
