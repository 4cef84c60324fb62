"""Placing versions in the sequencer: the right frames at the right position for every kind of
retiming; one undo step; saving and loading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blender_sample_file as sample_file
import bpy
import pytest

from bridge_core.errors import HostError
from bridge_core.hosts.base import HostShot, Placement

FRAMES = range(1001, 1041)
REPEATS = pytest.mark.skipif(
    bpy.app.version >= (5, 0, 0),
    reason="without a window, Blender 5.2 sometimes renders an earlier frame",
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    sample_file.new_file()
    sample_file.plate(tmp_path / "plate", "p", FRAMES, size=(8, 8))
    yield tmp_path


def _strip(folder: Path, head: int = 4, tail: int = 3) -> Any:
    strip = sample_file.picture_strip(folder / "plate" / "p.%04d.exr", FRAMES, 1, 10)
    sample_file.trim(strip, head, tail)
    strip.select = False
    return strip


def _only_shot() -> HostShot:
    (shot,) = sample_file.host().scene().shots
    return shot


def _of(number: int, frames: list[int]) -> list[int]:
    return [frame - 1000 + sample_file.VERSION_OFFSET * number for frame in frames]


def _bounds(strip: Any) -> tuple[int, int]:
    left, right = sample_file.extension_module("sequencer_api").bounds(strip)
    return left, right


def _shown() -> list[int]:
    return sample_file.shown_frames(range(*_bounds(_plate())))


def _plate() -> Any:
    """The plate's strip, found by name: undo and loading create new strips."""
    return sample_file.strips()["p"]


@pytest.mark.parametrize("mode_id", ["above", "swap"])
def test_it_shows_the_frames_of_the_plate(folder: Path, mode_id: str) -> None:
    _strip(folder)
    before = _shown()
    item = _only_shot()
    placement = sample_file.placement(folder, item, 1)
    sample_file.host().place(
        [Placement(item.item_id, placement.version, placement.folder, mode_id=mode_id)]
    )
    assert _shown() == _of(1, before)
    strip = sample_file.strips()["p upscale v001"]
    assert _bounds(strip) == _bounds(_plate())
    assert strip.transform.scale_x == 0.5, "a version of twice the size has the plate's framing"
    assert strip.channel == (2 if mode_id == "above" else 1)
    # Its handles have the version's frames beyond the cut.
    left, right = sample_file.extension_module("sequencer_api").content_bounds(strip)
    assert (left, right) == (_bounds(strip)[0] - 2, _bounds(strip)[1] + 2)
    sample_file.trim(strip, -2, -2)
    assert sample_file.shown_frames([_bounds(strip)[0]]) == _of(1, [before[0] - 2])


@REPEATS
@pytest.mark.parametrize("mode_id", ["above", "swap"])
@pytest.mark.parametrize("factor", [2.0, 0.5, 1.3])
def test_it_keeps_the_speed_of_the_plate(folder: Path, mode_id: str, factor: float) -> None:
    strip = _strip(folder)
    api = sample_file.extension_module("sequencer_api")
    effect = api.new_effect(sample_file.strips(), "Speed", "SPEED", 2, api.bounds(strip), strip)
    effect.speed_control, effect.speed_factor = "MULTIPLY", factor
    effect.use_frame_interpolate = False
    effect.select = strip.select = False
    item = _only_shot()
    source = sample_file.extension_module("media").strip_media(strip, bpy.context.scene, effect)
    expected = [source.first_frame + index for index in source.frame_mapping.content_frames()]
    placement = sample_file.placement(folder, item, 1)
    sample_file.host().place(
        [Placement(item.item_id, placement.version, placement.folder, mode_id=mode_id)]
    )
    assert _shown() == _of(1, expected)


