"""Nodes: knobs of the class, inputs, a position in the graph, a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from stubs import conforming

from nuke_fake import node_classes, script_text, timing
from nuke_fake.api import STUBS, on_main, running
from nuke_fake.choice_knobs import (
    KINDS,
    CascadingEnumeration_Knob,
    Enumeration_Knob,
    Format,
    Format_Knob,
)
from nuke_fake.knobs import Knob, Tab_Knob

if TYPE_CHECKING:
    from nuke_fake.script import FakeScript

#: Kinds of dependencies; the values do not matter.
EXPRESSIONS, INPUTS, HIDDEN_INPUTS, LINKINPUTS = 1, 2, 4, 8

#: Knobs that do not mark the script as modified.
_NO_CHANGE = frozenset({"selected", "reading"})


def make_knob(name: str, row: node_classes.Row) -> Knob:
    kind, default = row
    if kind == "Enumeration_Knob":
        return Enumeration_Knob(name, name, list(default))
    if kind == "CascadingEnumeration_Knob":
        made: Knob = CascadingEnumeration_Knob(name, name, [])
    else:
        made = KINDS[kind](name, name)
    if isinstance(made, Format_Knob):
        made._read(default)
    else:
        made._value = default
    made._default = made._value
    return made


@conforming(STUBS, guard=on_main)
class FrameRange:
    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last

    def frames(self) -> int:
        return self._last - self._first + 1


@conforming(STUBS, guard=on_main)
class Node:
    """Created only by :meth:`FakeScript.add`."""

    def __init__(self, script: FakeScript, kind: str, parent: Group | None) -> None:
        self._script, self._kind, self._parent = script, kind, parent
        self._is_deleted = False
        self._inputs: list[Node | None] = []
        self._knobs: dict[str, Knob] = {}
        for name, row in node_classes.knobs_of(kind).items():
            self._add_knob(make_knob(name, row))

    # The fake's own

    def _add_knob(self, knob: Knob) -> None:
        knob._node = self
        self._knobs[knob._name] = knob

    def _drop_knob(self, name: str) -> None:
        self._knobs.pop(name)._node = None

    def _check_not_deleted(self) -> None:
        if self._is_deleted:
            raise ValueError("A PythonObject is not attached to a node")

    def _record_undo(self, undo: Callable[[], None]) -> None:
        self._script.record_undo(undo)

    def _knob_changed(self, knob: Knob, before: Any) -> None:
        def undo() -> None:
            knob._value = before

        if knob._name in _NO_CHANGE:
            running().notify_knob(self, knob)
            return
        self._script.record_undo(undo)
        if self._kind == "Write" and knob._name in ("file", "file_type"):
            self._knobs_by_file_type(knob)
        running().notify_knob(self, knob)

    def _knobs_by_file_type(self, changed: Knob) -> None:
        """A Write sets its type from the file extension, and has that type's knobs."""
        if changed._name == "file":
            ending = str(changed._value).rpartition(".")[2]
            if ending in self._knobs["file_type"]._items:  # type: ignore[attr-defined]
                self._knobs["file_type"]._value = ending
        rows = node_classes.BY_FILE_TYPE.get(self._knobs["file_type"]._value, {})
        for other in {name for rows in node_classes.BY_FILE_TYPE.values() for name in rows} - set(
            rows
        ):
            self._knobs.pop(other, None)
        for name, row in rows.items():
            if name not in self._knobs:
                self._add_knob(make_knob(name, row))

    def _full_name(self) -> str:
        inside = self._parent is not None and self._parent._kind != "Root"
        name = str(self._knobs["name"]._value)
        return f"{self._parent._full_name()}.{name}" if inside and self._parent else name

    # Nuke's

    def Class(self) -> str:
        return self._kind

    def name(self) -> str:
        self._check_not_deleted()
        return str(self._knobs["name"]._value)

    def fullName(self) -> str:
        self._check_not_deleted()
        return self._full_name()

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:
        self._check_not_deleted()
        taken = self._script.find_node(name, self._parent)
        if taken not in (None, self):
            name = self._script.free_name(name.rstrip("0123456789"), self._parent)
        self._knobs["name"]._set(name)

    def knob(self, p: str | int, follow_link: bool = True) -> Knob | None:
        self._check_not_deleted()
        return list(self._knobs.values())[p] if isinstance(p, int) else self._knobs.get(p)

    def knobs(self) -> dict[str, Knob]:
        self._check_not_deleted()
        return dict(self._knobs)

    def __getitem__(self, name: str) -> Knob:
        self._check_not_deleted()
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist")
        return self._knobs[name]

    def addKnob(self, knob: Knob) -> None:
        self._check_not_deleted()
        if knob._name in self._knobs:
            raise ValueError(f"{self.name()} has a knob {knob._name} already")
        if not any(one._by_user for one in self._knobs.values()) and not isinstance(knob, Tab_Knob):
            first = Tab_Knob("User", "User")
            first._by_user = True
            self._add_knob(first)
        knob._by_user = True
        self._add_knob(knob)
        self._record_undo(lambda: self._drop_knob(knob._name))

    def removeKnob(self, knob: Knob) -> None:
        self._check_not_deleted()
        if not knob._by_user or self._knobs.get(knob._name) is not knob:
            raise ValueError(f"{knob._name} cannot be removed")
        self._drop_knob(knob._name)
        self._record_undo(lambda: self._add_knob(knob))

    def writeKnobs(self, flags: int = 0) -> str:
        return "\n".join(script_text.block(self, self._kind)[1:-1])

    def readKnobs(self, s: str) -> None:
        self._check_not_deleted()
        script_text.fill(self, s)

    def inputs(self) -> int:
        self._check_not_deleted()
        return len(self._inputs)

    def input(self, index: int) -> Node | None:
        self._check_not_deleted()
        return self._inputs[index] if index < len(self._inputs) else None

    def setInput(self, index: int, node: Node | None) -> bool:
        self._check_not_deleted()
        if self._kind in node_classes.NO_INPUT or (node and node._kind in node_classes.NO_OUTPUT):
            return False
        before = list(self._inputs)
        self._inputs += [None] * (index + 1 - len(self._inputs))
        self._inputs[index] = node

        def undo() -> None:
            self._inputs = before

        self._record_undo(undo)
        return True

    def dependencies(self, mask: int) -> list[Node]:
        """Inputs only: the fake has no expressions."""
        return [one for one in self._inputs if one is not None and mask & (INPUTS | HIDDEN_INPUTS)]

    def maxOutputs(self) -> int:
        return 0 if self._kind in node_classes.NO_OUTPUT else 1

    def parent(self) -> Node | None:
        self._check_not_deleted()
        return self._parent

    def isSelected(self) -> bool:
        return bool(self._knobs["selected"]._value)

    def setSelected(self, selected: bool) -> None:
        self._check_not_deleted()
        self._knobs["selected"]._set(selected)

    def selectOnly(self) -> None:
        for node in self._script.nodes:
            if node is not self and "selected" in node._knobs:
                node._knobs["selected"]._set(False)
        self.setSelected(True)

    def xpos(self) -> int:
        return int(self._knobs["xpos"]._value)

    def ypos(self) -> int:
        return int(self._knobs["ypos"]._value)

    def setXpos(self, x: int) -> None:
        self._knobs["xpos"]._set(x)

    def setYpos(self, y: int) -> None:
        self._knobs["ypos"]._set(y)

    def setXYpos(self, x: int, y: int) -> None:
        self.setXpos(x)
        self.setYpos(y)

    def screenWidth(self) -> int:
        return 80

    def screenHeight(self) -> int:
        stamp = self._knobs.get("postage_stamp")
        return 78 if stamp is not None and stamp._value else 18

    def _source(self) -> Node | None:
        """The node with this node's format, range and channels: itself, or its first input."""
        if "format" in self._knobs or self._kind in node_classes.NO_PICTURE:
            return self if self._kind not in node_classes.NO_PICTURE else None
        first = next((one for one in self._inputs if one is not None), None)
        return first._source() if first is not None else None

    def format(self) -> Format:
        source = self._source() or self._script.root
        return source["format"].value()  # type: ignore[no-any-return]

    def width(self) -> int:
        return self.format().width()

    def height(self) -> int:
        return self.format().height()

    def pixelAspect(self) -> float:
        return self.format().pixelAspect()

    def channels(self) -> list[str]:
        from nuke_fake import pictures

        return pictures.channels(self)

    def firstFrame(self) -> int:
        return self._range()[0]

    def lastFrame(self) -> int:
        return self._range()[1]

    def frameRange(self) -> FrameRange:
        return FrameRange(*self._range())

    def _range(self) -> tuple[int, int]:
        source = self._source()
        if source is None or source._kind != "Read":
            root = self._script.root
            return root["first_frame"].value(), root["last_frame"].value()
        return timing.shown_range(source)

    def rootNode(self) -> Node:
        return self._script.root


