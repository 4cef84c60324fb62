"""Reading shots from nodes: exact ranges, colour spaces, stable names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nuke_sample_comp
import pytest

from bridge_core.errors import HostError
from bridge_core.hosts.base import HostShot, Placement
from bridge_core.models.frames import FrameRange

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_nuke.host import NukeHost


def only(host: NukeHost, program: FakeNuke, name: str) -> HostShot:
    program.select(name)
    scene = host.scene()
    assert scene.problems == ()
    (item,) = scene.shots
    return item


def span(first: int, last: int) -> FrameRange:
    return FrameRange.of(first, last, 25)


def test_a_read_is_sent_with_its_files(host: NukeHost, program: FakeNuke, tmp_path: Path) -> None:
    item = only(host, program, "Read1")
    shot, plate = item.shot, item.shot.plate
    assert (item.item_id, item.label, item.needs_render) == ("Read1", "Read1", False)
    assert str(shot.id) == "bunny/A_comp/A_010"
    assert plate.path == f"{tmp_path.as_posix()}/Größe und Länge/plates/A_010/A_010.%04d.exr"
    assert (plate.range, shot.cut_range, shot.work_range) == (
        span(1001, 1010),
        span(1003, 1008),
        span(1001, 1010),
    )
    assert shot.record_range == span(1003, 1008)
    assert (plate.width, plate.height, plate.pixel_aspect) == (16, 12, 1.0)
    assert plate.colour_space == "ACES - ACEScg"
    assert host.scene().title == "A_comp_v003.nk"


@pytest.mark.parametrize(
    ("mode", "value"), [("start at", "1003"), ("offset", "-2"), ("expression", "frame")]
)
def test_the_cut_range_has_the_files_numbers(
    host: NukeHost, program: FakeNuke, mode: str, value: str
) -> None:
    read = program.module.toNode("Read1")
    read["frame_mode"].setValue(mode)
    read["frame"].setValue(value)
    shot = only(host, program, "Read1").shot
    # Frame 1001 of the files is shown at 1003, where the script begins; or nothing is shifted.
    shift = 0 if mode == "expression" else 2
    assert shot.cut_range == span(1003 - shift, 1008 - shift)
    assert shot.record_range == span(1003, 1008)


def test_frames_outside_the_reads_range_are_not_handles(host: NukeHost, program: FakeNuke) -> None:
    read = program.module.toNode("Read1")
    read["first"].setValue(1002)  # 1001 is a slate
    read["last"].setValue(1099)  # held beyond the files
    shot = only(host, program, "Read1").shot
    assert (shot.plate.range, shot.work_range) == (span(1002, 1010), span(1002, 1010))


def test_a_read_outside_the_scripts_range_is_sent_whole(host: NukeHost, program: FakeNuke) -> None:
    nuke_sample_comp.set_script_settings(1, 100)
    shot = only(host, program, "Read1").shot
    assert shot.cut_range == span(1001, 1010)


def test_the_range_of_a_trimmed_movie_starts_at_its_first_frame(
    host: NukeHost, program: FakeNuke
) -> None:
    read = program.module.toNode("Read1")
    read["file"].setValue("/plates/A_010.mov")
    read["first"].setValue(1002)  # 1001 is a slate
    read["last"].setValue(1006)
    shot = only(host, program, "Read1").shot
    assert shot.plate.range == span(1001, 1010)
    assert (shot.cut_range, shot.work_range) == (span(1003, 1006), span(1002, 1006))
    read["origset"].setValue(False)  # where the movie starts is not known: Nuke renders it
    item = only(host, program, "Read1")
    assert item.needs_render
    assert item.shot.cut_range == span(1003, 1006)


def test_a_range_outside_of_the_files_is_reported(host: NukeHost, program: FakeNuke) -> None:
    read = program.module.toNode("Read1")
    read["first"].setValue(2000)
    read["last"].setValue(2010)
    program.select("Read1")
    (problem,) = host.scene().problems
    assert "1001-1010" in problem.message
    assert problem.label == "Read1"


@pytest.mark.parametrize(
    ("knob", "value"),
    [("on_error", "black"), ("on_error", "nearest frame"), ("frame", "frame*2")],
)
def test_a_read_that_shows_more_than_its_files_is_rendered(
    host: NukeHost, program: FakeNuke, knob: str, value: str
) -> None:
    program.module.toNode("Read1")[knob].setValue(value)
    item = only(host, program, "Read1")
    assert item.needs_render
    assert item.shot.plate.colour_space == "ACES - ACEScg"
    assert str(item.shot.id) == "bunny/A_comp/A_010"


def test_colour_spaces_have_ocio_names(host: NukeHost, program: FakeNuke) -> None:
    read, root = program.module.toNode("Read1"), program.root
    read["colorspace"].setValue("scene_linear")
    assert only(host, program, "Read1").shot.plate.colour_space == "ACES - ACEScg"
    read["raw"].setValue(True)
    assert only(host, program, "Read1").shot.plate.colour_space is None
    read["raw"].setValue(False)
    read["colorspace"].setValue("default")
    root["floatLut"].setValue("scene_linear")
    assert only(host, program, "Read1").shot.plate.colour_space == "scene_linear"
    root["colorManagement"].setValue("Nuke")
    root["floatLut"].setValue("linear")
    assert only(host, program, "Read1").shot.plate.colour_space == "Linear Rec.709 (sRGB)"
    read["colorspace"].setValue("sRGB")
    assert only(host, program, "Read1").shot.plate.colour_space == "sRGB - Texture"
    read["colorspace"].setValue("AlexaV3LogC")
    item = only(host, program, "Read1")
    assert item.needs_render
    assert item.shot.plate.colour_space == "Linear Rec.709 (sRGB)"
    read["colorspace"].setValue("default")
    read["file"].setValue("/plates/A_010/A_010.mov")
    assert only(host, program, "Read1").shot.plate.colour_space is None


def test_other_nodes_are_rendered_over_the_scripts_range(host: NukeHost, program: FakeNuke) -> None:
    item = only(host, program, "Multiply1")
    assert item.needs_render
    assert str(item.shot.id) == "bunny/A_comp/Multiply1"
    assert (item.shot.cut_range, item.shot.work_range) == (span(1003, 1008), span(1001, 1010))
    assert item.shot.plate.colour_space == "ACES - ACEScg"
    assert (item.shot.plate.width, item.shot.plate.height) == (16, 12)


def test_without_a_selection_every_plate_is_listed(host: NukeHost, program: FakeNuke) -> None:
    one = only(host, program, "Read1")
    host.place([Placement("Read1", nuke_sample_comp.version(one.shot))])
    with program.module.nodes.Group():
        nuke_sample_comp.make_read("/somewhere/in_a_group.####.exr")
    program.select()
    scene = host.scene()
    assert [item.item_id for item in scene.shots] == ["Read1", "Read2"]
    assert [problem.label for problem in scene.problems] == ["Read3"]


def test_nodes_without_a_picture_are_ignored(host: NukeHost, program: FakeNuke) -> None:
    nuke = program.module
    names = [nuke.nodes.Dot().name(), nuke.nodes.BackdropNode().name(), nuke.nodes.Viewer().name()]
    program.select(*names, "Read2")
    assert [item.item_id for item in host.scene().shots] == ["Read2"]
    assert host.scene().problems == ()
    program.select(*names)
    assert [item.item_id for item in host.scene().shots] == ["Read1", "Read2"]
    program.select(nuke.nodes.Camera2().name(), *names)
    (problem,) = host.scene().problems
    assert "Camera2" in problem.message


def test_paths_are_absolute(host: NukeHost, program: FakeNuke, monkeypatch: Any) -> None:
    read = program.module.toNode("Read1")
    monkeypatch.setenv("SHOW_ROOT", "/mnt/bunny")
    for file, wanted in {
        "[getenv SHOW_ROOT]/A_010.####.exr": "/mnt/bunny/A_010.%04d.exr",
        "/plates/%V/A_010.%v.####.exr": "/plates/main/A_010.m.%04d.exr",
        "//server/share/A_010.%04d.exr": "//server/share/A_010.%04d.exr",
        r"P:\bunny\A_010.%04d.exr": "P:/bunny/A_010.%04d.exr",
    }.items():
        read["file"].setValue(file)
        assert only(host, program, "Read1").shot.plate.path == wanted
    read["file"].setValue("plates/A_010.%04d.exr")
    program.select("Read1")
    (problem,) = host.scene().problems
    assert "project" in problem.next_step
    program.root["project_directory"].setValue("/mnt/bunny")
    assert only(host, program, "Read1").shot.plate.path == "/mnt/bunny/plates/A_010.%04d.exr"


def test_an_invalid_file_name_is_reported(host: NukeHost, program: FakeNuke) -> None:
    program.module.toNode("Read1")["file"].setValue("/plates/A.%04d.%04d.exr")
    program.select("Read1", "Read2")
    scene = host.scene()
    assert [item.item_id for item in scene.shots] == ["Read2"]
    assert scene.problems[0].message == "a sequence's name must have one frame number only"


def test_a_still_and_a_movie(host: NukeHost, program: FakeNuke) -> None:
    read = program.module.toNode("Read1")
    read["file"].setValue("/plates/matte painting.exr")
    still = only(host, program, "Read1").shot
    assert still.plate.kind == "still"
    assert (still.cut_range, still.work_range) == (span(1, 1), span(1, 1))
    read["file"].setValue("/plates/A_010.mov")
    movie = only(host, program, "Read1").shot
    assert (movie.plate.kind, movie.work_range) == ("movie", span(1001, 1010))


def shots(host: NukeHost) -> dict[str, str]:
    """Shot names by item id."""
    return {item.item_id: item.shot.id.shot for item in host.scene().shots}


def test_plates_with_the_same_name_are_different_shots(host: NukeHost, program: FakeNuke) -> None:
    program.module.toNode("Read1")["file"].setValue("/show/sh030/fg/fg.%04d.exr")
    program.module.toNode("Read2")["file"].setValue("/show/sh040/fg/fg.####.exr")
    nuke_sample_comp.make_read("/other/sh040/fg/FG.%04d.exr").setName("Read10")
    program.select()
    assert shots(host) == {"Read1": "fg", "Read2": "fg_fg", "Read10": "sh040_fg_FG"}
    # The same files, written another way, are the same plate.
    program.module.toNode("Read1")["file"].setValue("/show/sh040/fg/fg.%04d.exr")
    assert shots(host)["Read1"] == "fg_fg"


def test_a_new_read_does_not_take_a_name_that_was_given(host: NukeHost, program: FakeNuke) -> None:
    program.module.toNode("Read2")["file"].setValue("/renders/a/beauty.%04d.exr")
    sent = only(host, program, "Read2")
    assert sent.shot.id.shot == "beauty"
    program.module.toNode("Read1")["file"].setValue("/renders/b/beauty.%04d.exr")
    program.select("Read1", "Read2")
    assert shots(host) == {"Read1": "b_beauty", "Read2": "beauty"}
    # What was running meanwhile still finds the node that it was made of.
    host.place([Placement("Read2", nuke_sample_comp.version(sent.shot))])
    assert len(only(host, program, "Read2").placed_version_ids) == 1
    assert only(host, program, "Read1").placed_version_ids == ()


def test_a_new_read_does_not_take_a_stored_name(
    host: NukeHost, program: FakeNuke, tmp_path: Path
) -> None:
    from bridge_nuke.host import NukeHost as Host

    nuke = program.module
    nuke.toNode("Read2")["file"].setValue(nuke_sample_comp.write_plate(tmp_path / "sh010", "bg"))
    nuke.toNode("Read1")["file"].setValue("/elsewhere/C_010.%04d.exr")
    kept = only(host, program, "Read2")
    host.place([Placement("Read2", nuke_sample_comp.version(kept.shot))])
    nuke.toNode("Read1")["file"].setValue(nuke_sample_comp.write_plate(tmp_path / "sh020", "bg"))
    # Nuke was restarted: the name cache is empty.
    again = Host(host._settings)
    assert only(again, program, "Read2").shot.id == kept.shot.id
    other = only(again, program, "Read1")
    assert (other.shot.id.shot, other.placed_version_ids, other.active_version_id) == (
        "bg_bg",
        (),
        "",
    )
    with pytest.raises(HostError, match="was made for"):
        again.place([Placement("Read1", nuke_sample_comp.version(kept.shot, 2))])
    # The name stays with its files, also without the Read that it was made of.
    nuke.delete(nuke.toNode("Read2"))
    assert only(again, program, "Read1").shot.id == other.shot.id
    nuke_sample_comp.make_read(str(tmp_path / "sh010/bg/bg.%04d.exr")).setName("Read20")
    back = only(again, program, "Read20")
    assert (back.shot.id, len(back.placed_version_ids)) == (kept.shot.id, 1)


def test_a_node_and_files_with_the_same_name_are_two_shots(
    host: NukeHost, program: FakeNuke
) -> None:
    nuke = program.module
    nuke.toNode("Multiply1").setName("A_010")
    program.select("Read1", "A_010")
    assert shots(host) == {"Read1": "A_010", "A_010": "A_010_2"}
    item = only(host, program, "A_010")
    host.place([Placement("A_010", nuke_sample_comp.version(item.shot))])
    nuke.toNode("A_010").setName("Grade")
    nuke.nodes.Multiply(inputs=[nuke.toNode("Read1")]).setName("A_010_2")
    program.select("Grade", "A_010_2")
    assert shots(host) == {"Grade": "A_010_2", "A_010_2": "A_010_2_2"}


def test_a_placed_shot_keeps_its_name(host: NukeHost, program: FakeNuke, tmp_path: Path) -> None:
    item = only(host, program, "Multiply1")
    plate = only(host, program, "Read1")
    for one in (item, plate):
        host.place([Placement(one.item_id, nuke_sample_comp.version(one.shot))])
    program.module.toNode("Multiply1").setName("Grade_final")
    program.module.toNode("Read1").setName("Plate")
    program.module.scriptSave(str(tmp_path / "other name.nk"))
    assert only(host, program, "Grade_final").shot.id == item.shot.id
    again = only(host, program, "Plate")
    assert again.shot.id == plate.shot.id
    assert len(again.placed_version_ids) == 1
    program.module.toNode("Plate")["file"].setValue("/plates/B_020.%04d.exr")
    other = only(host, program, "Plate")
    assert other.shot.id.shot == "B_020"
    assert other.placed_version_ids == ()


def test_without_a_configured_show_the_script_stores_its_own(
    program: FakeNuke, tmp_path: Path
) -> None:
    from bridge_core.models.settings import Settings
    from bridge_nuke.host import NukeHost

    host = NukeHost(Settings)
    item = only(host, program, "Read1")
    assert item.shot.id.show == "A_comp"
    host.place([Placement("Read1", nuke_sample_comp.version(item.shot))])
    program.module.scriptSave(str(tmp_path / "renamed.nk"))
    assert host.scene().show == "A_comp"


def test_invalid_script_settings_are_reported(host: NukeHost, program: FakeNuke) -> None:
    program.root["fps"].setValue(0.0)
    with pytest.raises(HostError) as excinfo:
        host.scene()
    assert excinfo.value.next_step
    program.root["fps"].setValue(23.976)
    assert str(only(host, program, "Read1").shot.plate.range.rate) == "24000/1001"


def test_the_playhead(host: NukeHost, program: FakeNuke) -> None:
    host.go_to_frame(1005)
    assert host.current_frame() == 1005
    assert not program.module.modified()
