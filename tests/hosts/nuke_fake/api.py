"""Nuke's API: the stubs, completed from its documentation."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from stubs import Stubs

if TYPE_CHECKING:
    from nuke_fake.program import FakeNuke

_DOCS = "learn.foundry.com, Nuke Python API Reference"

#: Signatures that the stubs have as ``*args, **kwargs``, each with its source.
TIGHTENED = (
    (
        "def allNodes(filter: str = ..., group: Group = ..., recurseGroups: bool = ...)"
        " -> List[Node]: ...",
        f"{_DOCS} 14.0, nuke.allNodes",
    ),
    ("def scriptClear() -> None: ...", f"{_DOCS} 13.2, nuke.scriptClear"),
    ("def scriptSource(filename: str) -> None: ...", f"{_DOCS} 13.2, nuke.scriptSource"),
    ("def selectedNodes(filter: str = ...) -> List[Node]: ...", f"{_DOCS} 14.0"),
    (
        """
class Menu:
    def addCommand(self, name: str, command: Union[str, Callable] = ..., shortcut: str = ...,
                   icon: str = ..., tooltip: str = ..., index: int = ..., readonly: bool = ...,
                   shortcutContext: int = ..., tag: int = ..., tagTarget: str = ...): ...
    def addMenu(self, name: str, icon: str = ..., tooltip: str = ..., index: int = ...): ...
    def addSeparator(self, index: int = ...): ...
""",
        f"{_DOCS} 16.0 and 12.2, nuke.Menu; addMenu's are keywords there",
    ),
    (
        """
class Undo:
    def begin(name: str = ...) -> None: ...
    def end() -> None: ...
    def cancel() -> None: ...
    def disable() -> None: ...
    def enable() -> None: ...
    def disabled() -> bool: ...
    def undo() -> None: ...
    def undoSize() -> int: ...
    def undoDescribe(n: int = ...) -> str: ...
""",
        f"{_DOCS} 15.1 and 17.1, nuke.Undo: class-level",
    ),
    (
        """
class File_Knob:
    def getEvaluatedValue(self, oc: OutputContext = ...) -> str: ...
    def getValue(self) -> str: ...
    def value(self) -> str: ...
    def setValue(self, s: str) -> None: ...
    def fromUserText(self, s: str) -> None: ...
""",
        f"{_DOCS} 7.0 and 15.1, nuke.File_Knob",
    ),
    (
        """
class String_Knob:
    def __init__(self, name: str, label: str = ..., value: str = ...) -> None: ...
    def getValue(self) -> str: ...
class Tab_Knob:
    def __init__(self, name: str, label: str = ..., flag: int = ...) -> None: ...
class Text_Knob:
    def __init__(self, name: str, label: str = ..., value: str = ...) -> None: ...
    def value(self) -> str: ...
    def setValue(self, value: str) -> None: ...
class Int_Knob:
    def __init__(self, name: str, label: str = ...) -> None: ...
    def setValue(self, val: int) -> bool: ...
class Boolean_Knob:
    def __init__(self, name: str, label: str = ..., value: bool = ...) -> None: ...
    def setValue(self, b: bool) -> bool: ...
class PyScript_Knob:
    def __init__(self, name: str, label: str = ..., command: str = ...) -> None: ...
    def setValue(self, cmd: str) -> None: ...
class Enumeration_Knob:
    def __init__(self, name: str, label: str, items: List[str]) -> None: ...
    def setValue(self, item: Union[str, int]) -> None: ...
    def setValues(self, items: List[str]) -> None: ...
    def value(self) -> str: ...
    def getValue(self) -> float: ...
    def values(self) -> List[str]: ...
class Unsigned_Knob:
    def setValue(self, val: int) -> bool: ...
class Array_Knob:
    def setValue(self, val: Union[float, List[float]], chan: int = ...) -> bool: ...
    def value(self, chan: int = ...) -> Any: ...
    def getValue(self, chan: int = ...) -> Any: ...
class Format_Knob:
    def setValue(self, format: Union[Format, str]) -> bool: ...
    def value(self) -> Format: ...
class Channel_Knob:
    def setValue(self, name: str) -> None: ...
""",
        f"{_DOCS} 12.0, 13.1 and 15.1, page of each knob",
    ),
    (
        """
class Format:
    def __init__(self, width: int, height: int, x: int, y: int, r: int, t: int,
                 pixelAspect: float) -> None: ...
""",
        f"{_DOCS} 13.2, nuke.Format",
    ),
    (
        """
class Shuffle2Mappings_Knob(Knob):
    def setValue(self, mappings: List[Tuple[int, str, str]]) -> None: ...
    def value(self) -> List[Tuple[int, str, str]]: ...
""",
        "scripts on GitHub that set Shuffle2['mappings'] to [(input, from, to), ...]; the stubs"
        " have no class of its own for it",
    ),
)


def _stub_files() -> list[Path]:
    found = importlib.util.find_spec("nuke-stubs")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the stubs of Nuke are not installed: pip install types-nuke")
    return sorted(Path(found.submodule_search_locations[0]).glob("*.pyi"))


STUBS = Stubs(*_stub_files())
for _signatures, _source in TIGHTENED:
    STUBS.tighten(_signatures, _source)

_running: list[FakeNuke] = []


def running() -> FakeNuke:
    """The running Nuke, which a test starts with ``with FakeNuke():``."""
    assert _running, "no Nuke is running"
    return _running[-1]


def on_main(call: str) -> None:
    """Check the thread: Nuke's functions called on another than its main thread crash it or corrupt
    the script (Nuke Python Developer's Guide, Threading).

    :raises RuntimeError: this is not the main thread.
    """
    if threading.get_ident() != running().main_thread:
        raise RuntimeError(f"nuke.{call} called off the main thread: use executeInMainThread")
