"""Checks that need a real Nuke: ``nuke -t selftest.py FOLDER``, or from the menu.

Each check creates what it needs and removes it afterwards. ``docs/hosts-unproven.md`` lists the
checks, and what has to be tested by hand.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nuke

from bridge_core.hosts.selftest import (
    BehaviourDiffers,
    CheckSkipped,
    SelfTestChecks,
    expect_equal,
    main,
)
from bridge_nuke import user_knobs

#: An OpenEXR of 2 x 2 pixels with one channel, Y, of 0.5, like the mattes of local services.
_LUMINANCE = (
    "c-n<eO=|)%5Pc~gJPQ2-{sY}0W!Xz9?X8D`m&Ie6jNO5lgk-RK^QSA(;<lGQ7<kP47-qj{)B^x((wh-Nk<8%>kC&BR"
    ">Zh)0I<4or>6W@%wRSKekT0-<=OWd%fx;E)Hn4G*GL^zH{Nhz~MoiDa#czDZgJ#Td$4`ahlDs+o>+>AwBRk3?R<9&J"
    "kbfzOtgMZ2#MVb6nAG&?x!6n;uJx}J<PzKKEvBOrV@uCYhCdZ}zx~~-d#H*nS~cQl#3M_B"
)
_READ_KNOBS = (  # noqa: SIM905 - easier to read
    "file first last origfirst origlast origset before after frame_mode frame on_error format"
    " colorspace raw label"
).split()
_ROOT_KNOBS = (  # noqa: SIM905
    "name first_frame last_frame fps format proxy project_directory colorManagement workingSpaceLUT"
    " floatLut int8Lut logLut"
).split()

CHECKS = SelfTestChecks()


def host_version() -> str:
    """``Nuke 16.0v4``."""
    return f"Nuke {nuke.NUKE_VERSION_STRING}"


def _require_interface() -> None:
    if not nuke.GUI:
        raise CheckSkipped("run it from the menu of a Nuke with an interface")


def _expect_knobs(label: str, owner: nuke.Node, names: Sequence[str]) -> str:
    missing = [name for name in names if owner.knob(name) is None]
    expect_equal(f"knobs that {label} lacks", missing, [])
    return f"{len(names)} knobs"


@contextmanager
def _temporary_node(kind: str, **values: object) -> Iterator[nuke.Node]:
    """A node of a class, deleted afterwards, without an undo step and without marking the script as
    modified."""
    modified = nuke.modified()
    nuke.Undo.disable()
    try:
        node = getattr(nuke.nodes, kind)()
        try:
            for name, value in values.items():
                node[name].setValue(value)
            yield node
        finally:
            nuke.delete(node)
    finally:
        nuke.Undo.enable()
        nuke.modified(modified)


@CHECKS.add("nuke.python", "Nuke has Python 3.11 or newer.")
def _python() -> str:
    if sys.version_info < (3, 11):  # noqa: UP036 - this is what is checked
        raise BehaviourDiffers(f"Python {sys.version.split()[0]}; 3.11 is required")
    return f"Python {sys.version.split()[0]}"


@CHECKS.add("nuke.qt", "The panel supports Nuke's PySide6.")
def _qt() -> str:
    _require_interface()
    import PySide6

    from bridge_ui.app.opening import check_qt

    check_qt(PySide6.__version__)
    return f"PySide6 {PySide6.__version__}"


@CHECKS.add("nuke.pane", "nukescripts.panels registers and restores a pane.")
def _pane() -> str:
    _require_interface()
    from nukescripts import panels

    needed = ("registerWidgetAsPanel", "restorePanel")
    missing = [name for name in needed if not hasattr(panels, name)]
    expect_equal("functions that nukescripts.panels lacks", missing, [])
    return "nukescripts.panels registers and restores panels"


@CHECKS.add("nuke.nodes.quiet", "Nodes made by nuke.nodes do not change the selection.")
def _nodes_leave_selection() -> str:
    selected = [node.name() for node in nuke.selectedNodes()]
    with _temporary_node("Constant") as node:
        expect_equal("the selection", [node.name() for node in nuke.selectedNodes()], selected)
        expect_equal("connected inputs", node.inputs(), 0)
    return "nuke.nodes.Constant() selects nothing and connects nothing"


@CHECKS.add("nuke.read.knobs", "A Read has the knobs that are read and set.")
def _read_knobs() -> str:
    with _temporary_node("Read") as read:
        return _expect_knobs("a Read", read, _READ_KNOBS)


@CHECKS.add("nuke.root.knobs", "The root has the knobs that are read.")
def _root_knobs() -> str:
    return _expect_knobs("the root", nuke.root(), _ROOT_KNOBS)


@CHECKS.add("nuke.read.choices", "A Read's menus have the values that are used.")
def _choices() -> str:
    expected = {
        "frame_mode": ["expression", "start at", "offset"],
        "on_error": ["error", "black", "checkerboard", "nearest frame"],
    }
    with _temporary_node("Read") as read:
        for name, values in expected.items():
            knob = read[name]
            assert isinstance(knob, nuke.Enumeration_Knob)
            expect_equal(f"values of {name}", [str(value) for value in knob.values()], values)
    return "frame_mode and on_error have the expected values"


@CHECKS.add("nuke.read.start_at", "firstFrame() of a Read is its first frame in the script.")
def _start_at() -> str:
    values = {"first": 1, "last": 10, "origfirst": 1, "origlast": 10, "origset": True}
    with _temporary_node("Read", **values, frame_mode="start at", frame="1001") as read:
        expect_equal("first frame of 1-10 that starts at 1001", read.firstFrame(), 1001)
        read["frame_mode"].setValue("offset")
        read["frame"].setValue("100")
        return f"starts at 1001; with an offset of 100 the first frame is {read.firstFrame()}"


@CHECKS.add("nuke.write.exr", "A Write of exr has half float and zip by name.")
def _exr_write_knobs() -> str:
    with _temporary_node("Write", file_type="exr") as write:
        _expect_knobs("a Write of exr", write, ("datatype", "compression", "raw"))
        for name, value in (("datatype", "16 bit half"), ("compression", "Zip (1 scanline)")):
            write[name].setValue(value)
            expect_equal(name, str(write[name].value()), value)
    return "half float and zip, by their names"


@CHECKS.add("nuke.render.frame", "Rendering a frame does not change the script.")
def _frame_is_rendered() -> str:
    from bridge_nuke import rendering

    frame, modified = nuke.frame(), nuke.modified()
    undos = nuke.Undo.undoSize()
    with tempfile.TemporaryDirectory() as folder, _temporary_node("Constant") as node:
        pattern = Path(folder) / "test.%04d.exr"
        before = {found.name() for found in nuke.allNodes()}
        with rendering.without_side_effects():
            rendering.write_frame(node, pattern, Path(folder) / "test.0007.exr", 7)
        expect_equal("nodes after rendering", {found.name() for found in nuke.allNodes()}, before)
    expect_equal("the current frame", nuke.frame(), frame)
    expect_equal("whether the script is modified", nuke.modified(), modified)
    expect_equal("undos", nuke.Undo.undoSize(), undos)
    return "one frame was written, and the script is unchanged"


@CHECKS.add("nuke.render.change", "An upstream change is detected, a moved node is not.")
def _change_is_noticed() -> str:
    from bridge_nuke.rendering import upstream_digests

    with _temporary_node("Constant") as source, _temporary_node("Dot") as node:
        node.setInput(0, source)
        before = upstream_digests(node)
        expect_equal("digests, computed again", upstream_digests(node), before)
        nuke.frame(nuke.frame() + 1)
        nuke.frame(nuke.frame() - 1)
        source.setXYpos(source.xpos() + 10, source.ypos())
        expect_equal("digests after nodes were moved", upstream_digests(node), before)
        source["color"].setValue([0.5, 0.0, 0.0, 0.0])
        expect_equal("whether another colour is detected", upstream_digests(node) != before, True)
    return "an upstream change is detected, and moving nodes is not a change"


@CHECKS.add("nuke.undo.group", "Placing is one undo, and a failure leaves nothing.")
def _one_undo() -> str:
    before, modified = len(nuke.allNodes()), nuke.modified()
    nuke.Undo.begin("Shotbridge self-test")
    try:
        nuke.nodes.Dot()
        nuke.nodes.Dot()
    finally:
        nuke.Undo.end()
    nuke.undo()
    expect_equal("nodes after one undo", len(nuke.allNodes()), before)
    nuke.Undo.begin("Shotbridge self-test")
    nuke.nodes.Dot()
    nuke.Undo.cancel()
    nuke.modified(modified)
    expect_equal("nodes after a cancelled group", len(nuke.allNodes()), before)
    return "a group is one undo, and a cancelled group leaves nothing"


@CHECKS.add("nuke.knobs.stored", "Knobs of a Read survive saving and opening.")
def _version_knobs_survive_saving() -> str:
    path = "/a [b] {c} $d/x.%04d.exr"
    version = user_knobs.ReadNodeVersion(
        "id-1", 1, "v001", path, 1, 2, 16, 9, 1.0, "ACEScg", "expression", "", 1
    )
    knobs = user_knobs.VersionKnobs(("sq010", "sh0010"), "/a/x.%04d.exr", "Upscale", (version,))
    with _temporary_node("Read") as read:
        user_knobs.store_versions(read, knobs, version)
        written = read.writeKnobs(nuke.WRITE_ALL | nuke.WRITE_USER_KNOB_DEFS | nuke.TO_SCRIPT)
        with _temporary_node("Read") as other:
            other.readKnobs(written)
            read_again = user_knobs.version_knobs(other)
            expect_equal("version knobs that were written and read", read_again, knobs)
    return "knobs of the Shotbridge tab survive in the text of a script"


@contextmanager
def _changed_knobs() -> Iterator[list[str]]:
    """The names of the knobs, of any node, that Nuke calls back for."""
    called: list[str] = []

    def listen() -> None:
        called.append(str(nuke.thisKnob().name()))

    nuke.addKnobChanged(listen)
    try:
        yield called
    finally:
        nuke.removeKnobChanged(listen)


@CHECKS.add("nuke.callback.setvalue", "Whether setValue calls back is known.")
def _set_value_calls_back() -> str:
    with _changed_knobs() as called, _temporary_node("Read") as read:
        read["first"].setValue(5)
    return "setValue calls back" if "first" in called else "setValue does not call back"


@CHECKS.add("nuke.callback.selected", "Selecting a node calls back.")
def _selection_calls_back() -> str:
    _require_interface()
    with _changed_knobs() as called, _temporary_node("Dot") as node:
        node.setSelected(True)
        node.setSelected(False)
    if "selected" not in called:
        heard = called or "nothing"
        raise BehaviourDiffers(f"selecting called back for {heard}, not for 'selected'")
    return "selecting a node calls back"


@CHECKS.add("nuke.colour.spaces", "A Read has the script's working space.")
def _colour_spaces() -> str:
    from bridge_nuke import colour_spaces

    with _temporary_node("Read") as read:
        space = colour_spaces.working_space()
        choice = colour_spaces.choice_for(read, space)
    if choice is None:
        raise BehaviourDiffers(f"a Read has no colour space for the working space {space}")
    return f"the working space {space} is {choice} in a Read"


@CHECKS.add("nuke.read.luminance", "A file with only Y is read as red.")
def _luminance_is_red() -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "matte.exr"
        file.write_bytes(zlib.decompress(base64.b85decode(_LUMINANCE)))
        with _temporary_node("Read", file=file.as_posix(), raw=True) as read:
            red = nuke.sample(read, "rgba.red", 1, 1)
            expect_equal("channel red of a file with Y of 0.5", round(red, 3), 0.5)
    return "a single luminance channel is read as red"


@CHECKS.add("nuke.shuffle", "A Shuffle's mappings are set as triples.")
def _shuffle_mappings() -> str:
    with (
        _temporary_node("Constant", color=[0.1, 0.2, 0.3, 0.0]) as plate,
        _temporary_node("Constant", color=[0.7, 0.0, 0.0, 0.0]) as matte,
        _temporary_node("Shuffle2") as shuffle,
    ):
        shuffle.setInput(0, plate)
        shuffle.setInput(1, matte)
        for name, value in (("fromInput1", "B"), ("fromInput2", "A"), ("in1", "rgba")):
            shuffle[name].setValue(value)
        shuffle["in2"].setValue("rgba")
        shuffle["mappings"].setValue([(0, "rgba.red", "rgba.red"), (1, "rgba.red", "rgba.alpha")])
        samples = [round(nuke.sample(shuffle, f"rgba.{c}", 1, 1), 3) for c in ("red", "alpha")]
    expect_equal("red of the plate, alpha of the matte's red", samples, [0.1, 0.7])
    return "a Shuffle combines the plate's red with the matte's red as alpha"


@CHECKS.add("nuke.threads", "Other threads get results from the main thread.", on_main_thread=False)
def _main_thread_answers() -> str:
    if threading.current_thread() is threading.main_thread():
        raise CheckSkipped("run it from the menu: a main thread that waits for itself would hang")
    answer = nuke.executeInMainThreadWithResult(  # type: ignore[no-untyped-call]
        lambda: threading.current_thread().name
    )
    expect_equal("the thread of the call", answer, threading.main_thread().name)
    return "another thread gets a result from the main thread"


if __name__ == "__main__":
    sys.exit(main("nuke", host_version, CHECKS, sys.argv[1:]))
