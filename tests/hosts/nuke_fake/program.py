"""One running Nuke: its module, its main thread, its script, what it calls back."""

from __future__ import annotations

import inspect
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from stubs import BadCall, NotInTheApi, NotModelled, conforming, conforming_function

from nuke_fake import api, knobs, nodes, pictures, table, windows
from nuke_fake.api import STUBS, on_main
from nuke_fake.knobs import Format, Knob
from nuke_fake.nodes import Node
from nuke_fake.script import Script

#: Lists of callbacks that Nuke keeps, by the names of ``nuke.add...`` and ``nuke.remove...``.
_EVENTS = ("OnCreate", "OnDestroy", "OnScriptLoad", "OnScriptSave", "OnScriptClose",
           "KnobChanged", "BeforeRender", "AfterRender", "OnUserCreate")  # fmt: skip

_CONSTANTS = {
    "INVISIBLE": knobs.INVISIBLE,
    "STARTLINE": knobs.STARTLINE,
    "NO_UNDO": knobs.NO_UNDO,
    "DO_NOT_WRITE": knobs.DO_NOT_WRITE,
    "WRITE_ALL": 1,
    "WRITE_USER_KNOB_DEFS": 2,
    "TO_SCRIPT": 4,
    "NUKE_VERSION_MAJOR": 16,
    "NUKE_VERSION_MINOR": 0,
    "NUKE_VERSION_RELEASE": 1,
    "NUKE_VERSION_STRING": "16.0v1",
}


class _Module(ModuleType):
    """``import nuke``: what the stubs have not is an AttributeError, as everywhere in Python."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in STUBS:
            raise NotModelled(f"nuke.{name} exists, and the fake does not do it yet")
        raise NotInTheApi(f"module 'nuke' has no attribute {name!r}")


@conforming(STUBS, guard=on_main)
class Undo:
    """``nuke.Undo``, called on the class."""

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


class _Nodes:
    """``nuke.nodes``: ``nuke.nodes.Read(file=...)`` makes a node without a panel, connects
    nothing, selects nothing."""

    def __getattr__(self, kind: str) -> Callable[..., Node]:
        if kind not in table.CLASSES or kind == "Root":
            raise NotInTheApi(f"nuke.nodes has no {kind}")

        def make(inputs: Sequence[Node | None] = (), name: str = "", **values: Any) -> Node:
            on_main(f"nodes.{kind}")
            node = api.running().make(kind, name)
            for at, one in enumerate(inputs):
                node.setInput(at, one)
            for knob, value in values.items():
                node[knob].setValue(value)
            return node

        return make


#: One for all: plugins that were imported keep the module that they imported.
_MODULE = _Module("nuke")


class FakeNuke:
    """``with FakeNuke() as nuke:`` starts it and makes ``import nuke`` work; the thread that does
    so is its main thread. ``gui=False``: a terminal, as on a render farm."""

    def __init__(self, *, gui: bool = True) -> None:
        self.gui = gui
        self.main_thread = threading.get_ident()
        self.main_names: dict[str, Any] = {"__name__": "__main__"}
        self.formats_known = [Format._of(text) for text in table.FORMATS]
        self.messages: list[str] = []
        self.rendered: list[tuple[int, Path]] = []
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self._callbacks: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _EVENTS}
        self._this: list[tuple[Node, Knob | None]] = []
        self._menus: dict[str, windows.Menu] = {}
        self._panes: dict[str, windows.Pane] = {}
        self._frame = 1
        self.before_frame: Callable[[int], None] = lambda frame: None
        """Called before a frame is written: a disk that fills up, a person who cancels."""
        self._before: dict[str, ModuleType | None] = {}
        self.module = _MODULE

    # Its life

    def __enter__(self) -> Self:
        return self.start()

    def start(self) -> Self:
        api._running.append(self)
        self.script = Script(self)
        self._fill()
        modules = {"nuke": self.module}
        if self.gui:
            modules |= windows.nukescripts_modules()
        for name, module in modules.items():
            self._before[name] = sys.modules.get(name)
            sys.modules[name] = module
        self.main_names["nuke"] = self.module
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for name, module in self._before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        api._running.remove(self)

    @property
    def root(self) -> nodes.Root:
        return self.script.root

    @contextmanager
    def other_script(self) -> Iterator[None]:
        """Another script, empty, for as long as it takes."""
        mine, self.script = self.script, Script(self)
        try:
            yield
        finally:
            self.script = mine

    def pump(self) -> None:
        """Do on the main thread what others asked for."""
        on_main("pump")
        while not self._calls.empty():
            self._calls.get_nowait()()

    def callbacks(self, event: str) -> int:
        """How many functions wait for an event."""
        return len(self._callbacks[event])

    # What a person does

    def select(self, *names: str) -> None:
        for node in self.script.nodes:
            node.setSelected(node.fullName() in names)

    def press(self, knob: Knob) -> None:
        """A button of a node."""
        assert knob._node is not None
        self._this.append((knob._node, knob))
        try:
            exec(knob._value, self.main_names)
        finally:
            self._this.pop()

    def turn(self, node: Node, knob: str, value: Any) -> None:
        """A knob of a node, in its properties."""
        self.script.begin(f"Change {knob}")
        try:
            node[knob].setValue(value)
        finally:
            self.script.end()

    def open_script(self, path: Path) -> None:
        self._clear()
        self.script.read(path.read_text(encoding="utf-8"))
        with self.script.quiet():
            self.root["name"]._set(str(path))
        self.script.modified = False
        self.tell("OnScriptLoad", self.root)

    # What nodes and knobs tell it

    def tell_knob(self, node: Node, knob: Knob) -> None:
        if knob is node._knobs.get(knob._name):
            self.tell("KnobChanged", node, knob)

    def tell(self, event: str, node: Node, knob: Knob | None = None) -> None:
        self._this.append((node, knob))
        try:
            for call, args, kwargs, kind, only in list(self._callbacks[event]):
                if kind in ("*", node._kind) and only in (None, node):
                    call(*args, **kwargs)
        finally:
            self._this.pop()

    def make(self, kind: str, name: str = "") -> Node:
        node = self.script.add(kind, name)
        self.tell("OnCreate", node)
        return node

    def colour_spaces(self) -> list[str]:
        # Knobs of the root itself are made before there is one.
        root = getattr(self.script, "root", None) if hasattr(self, "script") else None
        native = root is not None and root["colorManagement"]._value == "Nuke"
        return list(table.NATIVE_SPACES if native else table.OCIO_SPACES)

    def custom_object(self, knob: Knob) -> Any:
        """What a PyCustom_Knob's expression makes, in the names of ``__main__``."""
        return eval(knob._value, self.main_names)

    def menu(self, name: str) -> windows.Menu:
        if not self.gui:
            raise RuntimeError("there are no menus in a terminal")
        return self._menus.setdefault(name, windows.Menu(name))

    def pane(self, name: str) -> windows.Pane:
        return self._panes.setdefault(name, windows.Pane(name))

    def _format(self, text: str) -> Format:
        """The format that a text describes, which is known from then on."""
        made = Format._of(text)
        found = next((f for f in self.formats_known if f._text() == made._text()), None)
        if found is None:
            self.formats_known.append(made)
        return found or made

    def _clear(self) -> None:
        for node in list(self.script.nodes):
            self.tell("OnDestroy", node)
        self.tell("OnScriptClose", self.root)
        self.script = Script(self)

    # Its module

    def _fill(self) -> None:
        names = self.module.__dict__
        names.update(_CONSTANTS, GUI=self.gui, nodes=_Nodes(), Undo=Undo)
        names["env"] = {"gui": self.gui, "NukeVersionString": "16.0v1", "studio": False}
        for known in (knobs, nodes, windows):
            for name, one in vars(known).items():
                if isinstance(one, type) and name in STUBS.classes:
                    names[name] = one
        for name, body in _methods(_Functions()):
            anywhere = name.startswith("executeInMainThread") or name == "tprint"
            guard = (lambda _: None) if anywhere else on_main
            names[name] = conforming_function(STUBS, body, guard)
        for event in _EVENTS:
            add, remove = _callback_functions(event)
            names[f"add{event}"] = conforming_function(STUBS, add, on_main)
            names[f"remove{event}"] = conforming_function(STUBS, remove, on_main)


