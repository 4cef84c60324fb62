"""A running Nuke: its module, main thread, script and callbacks."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from stubs import NotInApiError, NotModelledError, conforming_function

from nuke_fake import api, choice_knobs, knobs, node_classes, nodes, windows
from nuke_fake.api import STUBS, on_main
from nuke_fake.choice_knobs import Format
from nuke_fake.functions import Functions, Nodes, Undo, callback_functions, methods
from nuke_fake.knobs import Knob
from nuke_fake.nodes import Node
from nuke_fake.script import FakeScript

#: Nuke's callback lists, by the names of ``nuke.add...`` and ``nuke.remove...``.
_EVENTS = ("OnCreate", "OnDestroy", "OnScriptLoad", "OnScriptSave", "OnScriptClose",
           "KnobChanged", "BeforeRender", "AfterRender", "OnUserCreate")  # fmt: skip

_CONSTANTS = {
    "INVISIBLE": knobs.INVISIBLE,
    "STARTLINE": knobs.STARTLINE,
    "NO_UNDO": knobs.NO_UNDO,
    "DO_NOT_WRITE": knobs.DO_NOT_WRITE,
    "EXPRESSIONS": nodes.EXPRESSIONS,
    "INPUTS": nodes.INPUTS,
    "HIDDEN_INPUTS": nodes.HIDDEN_INPUTS,
    "LINKINPUTS": nodes.LINKINPUTS,
    "WRITE_ALL": 1,
    "WRITE_USER_KNOB_DEFS": 2,
    "TO_SCRIPT": 4,
    "NUKE_VERSION_MAJOR": 16,
    "NUKE_VERSION_MINOR": 0,
    "NUKE_VERSION_RELEASE": 1,
    "NUKE_VERSION_STRING": "16.0v1",
}


class _Module(ModuleType):
    """The module ``nuke``: names that are not in the stubs raise AttributeError."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in STUBS:
            raise NotModelledError(f"nuke.{name} exists, and the fake does not do it yet")
        raise NotInApiError(f"module 'nuke' has no attribute {name!r}")


#: A single instance: imported plugins keep the module that they imported.
_MODULE = _Module("nuke")


class FakeNuke:
    """``with FakeNuke() as nuke:`` starts it and makes ``import nuke`` work; the thread that does
    so is its main thread. ``gui=False``: a terminal, as on a render farm."""

    def __init__(self, *, gui: bool = True) -> None:
        self.gui = gui
        self.main_thread = threading.get_ident()
        self.main_names: dict[str, Any] = {"__name__": "__main__"}
        self.formats_known = [Format._of(text) for text in node_classes.FORMATS]
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

    # Start and end

    def __enter__(self) -> Self:
        return self.start()

    def start(self) -> Self:
        api._running.append(self)
        self.script = FakeScript(self)
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
        """Opens another, empty script temporarily."""
        mine, self.script = self.script, FakeScript(self)
        try:
            yield
        finally:
            self.script = mine

    def pump(self) -> None:
        """Make the calls that other threads requested on the main thread."""
        on_main("pump")
        while not self._calls.empty():
            self._calls.get_nowait()()

    def callbacks(self, event: str) -> int:
        """Number of functions registered for an event."""
        return len(self._callbacks[event])

    # User input

    def select(self, *names: str) -> None:
        for node in self.script.nodes:
            node.setSelected(node.fullName() in names)

    def press_button(self, knob: Knob) -> None:
        """Press a button of a node."""
        assert knob._node is not None
        self._this.append((knob._node, knob))
        try:
            exec(knob._value, self.main_names)
        finally:
            self._this.pop()

    def set_knob(self, node: Node, knob: str, value: Any) -> None:
        """Set a knob of a node, as in its properties panel."""
        self.script.begin(f"Change {knob}")
        try:
            node[knob].setValue(value)
        finally:
            self.script.end()

    def open_script(self, path: Path) -> None:
        self._clear()
        self.script.read(path.read_text(encoding="utf-8"))
        with self.script.without_undo():
            self.root["name"]._set(str(path))
        self.script.modified = False
        self.notify("OnScriptLoad", self.root)

    # Called by nodes and knobs

    def notify_knob(self, node: Node, knob: Knob) -> None:
        if knob is node._knobs.get(knob._name):
            self.notify("KnobChanged", node, knob)

    def notify(self, event: str, node: Node, knob: Knob | None = None) -> None:
        self._this.append((node, knob))
        try:
            for call, args, kwargs, kind, only in list(self._callbacks[event]):
                if kind in ("*", node._kind) and only in (None, node):
                    call(*args, **kwargs)
        finally:
            self._this.pop()

    def make_node(self, kind: str, name: str = "") -> Node:
        node = self.script.add(kind, name)
        self.notify("OnCreate", node)
        return node

    def colour_spaces(self) -> list[str]:
        # The knobs of the root are created before the root.
        root = getattr(self.script, "root", None) if hasattr(self, "script") else None
        native = root is not None and root["colorManagement"]._value == "Nuke"
        return list(node_classes.NATIVE_SPACES if native else node_classes.OCIO_SPACES)

    def custom_object(self, knob: Knob) -> Any:
        """Evaluate a PyCustom_Knob's expression with the names of ``__main__``."""
        return eval(knob._value, self.main_names)

    def menu(self, name: str) -> windows.Menu:
        if not self.gui:
            raise RuntimeError("there are no menus in a terminal")
        return self._menus.setdefault(name, windows.Menu(name))

    def pane(self, name: str) -> windows.Pane:
        return self._panes.setdefault(name, windows.Pane(name))

    def _format(self, text: str) -> Format:
        """The format described by a text; it is added to the known formats."""
        parsed = Format._of(text)
        existing = next((f for f in self.formats_known if f._text() == parsed._text()), None)
        if existing is None:
            self.formats_known.append(parsed)
        return existing or parsed

    def _clear(self) -> None:
        for node in list(self.script.nodes):
            self.notify("OnDestroy", node)
        self.notify("OnScriptClose", self.root)
        self.script = FakeScript(self)

    # The module

    def _fill(self) -> None:
        names = self.module.__dict__
        names.update(_CONSTANTS, GUI=self.gui, nodes=Nodes(), Undo=Undo)
        names["env"] = {"gui": self.gui, "NukeVersionString": "16.0v1", "studio": False}
        for known in (knobs, choice_knobs, nodes, windows):
            for name, one in vars(known).items():
                if isinstance(one, type) and name in STUBS.classes:
                    names[name] = one
        for name, body in methods(Functions()):
            anywhere = name.startswith("executeInMainThread") or name == "tprint"
            guard = (lambda _: None) if anywhere else on_main
            names[name] = conforming_function(STUBS, body, guard)
        for event in _EVENTS:
            add, remove = callback_functions(event)
            names[f"add{event}"] = conforming_function(STUBS, add, on_main)
            names[f"remove{event}"] = conforming_function(STUBS, remove, on_main)