@conforming(STUBS, guard=on_main)
class Group(Node):
    """Contains nodes; ``with group:`` adds new nodes to it."""

    def nodes(self) -> list[Node]:
        return [node for node in self._script.nodes if node._parent is self]

    def node(self, s: str) -> Node | None:
        return self._script.find_node(s, self)

    def begin(self) -> Group:
        self._script.contexts.append(self)
        return self

    def end(self) -> None:
        self._script.contexts.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        self.end()


@conforming(STUBS, guard=on_main)
class Root(Group):
    def firstFrame(self) -> int:
        return int(self["first_frame"].value())

    def lastFrame(self) -> int:
        return int(self["last_frame"].value())

    def modified(self) -> bool:
        return self._script.modified

    def setModified(self, modified: bool) -> None:
        self._script.modified = modified

    def fps(self) -> int:
        return int(self._knobs["fps"]._value)

    def realFps(self) -> float:
        return float(self._knobs["fps"]._value)

    def name(self) -> str:
        """``root``; the knob ``name`` has the script's file."""
        return "root"


@conforming(STUBS, guard=on_main)
class Viewer(Node):
    pass


@conforming(STUBS, guard=on_main)
class BackdropNode(Node):
    pass


def node_class(kind: str) -> type[Node]:
    return {"Group": Group, "Root": Root, "Viewer": Viewer, "BackdropNode": BackdropNode}.get(
        kind, Node
    )


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """Inputs before the nodes that use them, otherwise in the given order."""
    given = list(nodes)
    done: list[Node] = []

    def add(node: Node) -> None:
        if node not in done:
            for one in node._inputs:
                if one in given:
                    add(one)
            done.append(node)

    for node in given:
        add(node)
    return done