def test_switching_shows_each_version_and_the_plate_again(folder: Path) -> None:
    _strip(folder)
    plain = _shown()
    item, host = _only_shot(), sample_file.host()
    for number, mode_id in ((1, "above"), (2, "above"), (3, "swap"), (4, "swap")):
        placed = sample_file.placement(folder, item, number)
        host.place([Placement(item.item_id, placed.version, placed.folder, mode_id=mode_id)])
        assert _only_shot().active_version_id == placed.version.id
    version_strips = sample_file.extension_module("version_strips")
    for number in (1, 3, 2, 4, 1):
        version_strips.show_version(
            version_strips.version_stack(_plate()), f"p upscale v{number:03d}"
        )
        assert _shown()[::8] == _of(number, plain)[::8]
        assert _only_shot().active_version_id == f"p-{number}"
    version_strips.show_version(version_strips.version_stack(_plate()), "")
    assert _shown()[::8] == plain[::8]
    assert (_plate().channel, _plate().mute, _only_shot().active_version_id) == (1, False, "")
    assert _only_shot().placed_version_ids == ("p-1", "p-2", "p-3", "p-4")


def test_a_swapped_version_becomes_the_input_of_effects(folder: Path) -> None:
    strip = _strip(folder)
    api = sample_file.extension_module("sequencer_api")
    effect = api.new_effect(sample_file.strips(), "Glow", "GLOW", 2, api.bounds(strip), strip)
    effect.select = False
    item = _only_shot()
    placed = sample_file.placement(folder, item, 1)
    sample_file.host().place(
        [Placement(item.item_id, placed.version, placed.folder, mode_id="swap")]
    )
    assert effect.input_1 == sample_file.strips()["p upscale v001"]
    version_strips = sample_file.extension_module("version_strips")
    version_strips.show_version(version_strips.version_stack(_plate()), "")
    assert effect.input_1 == _plate()


def test_other_strips_are_not_moved(folder: Path) -> None:
    _strip(folder)
    title = sample_file.picture_strip(folder / "plate" / "p.%04d.exr", FRAMES, 2, 20, "title")
    late = sample_file.picture_strip(folder / "plate" / "p.%04d.exr", FRAMES, 1, 47, "late")
    for strip in (title, late):
        strip.select = False
    before = {one.name: (one.channel, *_bounds(one)) for one in sample_file.strips()}
    host = sample_file.host()
    item = next(one for one in host.scene().shots if one.label == "p")
    for number, mode_id in ((1, "above"), (2, "swap")):
        placed = sample_file.placement(folder, item, number)
        host.place([Placement(item.item_id, placed.version, placed.folder, mode_id=mode_id)])
        now = {one.name: (one.channel, *_bounds(one)) for one in sample_file.strips()}
        assert {name: now[name] for name in ("title", "late")} == {
            name: before[name] for name in ("title", "late")
        }
    assert now["p upscale v001"][0] == 3
    assert now["p upscale v002"][0] == 1


def test_placing_is_one_undo_step(folder: Path) -> None:
    _strip(folder)
    bpy.ops.ed.undo_push(message="before")
    host, item = sample_file.host(), _only_shot()
    for number, mode_id in ((1, "above"), (2, "swap")):
        placed = sample_file.placement(folder, item, number)
        host.place([Placement(item.item_id, placed.version, placed.folder, mode_id=mode_id)])
    assert _only_shot().placed_version_ids == ("p-1", "p-2")
    bpy.ops.ed.undo()
    assert (_only_shot().placed_version_ids, _only_shot().active_version_id) == (("p-1",), "p-1")
    bpy.ops.ed.undo()
    assert (_only_shot().placed_version_ids, _only_shot().active_version_id) == ((), "")
    assert [strip.name for strip in sample_file.strips()] == ["p"]
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    assert (_only_shot().placed_version_ids, _only_shot().active_version_id) == (
        ("p-1", "p-2"),
        "p-2",
    )


