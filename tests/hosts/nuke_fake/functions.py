"""The functions of ``nuke``, checked against the stubs by :class:`~nuke_fake.program.FakeNuke`."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stubs import BadCallError, NotInApiError, conforming

from nuke_fake import api, node_classes, nodes, pictures, script_text, windows
from nuke_fake.api import STUBS, on_main
from nuke_fake.choice_knobs import Format
from nuke_fake.knobs import Knob
from nuke_fake.nodes import Node

if TYPE_CHECKING:
    from nuke_fake.program import FakeNuke


@conforming(STUBS, guard=on_main)
class Undo:
    """``nuke.Undo``, used as a class."""

    @staticmethod
    def begin(name: str = "") -> None:
        api.running().script.begin(name)

    @staticmethod
    def name(name: str) -> None:
        api.running().script.name(name)

    @staticmethod
    def end() -> None:
        api.running().script.end()

    @staticmethod
    def cancel() -> None:
        api.running().script.cancel()

    @staticmethod
    def disable() -> None:
        api.running().script.disabled += 1

    @staticmethod
    def enable() -> None:
        api.running().script.disabled -= 1

    @staticmethod
    def disabled() -> bool:
        return api.running().script.disabled > 0

    @staticmethod
    def undo() -> None:
        api.running().script.undo()

    @staticmethod
    def undoSize() -> int:
        return len(api.running().script.undos)

    @staticmethod
    def undoDescribe(n: int = 0) -> str:
        return api.running().script.undos[-1 - n][0]


class Nodes:
    """``nuke.nodes``: ``nuke.nodes.Read(file=...)`` creates a node without a panel, connections or
    selection."""

    def __getattr__(self, kind: str) -> Callable[..., Node]:
        if kind not in node_classes.CLASSES or kind == "Root":
            raise NotInApiError(f"nuke.nodes has no {kind}")

        def make(inputs: Sequence[Node | None] = (), name: str = "", **values: Any) -> Node:
            on_main(f"nodes.{kind}")
            node = api.running().make_node(kind, name)
            for at, one in enumerate(inputs):
                node.setInput(at, one)
            for knob, value in values.items():
                node[knob].setValue(value)
            return node

        return make


def methods(functions: Functions) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in vars(Functions):
        if not name.startswith("_"):
            yield name, getattr(functions, name)


def callback_functions(event: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """``nuke.addKnobChanged`` and ``nuke.removeKnobChanged``, and so on."""

    def add(
        call: Any, args: Any = (), kwargs: Any = None, nodeClass: str = "*", node: Any = None
    ) -> None:
        made = (call, tuple(args), dict(kwargs or {}), nodeClass, node)
        listed = api.running()._callbacks[event]
        if made not in listed:
            listed.append(made)

    def remove(
        call: Any, args: Any = (), kwargs: Any = None, nodeClass: str = "*", node: Any = None
    ) -> None:
        made = (call, tuple(args), dict(kwargs or {}), nodeClass, node)
        listed = api.running()._callbacks[event]
        if made in listed:
            listed.remove(made)

    add.__name__, remove.__name__ = f"add{event}", f"remove{event}"
    return add, remove


class Functions:
    """The functions of ``nuke`` by name."""

    @property
    def _nuke(self) -> FakeNuke:
        return api.running()

    def root(self) -> Node:
        return self._nuke.root

    def thisRoot(self) -> Node:
        return self._nuke.root

    def thisNode(self) -> Node:
        return self._nuke._this[-1][0] if self._nuke._this else self._nuke.root

    def thisKnob(self) -> Knob | None:
        return self._nuke._this[-1][1] if self._nuke._this else None

    def thisGroup(self) -> Node:
        return self._nuke.script.contexts[-1]

    def toNode(self, s: str) -> Node | None:
        script = self._nuke.script
        return (
            script.root if s == "root" else script.find_node(s.removeprefix("root."), script.root)
        )

    def exists(self, s: str) -> bool:
        return self.toNode(s) is not None

    def allNodes(
        self, filter: str = "", group: Node | None = None, recurseGroups: bool = False
    ) -> list[Node]:
        script = self._nuke.script
        group = group or script.contexts[-1]
        return [
            node
            for node in script.nodes
            if (recurseGroups or node._parent is group) and filter in ("", node._kind)
        ]

    def selectedNodes(self, filter: str = "") -> list[Node]:
        found = [node for node in self.allNodes(filter) if node.isSelected()]
        return nodes.in_order(found) if len(found) > 1 and not filter else found

    def selectedNode(self) -> Node:
        found = self.selectedNodes()
        if not found:
            raise ValueError("no node selected")
        return found[-1]

    def createNode(self, typ: str, knobs: str = "", inpanel: bool = True) -> Node:
        """Creates a node like a person: connected to the selection, and selected itself."""
        selected = self.selectedNodes()
        node = self._nuke.make_node(typ)
        if selected and typ not in node_classes.NO_INPUT:
            node.setInput(0, selected[-1])
        if knobs:
            script_text.fill(node, knobs)
        node.selectOnly()
        return node

    def delete(self, n: Node) -> None:
        self._nuke.notify("OnDestroy", n)
        self._nuke.script.delete(n)

    def frame(self, f: int | None = None) -> int:
        if f is not None:
            self._nuke._frame = f
            with self._nuke.script.without_undo():
                self._nuke.root["frame"].setValue(f)
        return self._nuke._frame

    def modified(self, state: bool | None = None) -> bool:
        if state is not None:
            self._nuke.script.modified = state
        return self._nuke.script.modified

    def undo(self) -> None:
        self._nuke.script.undo()

    def views(self) -> list[str]:
        return str(self._nuke.root["views"].value()).split()

    def formats(self) -> list[Format]:
        return list(self._nuke.formats_known)

    def addFormat(self, s: str) -> Format:
        return self._nuke._format(s)

    def scriptName(self) -> str:
        name = str(self._nuke.root["name"].value())
        if not name:
            raise RuntimeError("no script name")
        return name

    def scriptSave(self, filename: str | None = None) -> bool:
        self._nuke.notify("OnScriptSave", self._nuke.root)
        self._nuke.script.save(Path(filename or self.scriptName()))
        return True

    def scriptSaveAs(self, filename: str = "", overwrite: int = -1) -> None:
        if Path(filename).exists() and overwrite != 1:
            raise RuntimeError(f"{filename} exists")
        self.scriptSave(filename)

    def scriptOpen(self, filename: str = "") -> None:
        self._nuke.open_script(Path(filename))

    def scriptClear(self) -> None:
        self._nuke._clear()

    def execute(self, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(_execute).bind(*args, **kwargs)
        bound.apply_defaults()
        _execute_in(self._nuke, **bound.arguments)

    def sample(self, node: Node, channel: str, x: int, y: int, dx: int = 1, dy: int = 1) -> float:
        plane = pictures.picture(node, self._nuke._frame)[channel]
        return float(plane[plane.shape[0] - 1 - y, x])

    def getColorspaceList(self, colorspaceKnob: Any) -> list[str]:
        return list(colorspaceKnob.values())

    def executeInMainThread(self, call: Any, args: Any = (), kwargs: Any = None) -> None:
        args = args if isinstance(args, tuple) else (args,)
        self._nuke._calls.put(lambda: call(*args, **(kwargs or {})))

    def executeInMainThreadWithResult(self, call: Any, args: Any = (), kwargs: Any = None) -> Any:
        if threading.get_ident() == self._nuke.main_thread:
            raise RuntimeError("waiting on the main thread for itself hangs Nuke")
        answered = threading.Event()
        answer: list[Any] = []
        args = args if isinstance(args, tuple) else (args,)

        def run() -> None:
            try:
                answer.append(call(*args, **(kwargs or {})))
            finally:
                answered.set()

        self._nuke._calls.put(run)
        assert answered.wait(60), "the main thread never came"
        return answer[0] if answer else None

    def menu(self, name: str) -> windows.Menu:
        return self._nuke.menu(name)

    def getPaneFor(self, panelName: str) -> windows.Pane:
        return self._nuke.pane(panelName)

    def message(self, prompt: str) -> None:
        self._nuke.messages.append(prompt)

    def tprint(self, *args: Any, sep: str = " ", end: str = "\n") -> None:
        print(*args, sep=sep, end=end)

    def warning(self, message: str) -> None:
        self._nuke.messages.append(message)

    def pluginAddPath(self, args: Any, addToSysPath: bool = True) -> None:
        for one in [args] if isinstance(args, str) else args:
            if addToSysPath and one not in sys.path:
                sys.path.insert(0, one)


def _execute(
    nameOrNode: Any,
    start: int,
    end: int,
    incr: int = 1,
    views: Sequence[str] = (),
    continueOnError: bool = False,
) -> None:
    """``nuke.execute`` with a node and a range; other forms are not modelled."""


def _execute_in(
    nuke: FakeNuke,
    nameOrNode: Any,
    start: int,
    end: int,
    incr: int,
    views: Sequence[str],
    continueOnError: bool,
) -> None:
    node = (
        nuke.script.find_node(nameOrNode, nuke.root) if isinstance(nameOrNode, str) else nameOrNode
    )
    if node is None or node._kind != "Write":
        raise RuntimeError(f"{nameOrNode} is not executable")
    unknown = set(views) - set(str(nuke.root["views"].value()).split())
    if unknown:
        raise BadCallError(f"no view is called {', '.join(unknown)}")
    nuke.notify("BeforeRender", node)
    for frame in range(start, end + 1, incr):
        nuke.before_frame(frame)
        nuke.rendered.append((frame, pictures.write(node, frame)))
    nuke.notify("AfterRender", node)
