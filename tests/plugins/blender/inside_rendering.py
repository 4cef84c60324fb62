"""Rendering plates: the right pixels, and no change of the artist's settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blender_sample_file as sample_file
import bpy
import pytest

from bridge_core.errors import HostError


@pytest.fixture
def edit(tmp_path: Path) -> Iterator[sample_file.SampleEdit]:
    yield sample_file.SampleEdit(tmp_path)


def _shot(label: str) -> Any:
    return next(one for one in sample_file.host().scene().shots if one.label == label)


def _world(scene: Any, frames: dict[int, float]) -> None:
    """A world whose brightness depends on the frame."""
    world = scene.world = bpy.data.worlds.new("Frames")
    if not world.node_tree:
        world.use_nodes = True
    strength = world.node_tree.nodes["Background"].inputs["Strength"]
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    for frame, value in frames.items():
        strength.default_value = value
        strength.keyframe_insert("default_value", frame=frame)


def _red(path: Path) -> float:
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Linear Rec.709"
    value: float = image.pixels[0]
    assert image.is_float
    bpy.data.images.remove(image)
    return value


def test_each_frame_is_that_of_the_scene(edit: sample_file.SampleEdit, tmp_path: Path) -> None:
    values = {frame: 0.25 * (frame - 100) for frame in range(101, 107)}
    _world(bpy.data.scenes["Lay out"], values)
    item = _shot("A_030")
    assert (item.shot.plate.width, item.shot.plate.height) == (24, 16)
    assert item.shot.plate.colour_space == "Linear Rec.709 (sRGB)"
    folder = tmp_path / "out"
    folder.mkdir()
    *_, last = sample_file.host().render(item.item_id, folder)
    assert item.shot.work_range.frames() == range(101, 107)
    for frame, value in values.items():
        assert _red(Path(last.shot.plate.path_at(frame))) == pytest.approx(value, abs=0.002)


def test_the_camera_is_rendered_and_not_the_strips(
    edit: sample_file.SampleEdit, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    _world(scene, {1: 0.5, 3: 0.5})
    item = _shot("Edit/Camera")
    assert (item.shot.cut_range.first, item.shot.cut_range.last) == (1, 3)
    folder = tmp_path / "out"
    folder.mkdir()
    *_, last = sample_file.host().render(item.item_id, folder)
    assert _red(Path(last.shot.plate.path_at(3))) == pytest.approx(0.5, abs=0.002)


def test_the_last_rendering_is_sent_unchanged_and_kept(
    edit: sample_file.SampleEdit, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    scene.render.use_sequencer = False
    _world(scene, {1: 0.75, 2: 0.1})
    scene.frame_set(1)
    assert not [one for one in sample_file.host().scene().shots if one.label == "Edit"]
    bpy.ops.render.render(scene=scene.name)
    item = _shot("Edit")
    assert item.shot.cut_range.frames() == range(1, 2)
    scene.frame_set(2)
    folder = tmp_path / "out"
    folder.mkdir()
    *_, last = sample_file.host().render(item.item_id, folder)
    assert _red(Path(last.shot.plate.path_at(1))) == pytest.approx(0.75, abs=0.002)
    assert _shot("Edit") == item
    assert scene.frame_current == 2


def test_a_cropped_last_rendering_has_the_size_of_the_crop(
    edit: sample_file.SampleEdit, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    render = scene.render
    render.use_sequencer, render.use_border = False, True
    render.border_min_x, render.border_max_x, render.border_max_y = 0.1, 0.7, 0.5
    for crop, size in ((False, (32, 18)), (True, (19, 9))):
        render.use_crop_to_border = crop
        bpy.ops.render.render(scene=scene.name)
        folder = tmp_path / f"out {crop}"
        folder.mkdir()
        *_, last = sample_file.host().render(_shot("Edit").item_id, folder)
        image = bpy.data.images.load(last.shot.plate.path_at(1))
        assert (last.shot.plate.width, last.shot.plate.height) == size == tuple(image.size)
    assert _shot("Edit/Camera").shot.plate.width == 32


def test_the_last_rendering_is_sent_whichever_slot_is_shown(
    edit: sample_file.SampleEdit, tmp_path: Path
) -> None:
    scene = bpy.context.scene
    scene.render.use_sequencer = False
    _world(scene, {1: 0.75})
    scene.frame_set(1)
    bpy.ops.render.render(scene=scene.name)
    slots = bpy.data.images["Render Result"].render_slots
    assert slots.active_index == 0
    slots.active_index = 1
    folder = tmp_path / "out"
    folder.mkdir()
    *_, last = sample_file.host().render(_shot("Edit").item_id, folder)
    assert _red(Path(last.shot.plate.path_at(1))) == pytest.approx(0.75, abs=0.002)
    assert slots.active_index == 1


def test_a_plate_is_the_whole_frame(edit: sample_file.SampleEdit, tmp_path: Path) -> None:
    """Even if the artist renders only a region."""
    render = bpy.data.scenes["Lay out"].render
    render.use_border = render.use_crop_to_border = True
    render.border_max_x = render.border_max_y = 0.5
    item = _shot("A_030")
    folder = tmp_path / "out"
    folder.mkdir()
    *_, last = sample_file.host().render(item.item_id, folder, [102])
    image = bpy.data.images.load(last.shot.plate.path_at(102))
    assert tuple(image.size) == (item.shot.plate.width, item.shot.plate.height) == (24, 16)
    assert render.use_border


def test_strips_with_files_are_not_rendered(edit: sample_file.SampleEdit, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="in files"):
        list(sample_file.host().render(_shot("A_010").item_id, tmp_path))


def test_loading_another_file_stops_the_rendering(
    edit: sample_file.SampleEdit, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    steps = sample_file.host().render(_shot("A_030").item_id, folder)
    next(steps)
    sample_file.new_file()
    with pytest.raises(HostError, match="no longer open"):
        next(steps)
    assert list(folder.iterdir()) == []


def test_only_selected_strips_are_listed(edit: sample_file.SampleEdit) -> None:
    strips = sample_file.strips()
    strips["A_020"].select = True
    scene = sample_file.host().scene()
    assert [one.label for one in scene.shots] == ["A_020"]
    assert scene.problems == ()


def test_the_selection_does_not_change_shot_names(tmp_path: Path) -> None:
    sample_file.new_file()
    frames = range(1001, 1011)
    for number, folder in enumerate(("a", "b")):
        pattern = sample_file.plate(tmp_path / folder, "010_0020", frames, size=(8, 8))
        strip = sample_file.picture_strip(pattern, frames, 1, 1 + 20 * number, "010_0020.exr")
        strip.name = ("010_0020.exr", "010_0020.1001.exr")[number]
        strip.select = False
    both = {one.item_id: str(one.shot.id) for one in sample_file.host().scene().shots}
    assert len(set(both.values())) == 2
    for strip in sample_file.strips():
        strip.select = True
        (alone,) = sample_file.host().scene().shots
        assert str(alone.shot.id) == both[alone.item_id]
        strip.select = False


def test_what_cannot_be_sent_is_reported_where_it_is_selected(edit: sample_file.SampleEdit) -> None:
    text = sample_file.extension_module("sequencer_api").new_effect(
        sample_file.strips(), "Title", "TEXT", 5, (1, 20)
    )
    text.select = False
    assert [one.label for one in sample_file.host().scene().problems] == ["with holes"]
    text.select = True
    scene = sample_file.host().scene()
    assert scene.shots == ()
    assert [one.label for one in scene.problems] == ["Title"]


def test_muted_strips_are_sent_where_they_are_selected(edit: sample_file.SampleEdit) -> None:
    strip = sample_file.strips()["A_010"]
    strip.mute = True
    assert "A_010" not in [one.label for one in sample_file.host().scene().shots]
    strip.select = True
    assert [one.label for one in sample_file.host().scene().shots] == ["A_010"]


def test_watching_can_be_stopped(edit: sample_file.SampleEdit) -> None:
    """Blender without a window runs no timers, so the test compares the fingerprints itself."""
    calls: list[int] = []
    selection_sync = sample_file.extension_module("selection_sync")
    before = selection_sync._fingerprint()
    end = sample_file.host().watch(lambda: calls.append(1))
    sample_file.strips()["A_010"].select = True
    assert selection_sync._fingerprint() != before
    counts = [len(getattr(bpy.app.handlers, name)) for name in selection_sync._HANDLERS]
    end()
    end()
    after = [len(getattr(bpy.app.handlers, name)) for name in selection_sync._HANDLERS]
    assert after == [count - 1 for count in counts]


def _hard_trim(strip: Any) -> None:
    new = hasattr(strip, "content_trim_start")
    setattr(strip, "content_trim_start" if new else "animation_offset_start", 1)


def _other_file(strip: Any) -> None:
    strip.elements[0].filename = "A_020.1001.exr"


@pytest.mark.parametrize(
    "change",
    [
        lambda strip: setattr(strip, "directory", "/elsewhere"),
        _other_file,
        _hard_trim,
        lambda strip: setattr(strip, "use_reverse_frames", True),
        lambda strip: setattr(strip.colorspace_settings, "name", "ACEScg"),
    ],
)
def test_a_change_of_a_strips_media_is_detected(edit: sample_file.SampleEdit, change: Any) -> None:
    selection_sync = sample_file.extension_module("selection_sync")
    before = selection_sync._fingerprint()
    assert selection_sync._fingerprint() == before
    change(sample_file.strips()["A_010"])
    assert selection_sync._fingerprint() != before


@pytest.mark.parametrize(
    "change",
    [
        lambda strip: setattr(strip, "scene", bpy.context.scene.copy()),
        lambda strip: setattr(strip, "scene_input", "SEQUENCER"),
        lambda strip: setattr(strip.scene, "frame_end", 120),
        lambda strip: setattr(strip.scene.render, "resolution_x", 48),
        lambda strip: setattr(strip.scene.render, "pixel_aspect_x", 2),
        lambda strip: setattr(bpy.context.scene.render, "pixel_aspect_x", 2),
    ],
)
def test_a_change_of_rendered_scenes_is_detected(edit: sample_file.SampleEdit, change: Any) -> None:
    selection_sync = sample_file.extension_module("selection_sync")
    before = selection_sync._fingerprint()
    change(sample_file.strips()["A_030"])
    assert selection_sync._fingerprint() != before