def test_a_saved_blend_has_versions_with_relative_paths(folder: Path) -> None:
    _strip(folder)
    bpy.context.preferences.filepaths.use_relative_paths = True
    blend = folder / "cut.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    item = _only_shot()
    placed = sample_file.placement(folder, item, 1)
    sample_file.host().place([placed])
    before = _shown()
    bpy.ops.wm.save_mainfile()
    sample_file.new_file()
    assert sample_file.host().scene().shots == ()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert sample_file.strips()["p upscale v001"].directory.startswith("//versions")
    again = _only_shot()
    assert (again.shot.id, again.placed_version_ids, again.active_version_id) == (
        item.shot.id,
        ("p-1",),
        "p-1",
    )
    assert _shown() == before
    record = sample_file.extension_module("custom_properties").stored_version(
        sample_file.strips()["p upscale v001"]
    )
    assert record == placed.version


def test_properties_of_another_schema_are_not_read(folder: Path) -> None:
    """Their keys have other names: read as they are, all plates would have one empty identity."""
    strip = _strip(folder)
    strip["shotbridge"] = {"schema": 1, "plate": {"clip": "1f", "sequence": "A", "shot": "old"}}
    item = _only_shot()
    assert (item.shot.id.shot, item.placed_version_ids) == ("p", ())
    sample_file.host().place([sample_file.placement(folder, item, 1)])
    properties = sample_file.extension_module("custom_properties").plate_properties(strip)
    assert properties is not None and properties.clip_id
    assert _only_shot().placed_version_ids == ("p-1",)


def test_a_renamed_and_moved_plate_keeps_versions_and_name(folder: Path) -> None:
    strip = _strip(folder)
    item = _only_shot()
    sample_file.host().place([sample_file.placement(folder, item, 1)])
    strip.name = "something else"
    sample_file.extension_module("sequencer_api").move_content(strip, 300)
    again = _only_shot()
    assert (again.shot.id, again.placed_version_ids) == (item.shot.id, ("p-1",))


def test_a_file_saved_under_another_name_keeps_its_show(folder: Path) -> None:
    _strip(folder)
    host = sample_file.extension_module("host").BlenderHost(lambda: sample_file.settings(show=""))
    (problem,) = host.scene().problems
    assert (problem.skipped, problem.item_id) == (False, _only_shot().item_id)
    assert "save the file before you send" in problem.next_step
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "reel_v001_ada.blend"))
    (item,) = host.scene().shots
    assert (item.shot.id.show, host.scene().problems) == ("reel", ())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "reel_v002.blend"))
    assert host.scene().shots[0].shot.id == item.shot.id
    bpy.ops.ed.undo_push(message="before")
    host.place([sample_file.placement(folder, item, 1)])
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "final.blend"))
    again = host.scene().shots[0]
    assert (again.shot.id, again.placed_version_ids) == (item.shot.id, ("p-1",))
    bpy.ops.ed.undo()
    assert host.scene().show == "final"


def test_versions_are_not_placed_in_another_scene(folder: Path) -> None:
    _strip(folder)
    placed = sample_file.placement(folder, _only_shot(), 1)
    bpy.ops.scene.new(type="FULL_COPY")
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = bpy.context.scene
    (copied,) = sample_file.host().scene().shots
    with pytest.raises(HostError, match="'strip:Edit/p' no longer exists"):
        sample_file.host().place([placed])
    copied_placement = Placement(copied.item_id, placed.version, placed.folder)
    with pytest.raises(HostError, match=r"for contract/Edit/p, and p is contract/Edit\.001/p"):
        sample_file.host().place([copied_placement])
    assert [one.name for one in sample_file.strips(bpy.context.scene)] == ["p"]


def test_nothing_is_placed_if_undo_would_not_work(folder: Path) -> None:
    _strip(folder)
    placed = sample_file.placement(folder, _only_shot(), 1)
    thing = bpy.data.objects.new("mesh", bpy.data.meshes.new("mesh"))
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(HostError, match="Edit Mode"):
        sample_file.host().place([placed])
    assert [one.name for one in sample_file.strips()] == ["p"]
    bpy.ops.object.mode_set(mode="OBJECT")
    sample_file.host().place([placed])
    assert _only_shot().placed_version_ids == ("p-1",)


