"""Rendering plates: the right pixels, and an unchanged script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nuke_sample_comp
import numpy as np
import OpenImageIO as oiio
import pytest

from bridge_core.errors import HostError

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_nuke.host import NukeHost


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "rendered here"
    target.mkdir()
    return target


def test_the_pixels_are_those_of_the_node_in_half_float(
    host: NukeHost, program: FakeNuke, folder: Path
) -> None:
    program.root["proxy"].setValue(True)
    state = nuke_sample_comp.render_state(program)
    *_, last = host.render("Multiply1", folder)
    assert last.shot is not None
    for frame in (1001, 1010):
        image = oiio.ImageInput.open(last.shot.plate.path_at(frame))
        spec, pixels = image.spec(), image.read_image(oiio.FLOAT)
        image.close()
        assert (spec.width, spec.height, str(spec.format)) == (16, 12, "half")
        wanted = np.float16(0.5 * np.float32(np.float16(frame / 2048)))
        assert pixels[5, 5].tolist() == pytest.approx([wanted, 0.125, 0.25], abs=1e-4)
    assert last.shot.plate.colour_space == "ACES - ACEScg"
    assert nuke_sample_comp.render_state(program) == state
    assert program.root["proxy"].value() is True


def test_gaps_are_filled_like_in_the_read(host: NukeHost, program: FakeNuke, folder: Path) -> None:
    read = program.module.toNode("Read1")
    read["on_error"].setValue("nearest frame")
    Path(read["file"].value() % 1005).unlink()
    *_, last = host.render("Read1", folder)
    assert last.completed == 10
    image = oiio.ImageInput.open(last.shot.plate.path_at(1005))
    assert image.read_image(oiio.FLOAT)[0, 0, 0] == pytest.approx(1004 / 2048, abs=1e-3)
    image.close()


def test_a_frame_that_cannot_be_rendered_stops_and_leaves_no_files(
    host: NukeHost, program: FakeNuke, folder: Path
) -> None:
    state = nuke_sample_comp.render_state(program)
    Path(program.module.toNode("Read1")["file"].value() % 1004).unlink()
    steps = host.render("Multiply1", folder)
    assert [next(steps).completed for _ in range(3)] == [1, 2, 3]
    with pytest.raises(HostError) as excinfo:
        next(steps)
    assert "1004" in excinfo.value.where
    assert "No such file" in excinfo.value.message
    assert list(folder.iterdir()) == []
    assert nuke_sample_comp.render_state(program) == state


def test_cancel_in_nukes_progress_bar_stops_it(
    host: NukeHost, program: FakeNuke, folder: Path
) -> None:
    def cancel(frame: int) -> None:
        if frame == 1003:
            raise RuntimeError("Cancelled")

    program.before_frame = cancel
    with pytest.raises(HostError, match="cancelled"):
        list(host.render("Multiply1", folder))
    assert list(folder.iterdir()) == []


def test_the_artist_can_work_between_two_frames(
    host: NukeHost, program: FakeNuke, folder: Path
) -> None:
    nuke = program.module
    steps = host.render("Multiply1", folder)
    next(steps)
    assert not nuke.modified()
    undos = nuke.Undo.undoSize()
    nuke.toNode("Read2")["label"].setValue("ours")
    next(steps)
    assert nuke.modified()
    assert nuke.Undo.undoSize() == undos + 1
    nuke.undo()
    assert nuke.toNode("Read2")["label"].value() == ""
    nuke.delete(nuke.toNode("Multiply1"))
    with pytest.raises(HostError, match="Multiply1"):
        next(steps)
    assert list(folder.iterdir()) == []


def grade(nuke: Any) -> None:
    nuke.toNode("Multiply1")["value"].setValue([0.1, 0.1, 0.1, 1.0])


def gain_before_it(nuke: Any) -> None:
    gain = nuke.nodes.Multiply(inputs=[nuke.toNode("Read1")])
    nuke.toNode("Multiply1").setInput(0, gain)


def other_plate(nuke: Any) -> None:
    nuke.toNode("Multiply1").setInput(0, nuke.toNode("Read2"))


def other_format(nuke: Any) -> None:
    nuke.root()["format"].setValue(nuke.addFormat("8 8 0 0 8 8 1"))


def script_with_the_same_names(nuke: Any) -> None:
    nuke.scriptClear()
    checkerboard = nuke.nodes.CheckerBoard2()
    nuke.nodes.Multiply(inputs=[checkerboard]).setName("Multiply1")


@pytest.mark.parametrize(
    "change", [grade, gain_before_it, other_plate, other_format, script_with_the_same_names]
)
def test_upstream_changes_stop_the_rendering(
    host: NukeHost, program: FakeNuke, folder: Path, change: Callable[[Any], None]
) -> None:
    steps = host.render("Multiply1", folder)
    assert [next(steps).completed for _ in range(2)] == [1, 2]
    change(program.module)
    with pytest.raises(HostError, match="changed while it was rendered") as excinfo:
        next(steps)
    assert excinfo.value.next_step
    assert list(folder.iterdir()) == []


def test_cosmetic_changes_do_not_stop_the_rendering(
    host: NukeHost, program: FakeNuke, folder: Path
) -> None:
    nuke = program.module
    steps = host.render("Multiply1", folder)
    next(steps)
    nuke.toNode("Read1")["label"].setValue("plate")
    nuke.toNode("Multiply1").setXYpos(700, 700)
    program.select("Multiply1")
    nuke.frame(1007)
    nuke.delete(nuke.toNode("Read2"))
    nuke.scriptSave(str(folder.parent / "A_comp_v004.nk"))
    *_, last = steps
    assert last.completed == last.total == 10


def test_a_change_inside_a_group_is_detected(
    host: NukeHost, program: FakeNuke, folder: Path
) -> None:
    nuke = program.module
    with nuke.nodes.Group():
        checkerboard = nuke.nodes.CheckerBoard2()
        nuke.nodes.Multiply(inputs=[checkerboard])
    steps = host.render("Group1.Multiply1", folder)
    next(steps)
    checkerboard["boxsize"].setValue(2.0)
    with pytest.raises(HostError, match="Group1"):
        next(steps)


def test_a_node_inside_a_group(host: NukeHost, program: FakeNuke, folder: Path) -> None:
    nuke = program.module
    with nuke.nodes.Group():
        checkerboard = nuke.nodes.CheckerBoard2()
        checkerboard["format"].setValue(nuke.addFormat("8 8 0 0 8 8 1"))
    before = program.script.snapshot()
    *_, last = host.render("Group1.CheckerBoard1", folder, [1004, 1003])
    assert last.total == 2
    assert sorted(path.name for path in folder.iterdir()) == [
        "Group1.CheckerBoard1.1003.exr",
        "Group1.CheckerBoard1.1004.exr",
    ]
    assert program.script.snapshot() == before


def test_a_plain_read_is_not_rendered(host: NukeHost, program: FakeNuke, folder: Path) -> None:
    with pytest.raises(HostError, match="needs no rendering"):
        list(host.render("Read1", folder))
    with pytest.raises(HostError, match="no file"):
        list(host.render("Read3", folder))
    # A Write that a studio's callback took away writes nothing, and says so.
    program.module.addBeforeRender(
        lambda: program.module.thisNode()["file"].setValue(str(folder / "elsewhere.%04d.exr"))
    )
    with pytest.raises(HostError, match="nothing was written"):
        list(host.render("Multiply1", folder, [1003]))
