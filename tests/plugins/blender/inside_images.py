"""Images of the Image Editor, the playhead, and copied strips with versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blender_sample_file as sample_file
import bpy
import pytest

from bridge_core.errors import HostError

FRAMES = range(1001, 1021)


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Any]:
    """An Image Editor in an empty file."""
    sample_file.new_file()
    sample_file.plate(tmp_path / "plate", "p", FRAMES, size=(8, 8))
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    yield area.spaces.active


def _load(editor: Any, folder: Path) -> Any:
    image = bpy.data.images.load(str(folder / "plate" / "p.1001.exr"))
    image.colorspace_settings.name = "ACEScg"
    editor.image = image
    return image


def test_an_image_is_a_still(editor: Any, tmp_path: Path) -> None:
    _load(editor, tmp_path)
    (item,) = sample_file.host().scene().shots
    plate = item.shot.plate
    assert (plate.path, plate.kind) == (str(tmp_path / "plate" / "p.1001.exr"), "still")
    assert (plate.width, plate.height, plate.colour_space) == (8, 8, "ACEScg")
    assert not item.needs_render


def test_a_sequence_has_the_range_of_the_image_editor(editor: Any, tmp_path: Path) -> None:
    image = _load(editor, tmp_path)
    image.source = "SEQUENCE"
    user = editor.image_user
    user.frame_start, user.frame_duration, user.frame_offset = 5, 8, 1003
    (item,) = sample_file.host().scene().shots
    shot = item.shot
    assert shot.plate.path == str(tmp_path / "plate" / "p.%04d.exr")
    assert shot.cut_range.frames() == range(1004, 1012)
    assert shot.record_range is not None and shot.record_range.frames() == range(5, 13)


def test_changes_in_the_image_editor_are_detected(editor: Any, tmp_path: Path) -> None:
    image, selection_sync = _load(editor, tmp_path), sample_file.extension_module("selection_sync")
    fingerprints = [selection_sync._fingerprint()]
    for thing, name, value in (
        (image, "filepath", str(tmp_path / "plate" / "p.1002.exr")),
        (image, "source", "SEQUENCE"),
        (image.colorspace_settings, "name", "Linear Rec.709"),
        (editor.image_user, "frame_duration", 9),
        (editor.image_user, "frame_offset", 3),
    ):
        setattr(thing, name, value)
        fingerprints.append(selection_sync._fingerprint())
        assert fingerprints[-1] != fingerprints[-2], name


def test_a_version_of_an_image_is_an_image(editor: Any, tmp_path: Path) -> None:
    from bridge_core.hosts.base import Placement

    image = _load(editor, tmp_path)
    host = sample_file.host()
    (item,) = host.scene().shots
    one, two = (sample_file.placement(tmp_path, item, number) for number in (1, 2))
    host.place([one])
    assert editor.image == image
    host.place([Placement(two.item_id, two.version, two.folder, mode_id="swap")])
    assert editor.image.name == "p.1001.exr upscale v002"
    assert list(editor.image.size) == [16, 16]
    editor.image = image
    assert host.scene().shots[0].placed_version_ids == (one.version.id, two.version.id)


def test_an_image_without_a_file_is_reported(editor: Any) -> None:
    editor.image = bpy.data.images.new("drawn", 8, 8)
    scene = sample_file.host().scene()
    assert scene.shots == ()
    assert [(one.label, one.next_step) for one in scene.problems] == [
        ("drawn", "save it (Alt-S), then send it")
    ]


def test_unsaved_changes_are_reported(editor: Any, tmp_path: Path) -> None:
    image = _load(editor, tmp_path)
    image.pixels[0] = 0.5
    image.update()
    assert image.is_dirty
    scene = sample_file.host().scene()
    assert scene.shots == ()
    assert [one.message for one in scene.problems] == ["its changes are not saved"]
    image.reload()
    assert len(sample_file.host().scene().shots) == 1


def test_a_file_that_appears_late_or_changes_is_read_again(editor: Any, tmp_path: Path) -> None:
    facts = sample_file.extension_module("media").movie_info
    late = tmp_path / "late" / "p.0001.exr"
    assert facts(str(late)) == (0, 0, 0)
    late.parent.mkdir()
    late.write_bytes(b"half of it")
    assert facts(str(late))[1:] == (0, 0)
    for size in (8, 16):
        sample_file.plate(late.parent, "p", range(1, 2), size=(size, size))
        assert facts(str(late))[1:] == (size, size)


def test_the_playhead(editor: Any) -> None:
    host = sample_file.host()
    host.go_to_frame(17)
    assert host.current_frame() == bpy.context.scene.frame_current == 17


def test_a_copied_strip_gets_its_own_versions(editor: Any, tmp_path: Path) -> None:
    editor.image = None
    strip = sample_file.picture_strip(tmp_path / "plate" / "p.%04d.exr", FRAMES, 1, 1, "one")
    host = sample_file.host()
    strip.select = False
    (item,) = host.scene().shots
    host.place([sample_file.placement(tmp_path, item, 1)])
    copied = sample_file.picture_strip(tmp_path / "plate" / "p.%04d.exr", FRAMES, 1, 101, "two")
    copied.select = False
    copied["shotbridge"] = strip["shotbridge"].to_dict()  # as Shift-D copies it
    one, two = host.scene().shots
    assert (one.placed_version_ids, two.placed_version_ids) == (("one-1",), ())
    assert one.shot.id != two.shot.id
    host.place([sample_file.placement(tmp_path, two, 2)])
    one, two = host.scene().shots
    assert (one.placed_version_ids, one.active_version_id) == (("one-1",), "one-1")
    assert (two.placed_version_ids, two.active_version_id) == (("one_2-2",), "one_2-2")


def test_at_another_frame_rate_a_version_is_refused(editor: Any, tmp_path: Path) -> None:
    editor.image = None
    strip = sample_file.picture_strip(tmp_path / "plate" / "p.%04d.exr", FRAMES, 1, 1, "one")
    strip.select = False
    host = sample_file.host()
    (item,) = host.scene().shots
    placed = sample_file.placement(tmp_path, item, 1)
    bpy.context.scene.render.fps = 30
    with pytest.raises(HostError, match="has 25 frames per second, the plate 30"):
        host.place([placed])


def test_a_locked_channel_is_not_used(editor: Any, tmp_path: Path) -> None:
    editor.image = None
    strip = sample_file.picture_strip(tmp_path / "plate" / "p.%04d.exr", FRAMES, 1, 1, "one")
    strip.select = False
    bpy.context.scene.sequence_editor.channels[2].lock = True
    host = sample_file.host()
    (item,) = host.scene().shots
    host.place([sample_file.placement(tmp_path, item, 1)])
    assert sample_file.strips()["one upscale v001"].channel == 3