def _methods(functions: _Functions) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in vars(_Functions):
        if not name.startswith("_"):
            yield name, getattr(functions, name)


def _callback_functions(event: str) -> tuple[Callable[..., None], Callable[..., None]]:
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


class _Functions:
    """``nuke``'s functions, by their names."""

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
        return script.root if s == "root" else script.named(s.removeprefix("root."), script.root)

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
        """As if a person did: connected to what is selected, and selected itself."""
        selected = self.selectedNodes()
        node = self._nuke.make(typ)
        if selected and typ not in table.NO_INPUT:
            node.setInput(0, selected[-1])
        if knobs:
            from nuke_fake.text import fill

            fill(node, knobs)
        node.selectOnly()
        return node

    def delete(self, n: Node) -> None:
        self._nuke.tell("OnDestroy", n)
        self._nuke.script.delete(n)

    def frame(self, f: int | None = None) -> int:
        if f is not None:
            self._nuke._frame = f
            with self._nuke.script.quiet():
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
        self._nuke.tell("OnScriptSave", self._nuke.root)
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
    """The shape of ``nuke.execute`` that is modelled: a node and a range."""


def _execute_in(
    nuke: FakeNuke,
    nameOrNode: Any,
    start: int,
    end: int,
    incr: int,
    views: Sequence[str],
    continueOnError: bool,
) -> None:
    node = nuke.script.named(nameOrNode, nuke.root) if isinstance(nameOrNode, str) else nameOrNode
    if node is None or node._kind != "Write":
        raise RuntimeError(f"{nameOrNode} is not executable")
    unknown = set(views) - set(str(nuke.root["views"].value()).split())
    if unknown:
        raise BadCall(f"no view is called {', '.join(unknown)}")
    nuke.tell("BeforeRender", node)
    for frame in range(start, end + 1, incr):
        nuke.before_frame(frame)
        nuke.rendered.append((frame, pictures.write(node, frame)))
    nuke.tell("AfterRender", node)
