"""The fake of Nuke refuses what the real program does not have, and models what it has."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nuke_sample_comp
import pytest
from nuke_fake import FakeNuke, api
from stubs import BadCallError, NotInApiError, NotModelledError, StubClass, Stubs, conforming


@pytest.fixture
def program() -> Iterator[FakeNuke]:
    with FakeNuke() as nuke:
        yield nuke


#: Calls that the real API does not have: by name, by arguments, by type, by knob, by value.
WRONG: dict[str, tuple[Callable[[Any], object], type[BaseException]]] = {
    "a function that does not exist": (lambda n: n.selectedReads(), NotInApiError),
    "a class of nodes that does not exist": (lambda n: n.nodes.ReadSequence(), NotInApiError),
    "a node class by createNode": (lambda n: n.createNode("Reed"), RuntimeError),
    "a method that does not exist": (lambda n: n.root().setRange(1, 2), NotInApiError),
    "a method of another class": (lambda n: n.nodes.Read().selectedNodes(), NotInApiError),
    "a knob that does not exist": (lambda n: n.nodes.Read()["colourspace"], NameError),
    "a knob of another class": (lambda n: n.nodes.Write()["on_error"], NameError),
    "a knob of another file type": (lambda n: n.nodes.Write()["datatype"], NameError),
    "a keyword for a knob that does not exist": (lambda n: n.nodes.Read(fil="x"), NameError),
    "too few arguments": (lambda n: n.toNode(), BadCallError),
    "too many arguments": (lambda n: n.root(1), BadCallError),
    "a keyword that does not exist": (lambda n: n.allNodes(kind="Read"), BadCallError),
    "a number for a name": (lambda n: n.toNode(3), BadCallError),
    "a name for a number": (lambda n: n.frame("10"), BadCallError),
    "a string for a node": (lambda n: n.nodes.Read().setInput(0, "Read2"), BadCallError),
    "a float for a frame": (lambda n: n.execute(n.nodes.Write(), 1.5, 2), BadCallError),
    "views as a string": (lambda n: n.execute(n.nodes.Write(), 1, 1, 1, "main"), BadCallError),
    "a string in a number's knob": (
        lambda n: n.nodes.Read()["first"].setValue("1001"), BadCallError),
    "a path in a file's knob": (
        lambda n: n.nodes.Read()["file"].setValue(Path("/a/b.exr")), BadCallError),
    "a value that a menu has not": (
        lambda n: n.nodes.Read()["on_error"].setValue("nearest"), ValueError),
    "a colour space of another management": (
        lambda n: n.nodes.Read()["colorspace"].setValue("ACES - ACEScg"), ValueError),
    "a format that there is not": (
        lambda n: n.nodes.Read()["format"].setValue("HD_720"), ValueError),
    "an enumeration without values": (lambda n: n.Enumeration_Knob("a", "b"), BadCallError),
    "mappings as pairs": (
        lambda n: n.nodes.Shuffle2()["mappings"].setValue([("rgba.red", "rgba.alpha")]),
        BadCallError),
    "an undo's name as a keyword of another name": (
        lambda n: n.Undo.begin(title="x"), BadCallError),
    "an undo method that does not exist": (lambda n: n.Undo.rollback(), AttributeError),
    "a callback without a function": (lambda n: n.addKnobChanged(), BadCallError),
    "a callback's class by another keyword": (
        lambda n: n.addOnCreate(print, node_class="Read"), BadCallError),
    "a menu command by another keyword": (
        lambda n: n.menu("Nuke").addCommand("a", "pass", key="x"), BadCallError),
    "executing what is no Write": (lambda n: n.execute(n.nodes.Constant(), 1, 1), RuntimeError),
    "executing a Write without a file": (lambda n: n.execute(n.nodes.Write(), 1, 1), RuntimeError),
    "a node that was deleted": (lambda n: _deleted(n).name(), ValueError),
    "connecting to a Viewer": (lambda n: _connected_to_viewer(n), AssertionError),
    "a module that is not there": (lambda n: __import__("nuke.panels"), ModuleNotFoundError),
    "a widget that is no string": (lambda n: _panels().registerWidgetAsPanel(object, "a", "b"),
                                   TypeError),
    "a panel that is not registered": (lambda n: _panels().openPanel("a"), NotInApiError),
}  # fmt: skip


def _panels() -> Any:
    from nukescripts import panels

    return panels


def _deleted(nuke: Any) -> Any:
    node = nuke.nodes.Dot()
    nuke.delete(node)
    return node


def _connected_to_viewer(nuke: Any) -> None:
    assert nuke.nodes.Dot().setInput(0, nuke.nodes.Viewer())


@pytest.mark.parametrize("what", list(WRONG))
def test_what_nuke_does_not_have_is_refused(program: FakeNuke, what: str) -> None:
    call, refusal = WRONG[what]
    with pytest.raises(refusal):
        call(program.module)


def test_existing_calls_that_are_not_modelled_raise(program: FakeNuke) -> None:
    for call in (lambda: program.module.zoom, lambda: program.module.root().mergeFrameRange):
        with pytest.raises(NotModelledError):
            call()


def test_nodes_can_only_be_used_on_the_main_thread(program: FakeNuke) -> None:
    nuke = program.module
    read = nuke.nodes.Read()
    knob = read["first"]
    raised: list[str] = []

    def elsewhere() -> None:
        calls: list[Callable[[], object]] = [
            lambda: nuke.selectedNodes(),
            lambda: nuke.nodes.Read(),
            lambda: read.name(),
            lambda: read["first"],
            lambda: knob.setValue(5),
            lambda: nuke.Undo.begin(),
            lambda: nuke.menu("Nuke"),
        ]
        for call in calls:
            try:
                call()
            except RuntimeError as error:
                raised.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(raised) == 7
    assert knob.value() == 1


def test_other_threads_call_the_main_thread(program: FakeNuke) -> None:
    nuke = program.module
    answers: list[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(
            nuke.executeInMainThreadWithResult(lambda: nuke.nodes.Read().name())
        )
    )
    thread.start()
    while thread.is_alive():
        program.pump()
    assert answers == ["Read1"]
    with pytest.raises(RuntimeError, match="hangs"):
        nuke.executeInMainThreadWithResult(lambda: None)


def test_a_terminal_has_no_windows() -> None:
    with FakeNuke(gui=False) as program:
        assert program.module.GUI is False
        with pytest.raises(RuntimeError, match="terminal"):
            program.module.menu("Nuke")
        with pytest.raises(ModuleNotFoundError):
            import nukescripts  # noqa: F401


def test_undo_reverts_a_group(program: FakeNuke) -> None:
    nuke = program.module
    read = nuke.nodes.Read()
    before, undos = program.script.snapshot(), nuke.Undo.undoSize()
    nuke.Undo.begin("much")
    read["first"].setValue(7)
    read.addKnob(nuke.Tab_Knob("tab", "Tab"))
    nuke.nodes.Dot(inputs=[read])
    nuke.Undo.end()
    assert nuke.Undo.undoSize() == undos + 1
    assert nuke.Undo.undoDescribe() == "much"
    nuke.undo()
    assert program.script.snapshot() == before
    nuke.Undo.begin()
    nuke.delete(read)
    nuke.Undo.cancel()
    assert program.script.snapshot() == before
    nuke.Undo.disable()
    nuke.nodes.Dot()
    nuke.Undo.enable()
    assert nuke.Undo.undoSize() == undos


def test_a_script_is_the_same_after_saving_and_opening(program: FakeNuke, tmp_path: Path) -> None:
    nuke = program.module
    nuke_sample_comp.set_script_settings()
    read = nuke_sample_comp.make_read("/a b/[c]/$d {e}.####.exr", label='say "this"\nor that \\')
    group = nuke.nodes.Group()
    with group:
        inner = nuke.nodes.NoOp(inputs=[None])
        inner.setSelected(True)
    shuffle = nuke.nodes.Shuffle2(inputs=[read, nuke.nodes.Constant(color=[0.1, 1.0, 2.0, 0.0])])
    shuffle["mappings"].setValue([(0, "rgba.red", "rgba.red"), (1, "rgba.red", "rgba.alpha")])
    read.addKnob(nuke.Tab_Knob("tab", "Tab"))
    read.addKnob(nuke.Enumeration_Knob("choice", "choice", ["one", "two words"]))
    read["choice"].setValue("two words")
    read.addKnob(nuke.PyScript_Knob("press", "Press", 'print("[pressed]")'))
    file = tmp_path / "a script.nk"
    nuke.scriptSave(str(file))
    assert not nuke.modified()
    before = program.script.snapshot()
    nuke.scriptOpen(str(file))
    assert sorted(program.script.snapshot()) == sorted(before)
    assert not nuke.modified()
    assert nuke.toNode("Group1.NoOp1").isSelected()


def test_only_a_person_changes_the_selection(program: FakeNuke) -> None:
    nuke = program.module
    source = nuke.nodes.Constant()
    first, second = (nuke.nodes.NoOp(inputs=[source]) for _ in range(2))
    program.select(first.name(), second.name())
    assert nuke.selectedNodes() == [first, second]


@pytest.mark.parametrize(
    ("mode", "value", "starts", "at_1"),
    [("expression", "", 11, 11), ("start at", "1", 1, 11), ("offset", "10", 1, 11)],
)
def test_frame_modes_of_a_read(
    program: FakeNuke, tmp_path: Path, mode: str, value: str, starts: int, at_1: int
) -> None:
    file = nuke_sample_comp.write_plate(tmp_path, "p", range(11, 21))
    read = nuke_sample_comp.make_read(file, 11, 20, raw=True, frame_mode=mode, frame=value)
    assert (read.firstFrame(), read.lastFrame()) == (starts, starts + 9)
    red = program.module.sample(read, "rgba.red", 1, 1)
    assert red == pytest.approx(at_1 / 2048, abs=1e-3)


def test_missing_frames_follow_the_reads_setting(program: FakeNuke, tmp_path: Path) -> None:
    file = nuke_sample_comp.write_plate(tmp_path, "p", range(1001, 1004))
    (tmp_path / "p" / "p.1002.exr").unlink()
    read = nuke_sample_comp.make_read(file, 1001, 1003, raw=True)
    program.module.frame(1002)
    with pytest.raises(RuntimeError, match=r"p\.1002\.exr"):
        program.module.sample(read, "rgba.red", 1, 1)
    read["on_error"].setValue("black")
    assert program.module.sample(read, "rgba.red", 1, 1) == 0
    read["on_error"].setValue("nearest frame")
    assert program.module.sample(read, "rgba.red", 1, 1) == pytest.approx(1001 / 2048, abs=1e-3)


def test_callbacks_are_called_until_they_are_removed(program: FakeNuke) -> None:
    nuke = program.module
    calls: list[tuple[str, str]] = []

    def listen() -> None:
        calls.append((nuke.thisNode().name(), nuke.thisKnob().name()))

    nuke.addKnobChanged(listen, nodeClass="Read")
    read, dot = nuke.nodes.Read(), nuke.nodes.Dot()
    read["first"].setValue(5)
    read["first"].setValue(5)
    dot["label"].setValue("not a Read")
    assert calls == [("Read1", "first")]
    nuke.removeKnobChanged(listen, nodeClass="Read")
    read["first"].setValue(6)
    assert len(calls) == 1
    assert program.callbacks("KnobChanged") == 0


def test_a_pane_is_created_from_a_string(program: FakeNuke, capsys: Any) -> None:
    panels = _panels()
    program.main_names["Widget"] = lambda: "a widget"
    assert panels.registerWidgetAsPanel("Widget", "Mine", "my.id") is None
    assert panels.restorePanel("my.id").widgets == ["a widget"]
    program.menu("Pane").findItem("Mine").invoke()
    assert len(program.pane("Properties.1").panels) == 2
    assert panels.restorePanel("other.id") is None
    assert "hasn't been registered" in capsys.readouterr().out


def test_every_tightened_signature_has_a_source_and_was_loose() -> None:
    for signatures, source in api.TIGHTENED:
        assert source.strip()
        assert ast.parse(signatures).body
    assert api.STUBS.tightened["allNodes"]
    loose = [n for n, found in api.STUBS.functions.items() if all(one.loose for one in found)]
    assert "allNodes" not in loose


# The reader of stubs itself


def _stubs(tmp_path: Path, text: str, **how: Any) -> Stubs:
    file = tmp_path / "x.pyi"
    file.write_text(text)
    return Stubs(file, **how)


def test_types_are_checked_for_each_overload(tmp_path: Path) -> None:
    stubs = _stubs(
        tmp_path,
        """
