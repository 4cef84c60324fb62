"""Placing versions: Reads with the right values, one undo step, and saved scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nuke_sample_comp
import pytest
from small_exr import exr

from bridge_core.errors import HostError
from bridge_core.hosts.base import HostShot, Placement

if TYPE_CHECKING:
    from nuke_fake import FakeNuke
    from nuke_fake.nodes import Node

    from bridge_nuke.host import NukeHost


def item_of(host: NukeHost, program: FakeNuke, name: str) -> HostShot:
    program.select(name)
    return host.scene().shots[0]


def placed_reads(program: FakeNuke) -> list[Node]:
    return [n for n in program.script.nodes if n.knob("shotbridge_version") is not None]


def placed_read(program: FakeNuke) -> Node:
    (read,) = placed_reads(program)
    return read


def values(node: Node, *names: str) -> list[Any]:
    return [node[name].value() for name in names]


def test_a_version_becomes_a_read_beside_its_source(host: NukeHost, program: FakeNuke) -> None:
    source = program.module.toNode("Read1")
    source["before"].setValue("black")
    source["after"].setValue("loop")
    item = item_of(host, program, "Read1")
    program.script.modified = False
    before, undos = program.script.snapshot(), len(program.script.undos)

    placed = host.place([Placement("Read1", nuke_sample_comp.version(item.shot, 3))])

    read = placed_read(program)
    assert placed.message == f"Upscale v003 is in {read.name()}"
    assert values(read, "first", "last", "origfirst", "origlast") == [1001, 1010, 1001, 1010]
    assert values(read, "before", "after") == ["black", "loop"]
    assert values(read, "colorspace", "raw") == ["ACES - ACEScg", False]
    assert read["file"].value() == "/library/A_010/upscale/v003/A_010_upscale_v003.%04d.exr"
    assert (read.format().width(), read.format().height()) == (32, 24)
    assert read["label"].evaluate() == "Upscale v003"
    assert abs(read.xpos() - source.xpos()) >= source.screenWidth()
    assert read.ypos() == source.ypos()
    assert not read.isSelected()
    assert program.script.modified
    assert len(program.script.undos) == undos + 1
    program.module.undo()
    assert program.script.snapshot() == before


@pytest.mark.parametrize(("mode", "value"), [("start at", "1003"), ("offset", "-2")])
def test_a_version_is_shown_at_the_same_frames_as_its_source(
    host: NukeHost, program: FakeNuke, mode: str, value: str
) -> None:
    source = program.module.toNode("Read1")
    source["frame_mode"].setValue(mode)
    source["frame"].setValue(value)
    source["first"].setValue(1002)
    if mode == "start at":
        source["frame"].setValue("1004")
    item = item_of(host, program, "Read1")
    host.place([Placement("Read1", nuke_sample_comp.version(item.shot))])
    read = placed_read(program)
    assert item.shot.work_range.first == 1002
    assert (source.firstFrame(), read.firstFrame()) == (1004, 1004)


def test_a_version_of_a_rendered_node_has_the_scripts_frame_numbers(
    host: NukeHost, program: FakeNuke
) -> None:
    source = program.module.toNode("Read1")
    source["frame_mode"].setValue("expression")
    source["frame"].setValue("frame*2")
    for name in ("Read1", "Multiply1"):
        item = item_of(host, program, name)
        assert item.needs_render
        host.place([Placement(name, nuke_sample_comp.version(item.shot))])
    reads = placed_reads(program)
    assert [values(read, "frame_mode", "frame") for read in reads] == [["expression", ""]] * 2
    assert len({(read.xpos(), read.ypos()) for read in reads}) == 2


def test_the_version_menu_switches_versions(host: NukeHost, program: FakeNuke) -> None:
    from bridge_nuke import startup

    startup.register_callbacks()
    item = item_of(host, program, "Read1")
    versions = [nuke_sample_comp.version(item.shot, number) for number in (1, 2, 3)]
    for one in versions:
        host.place([Placement("Read1", one)])
    read = placed_read(program)
    assert read["shotbridge_version"].values() == ["v001", "v002", "v003"]
    assert item_of(host, program, "Read1").active_version_id == versions[2].id

    program.set_knob(read, "shotbridge_version", "v001")
    assert "v001" in read["file"].value()
    assert item_of(host, program, "Read1").active_version_id == versions[0].id
    program.module.undo()
    assert "v003" in read["file"].value()

    read["shotbridge_older"].execute()
    assert read["shotbridge_version"].value() == "v002"
    assert "v002" in read["file"].value()
    for _ in range(3):
        read["shotbridge_newer"].execute()
    assert read["label"].evaluate() == "Upscale v003"
    # Somebody gives it other files: then it shows none of the versions.
    read["file"].setValue("/elsewhere/x.%04d.exr")
    assert item_of(host, program, "Read1").active_version_id == ""
    assert len(item_of(host, program, "Read1").placed_version_ids) == 3


def test_versions_are_ordered_by_number_whatever_the_order_of_placement(
    host: NukeHost, program: FakeNuke
) -> None:
    item = item_of(host, program, "Read1")
    versions = {number: nuke_sample_comp.version(item.shot, number) for number in (1, 2, 3)}
    for number in (3, 1, 2):
        host.place([Placement("Read1", versions[number])])
    read = placed_read(program)
    assert read["shotbridge_version"].values() == ["v001", "v002", "v003"]
    assert read["shotbridge_version"].value() == "v002"
    read["shotbridge_older"].execute()
    assert "v001" in read["file"].value()
    for _ in range(2):
        read["shotbridge_newer"].execute()
    assert "v003" in read["file"].value()
    # The scene tells them in the order of placing.
    placed = item_of(host, program, "Read1").placed_version_ids
    assert placed == tuple(versions[number].id for number in (3, 1, 2))


def test_a_version_of_a_raw_plate_is_raw(host: NukeHost, program: FakeNuke) -> None:
    source = program.module.toNode("Read1")
    source["raw"].setValue(True)
    item = item_of(host, program, "Read1")
    assert item.shot.plate.colour_space is None
    # The gateway's file rules found a space for it, and it came back in that.
    placed = host.place(
        [Placement("Read1", nuke_sample_comp.version(item.shot, colour_space="ACES - ACES2065-1"))]
    )
    read = placed_read(program)
    assert read["raw"].value() is True
    assert "colour" not in placed.message


def test_an_opened_script_finds_and_switches_its_versions(
    host: NukeHost, program: FakeNuke, tmp_path: Path
) -> None:
    from bridge_nuke import startup

    startup.register_callbacks()
    item = item_of(host, program, "Read1")
    folder = tmp_path / "a {b} [c] $d"
    versions = [nuke_sample_comp.version(item.shot, number, folder=folder) for number in (1, 2)]
    for one in versions:
        host.place([Placement("Read1", one)])
    before = item_of(host, program, "Read1")
    file = tmp_path / "A_comp_v004.nk"
    program.module.scriptSave(str(file))
    program.module.scriptOpen(str(file))
    again = item_of(host, program, "Read1")
    assert (again.placed_version_ids, again.active_version_id) == (
        before.placed_version_ids,
        before.active_version_id,
    )
    read = placed_read(program)
    read["shotbridge_older"].execute()
    assert read["file"].value() == f"{folder}/A_010/upscale/v001/A_010_upscale_v001.%04d.exr"
    undos = len(program.script.undos)
    placed = host.place([Placement("Read1", versions[0])])
    assert "already" in placed.message
    assert len(program.script.undos) == undos


def test_a_version_in_another_folder_is_updated(host: NukeHost, program: FakeNuke) -> None:
    item = item_of(host, program, "Read1")
    version = nuke_sample_comp.version(item.shot)
    host.place([Placement("Read1", version)])
    host.place([Placement("Read1", version, Path("/here"))])
    read = placed_read(program)
    assert read["shotbridge_version"].values() == ["v001"]
    assert read["file"].value() == "/here/A_010_upscale_v001.%04d.exr"


def test_services_and_outputs_have_separate_reads(host: NukeHost, program: FakeNuke) -> None:
    item = item_of(host, program, "Read1")
    upscaled = nuke_sample_comp.version(item.shot)
    matte = nuke_sample_comp.version(
        item.shot, service="matte", output="matte", channels=("Y",), colour_space="data"
    )
    host.place([Placement("Read1", upscaled), Placement("Read1", matte, output="matte")])
    reads = placed_reads(program)
    assert [read["label"].evaluate() for read in reads] == ["Upscale v001", "Matte, matte v001"]
    assert [read["raw"].value() for read in reads] == [False, True]
    assert item_of(host, program, "Read1").placed_version_ids == (upscaled.id, matte.id)


@pytest.mark.parametrize(
    ("channels", "name", "wanted"), [(("Y",), "Y", 0.75), (("R", "G", "B", "A"), "A", 1.0)]
)
def test_a_matte_becomes_the_sources_alpha_with_a_shuffle(
    host: NukeHost,
    program: FakeNuke,
    tmp_path: Path,
    channels: tuple[str, ...],
    name: str,
    wanted: float,
) -> None:
    import numpy as np
    import OpenImageIO as oiio

    item = item_of(host, program, "Read1")
    folder = tmp_path / "matte"
    folder.mkdir()
    version = nuke_sample_comp.version(
        item.shot, service="matte", output="matte", channels=channels, colour_space="data",
        width=16, height=12,
    )  # fmt: skip
    spec = oiio.ImageSpec(16, 12, len(channels), oiio.HALF)
    spec.channelnames = channels
    for frame in item.shot.work_range.frames():
        out = oiio.ImageOutput.create("x.exr")
        assert out.open(str(folder / (version.outputs[0].pattern % frame)), spec)
        planes = np.full((12, 16, len(channels)), 0.75, np.float32)
        planes[:, :, channels.index(name)] = wanted
        assert out.write_image(planes)
        out.close()

    placement = Placement("Read1", version, folder, "matte", mode_id="alpha")
    before, undos = len(program.script.nodes), len(program.script.undos)
    placed = host.place([placement])
    assert "alpha" in placed.message
    assert len(program.script.nodes) == before + 2
    assert len(program.script.undos) == undos + 1
    (shuffle,) = program.module.allNodes("Shuffle2")
    program.module.frame(1004)
    sampled = [program.module.sample(shuffle, f"rgba.{c}", 3, 3) for c in ("red", "alpha")]
    assert sampled == pytest.approx([1004 / 2048, wanted], abs=1e-3)
    host.place([placement])
    assert len(program.script.nodes) == before + 2


def test_a_colour_space_that_the_script_lacks_is_reported(
    host: NukeHost, program: FakeNuke
) -> None:
    item = item_of(host, program, "Multiply1")
    for number, space in enumerate(("ACEScg", "ACES2065-1", "Gamut of nobody"), 1):
        placed = host.place(
            [
                Placement(
                    "Multiply1", nuke_sample_comp.version(item.shot, number, colour_space=space)
                )
            ]
        )
        read = placed_read(program)
        wanted = {"ACEScg": "ACEScg", "ACES2065-1": "ACES - ACES2065-1"}.get(space)
        if wanted is None:
            assert "Gamut of nobody" in placed.message
            assert read.name() in placed.message
        else:
            assert read["colorspace"].value() == wanted
            assert "colour" not in placed.message
    program.root["colorManagement"].setValue("Nuke")
    read["colorspace"].setValue("default")
    version = nuke_sample_comp.version(item.shot, 4, colour_space="Linear Rec.709 (sRGB)")
    host.place([Placement("Multiply1", version)])
    assert read["colorspace"].value() == "linear"


def test_an_error_in_nuke_reverts_everything(host: NukeHost, program: FakeNuke) -> None:
    one, two = item_of(host, program, "Read1"), item_of(host, program, "Read2")
    created: list[str] = []

    def of_the_studio() -> None:
        created.append(program.module.thisNode().name())
        if len(created) > 1:
            raise RuntimeError("no more Reads today")

    program.module.addOnCreate(of_the_studio, nodeClass="Read")
    before, undos = program.script.snapshot(), len(program.script.undos)
    placements = [Placement(i.item_id, nuke_sample_comp.version(i.shot)) for i in (one, two)]
    with pytest.raises(HostError, match="no more Reads today"):
        host.place(placements)
    assert len(created) == 2
    assert program.script.snapshot() == before
    assert len(program.script.undos) == undos


def test_what_does_not_fit_is_refused(host: NukeHost, program: FakeNuke) -> None:
    one, two = item_of(host, program, "Read1"), item_of(host, program, "Read2")
    with pytest.raises(HostError, match="was made for"):
        host.place([Placement("Read1", nuke_sample_comp.version(two.shot))])
    with pytest.raises(HostError, match="no output 'depth'"):
        host.place([Placement("Read1", nuke_sample_comp.version(one.shot), output="depth")])
    assert host.place([]).message == "nothing was to be placed"


def test_a_copied_read_shows_the_same_version_once(host: NukeHost, program: FakeNuke) -> None:
    item = item_of(host, program, "Read1")
    version = nuke_sample_comp.version(item.shot)
    host.place([Placement("Read1", version)])
    copy = program.module.nodes.Read()
    copy.readKnobs(placed_read(program).writeKnobs())
    copy.setName("Copy")
    assert item_of(host, program, "Read1").placed_version_ids == (version.id,)


def test_versions_of_two_gateways_are_kept_separate(host: NukeHost, program: FakeNuke) -> None:
    item = item_of(host, program, "Read1")
    version = nuke_sample_comp.version(item.shot)
    other = version.model_copy(update={"id": "of another gateway", "folder": "/other"})
    host.place([Placement("Read1", version), Placement("Read1", other)])
    assert placed_read(program)["shotbridge_version"].values() == ["v001", "v001 (2)"]


def test_edited_knobs_that_are_not_valid_are_ignored(host: NukeHost, program: FakeNuke) -> None:
    item = item_of(host, program, "Read1")
    host.place([Placement("Read1", nuke_sample_comp.version(item.shot))])
    read = placed_read(program)
    read["shotbridge_versions"].setValue("label=v001&first=many")
    assert item_of(host, program, "Read1").placed_version_ids == ()
    before = read["file"].value()
    read["shotbridge_newer"].execute()
    assert read["file"].value() == before


def test_a_version_can_be_sent_to_another_service(
    host: NukeHost, program: FakeNuke, tmp_path: Path
) -> None:
    item = item_of(host, program, "Read1")
    version = nuke_sample_comp.version(item.shot, folder=tmp_path)
    host.place([Placement("Read1", version)])
    file = Path(placed_read(program)["file"].value() % 1001)
    file.parent.mkdir(parents=True)
    file.write_bytes(exr((0, 0, 0), (32, 24)))
    again = item_of(host, program, placed_read(program).name())
    assert again.shot.id == item.shot.id
    assert again.shot.plate.path == str(file).replace("1001.exr", "%04d.exr")
    assert (again.shot.plate.width, again.shot.cut_range) == (32, item.shot.cut_range)