def test_a_version_that_lacks_frames_is_refused(folder: Path) -> None:
    strip = _strip(folder)
    item = _only_shot()
    placed = sample_file.placement(folder, item, 1)
    sample_file.trim(strip, -3, 0)
    with pytest.raises(HostError, match="the cut shows 1002-1037"):
        sample_file.host().place([placed])
    assert [one.name for one in sample_file.strips()] == ["p"]


def test_an_unknown_colour_space_is_refused(folder: Path) -> None:
    _strip(folder)
    placed = sample_file.placement(folder, _only_shot(), 1)
    (output,) = placed.version.outputs
    odd = placed.version.model_copy(
        update={"outputs": (output.model_copy(update={"colour_space": "Cineon 1993"}),)}
    )
    with pytest.raises(HostError, match="Cineon 1993"):
        sample_file.host().place([Placement(placed.item_id, odd, placed.folder)])
    assert [one.name for one in sample_file.strips()] == ["p"]


def test_a_plane_and_a_background_show_the_plates_frames(folder: Path) -> None:
    strip = _strip(folder)
    scene = bpy.context.scene
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    host = sample_file.host()
    item = next(one for one in host.scene().shots if one.label == "p")
    placed = sample_file.placement(folder, item, 1)
    for mode_id in ("plane", "background"):
        host.place([Placement(item.item_id, placed.version, placed.folder, mode_id=mode_id)])
    (background,) = scene.camera.data.background_images
    left, right = _bounds(strip)
    (node,) = [
        node
        for material in bpy.data.materials
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE"
    ]
    for image, user in (
        (background.image, background.image_user),
        (node.image, node.image_user),
    ):
        assert (user.frame_start, user.frame_duration, user.frame_offset) == (
            left,
            right - left,
            1004,
        )
        assert Path(bpy.path.abspath(image.filepath)) == placed.folder / "main.1005.exr"
        assert image.colorspace_settings.name == "Linear Rec.709"
    again = next(one for one in host.scene().shots if one.label == "p")
    assert again.placed_version_ids == ("p-1",)


@pytest.mark.parametrize(("mode_id", "kind"), [("plane", "MESH"), ("background", "CAMERA")])
def test_a_deleted_version_can_be_placed_again(folder: Path, mode_id: str, kind: str) -> None:
    _strip(folder)
    scene, host = bpy.context.scene, sample_file.host()
    for again in range(2):
        scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(scene.camera)
        item = next(one for one in host.scene().shots if one.label == "p")
        assert item.placed_version_ids == ()
        version = sample_file.placement(folder / str(again), item, 1)
        placed = Placement(item.item_id, version.version, version.folder, mode_id=mode_id)
        assert "upscale v001" in host.place([placed]).message
        assert host.place([placed]).message == "It is placed already"
        bpy.data.objects.remove(next(one for one in scene.objects if one.type == kind))


@REPEATS
@pytest.mark.parametrize("mode_id", ["above", "swap"])
def test_a_version_that_is_a_movie(folder: Path, mode_id: str) -> None:
    films = folder / "versions"
    films.mkdir()
    sample_file.grey_movie(films / "main.mkv", range(2, 41))
    sample_file.new_file()
    _strip(folder)
    item = _only_shot()
    placed = sample_file.placement(folder / "pictures", item, 1)
    (output,) = placed.version.outputs
    movie = output.model_copy(update={"pattern": "main.mkv", "colour_space": "Raw"})
    version = placed.version.model_copy(update={"outputs": (movie,)})
    sample_file.host().place([Placement(item.item_id, version, films, mode_id=mode_id)])
    left, right = _bounds(_plate())
    greys = [
        round(value / sample_file.STEP) for value in sample_file.shown_values(range(left, right))
    ]
    # The work range starts at 1003, the cut at 1005; the movie's first frame has grey 2.
    assert greys == list(range(4, 4 + right - left))