Mode = Literal['a', X.B]
class X:
    B = 5
class Facts(TypedDict):
    name: str
    size: NotRequired[int]
@overload
def f(a: int, *rest: str) -> None: ...
@overload
def f(a: List[Optional[str]], *, mode: Mode = ...) -> None: ...
def g(facts: Facts, pair: Tuple[int, str] = ...) -> None: ...
def h(table: Dict[str, int], either: int | None = ...) -> None: ...
""",
    )
    right = [
        ("f", (1,), {}), ("f", (1, "x", "y"), {}), ("f", (["x", None],), {"mode": "a"}),
        ("f", ([],), {"mode": 5}), ("g", ({"name": "n"},), {}), ("g", ({"name": "n", "size": 1},
        (1, "x")), {}), ("h", ({"a": 1}, None), {}),
    ]  # fmt: skip
    for name, args, kwargs in right:
        stubs.bind(stubs.functions[name], args, kwargs)
    wrong = [
        ("f", ("1",), {}), ("f", (1, 2), {}), ("f", ([3],), {}), ("f", ([],), {"mode": "b"}),
        ("f", (1,), {"mode": "a"}), ("g", ({"size": 1},), {}), ("g", ({"name": "n", "no": 1},), {}),
        ("g", ({"name": 1},), {}), ("g", ({"name": "n"}, (1, 2)), {}), ("h", ({1: 1},), {}),
        ("h", ({"a": "b"},), {}), ("h", ({}, "x"), {}), ("g", ("n",), {}),
        ("g", ({"name": "n"}, (1, "x", 2)), {}),
    ]  # fmt: skip
    for name, args, kwargs in wrong:
        with pytest.raises(BadCallError, match=name):
            stubs.bind(stubs.functions[name], args, kwargs)


def test_a_fake_cannot_have_more_than_the_stubs(tmp_path: Path) -> None:
    stubs = _stubs(tmp_path, "class A:\n    def f(self, a: Optional[int]) -> None: ...\n",
                   optional_may_be_left_out=True)  # fmt: skip

    @conforming(stubs, "A")
    class Fake:
        def f(self, a: int | None = None) -> int | None:
            return a

    assert Fake().f() is None
    with pytest.raises(NotInApiError):

        @conforming(stubs, "A")
        class More:
            def g(self) -> None: ...

    with pytest.raises(NotInApiError):

        @conforming(stubs)
        class Unknown: ...

    assert isinstance(stubs.classes["A"], StubClass)
