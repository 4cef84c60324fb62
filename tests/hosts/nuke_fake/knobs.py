"""Knobs: values of a node, with kinds, flags and their text in scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stubs import NotModelledError, conforming

from nuke_fake.api import STUBS, on_main, running

if TYPE_CHECKING:
    from nuke_fake.nodes import Node

_HASHES = re.compile(r"#+")
_TCL = re.compile(r"\[([^\]]*)\]")


@conforming(STUBS, guard=on_main)
class Knob:
    """A value of a node, or of no node yet."""

    _of_user = 0
    """The number that stands for the kind in a script's ``addUserKnob``."""

    def __init__(self, name: str, label: str = "") -> None:
        self._name, self._label = name, label
        self._node: Node | None = None
        self._flags: set[int] = set()
        self._value: Any = self._start()
        self._default: Any = self._value
        self._by_user = False

    def _start(self) -> Any:
        return ""

    def _taken(self, value: Any) -> Any:
        """The value as the knob stores it."""
        return value

    def _set(self, value: Any) -> bool:
        before, after = self._value, self._taken(value)
        if before == after:
            return False
        self._value = after
        if self._node is not None:
            self._node._knob_changed(self, before)
        return True

    def _text(self) -> str:
        return str(self._value)

    def _read(self, text: str) -> None:
        self._value = self._taken(text)

    def Class(self) -> str:
        return type(self).__name__

    def name(self) -> str:
        return self._name

    def label(self) -> str:
        return self._label

    def setLabel(self, label: str) -> None:
        self._label = label

    def node(self) -> Any:
        return self._node

    def value(self) -> Any:
        return self._value

    def getValue(self) -> Any:
        return self._value

    def setValue(self, value: Any) -> Any:
        return self._set(value)

    def setFlag(self, flag: int) -> None:
        self._flags.add(flag)

    def clearFlag(self, flag: int) -> None:
        self._flags.discard(flag)

    def getFlag(self, flag: int) -> bool:
        return flag in self._flags

    def setVisible(self, visible: bool) -> None:
        self._flags.discard(INVISIBLE) if visible else self._flags.add(INVISIBLE)

    def visible(self) -> bool:
        return INVISIBLE not in self._flags

    def setTooltip(self, tooltip: str) -> None:
        self._tooltip = tooltip

    def toScript(self) -> str:
        return self._text()

    def fromScript(self, script: str) -> None:
        self._set(script)


#: Bits as in Knobs.h of the NDK; the values do not matter.
INVISIBLE, STARTLINE, NO_UNDO, DO_NOT_WRITE = 0x400, 0x1000, 0x80000, 0x200


@conforming(STUBS, guard=on_main)
class String_Knob(Knob):
    _of_user = 1

    def __init__(self, name: str, label: str = "", value: str = "") -> None:
        super().__init__(name, label)
        self._value = value

    def _taken(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{self._name}: a string knob takes a string, not {value!r}")
        return value

    def value(self) -> str:
        return str(self._value)

    def getValue(self) -> str:
        return str(self._value)

    def getText(self) -> str:
        return str(self._value)

    def setValue(self, value: str) -> None:
        self._set(value)


@conforming(STUBS, guard=on_main)
class PythonKnob(String_Knob):
    pass


@conforming(STUBS, guard=on_main)
class FreeType_Knob(Knob):
    pass


@conforming(STUBS, guard=on_main)
class EvalString_Knob(String_Knob):
    def evaluate(self) -> str:
        return self._expanded()

    def _expanded(self) -> str:
        """Supports only a few TCL expressions for paths and labels."""

        def answer(match: re.Match[str]) -> str:
            words = match[1].split()
            if words[:1] == ["getenv"]:
                return os.environ.get(words[1], "")
            if words[:2] == ["value", "root.name"]:
                return str(running().root["name"].value())
            if words[:1] == ["value"] and self._node is not None and len(words) == 2:
                return str(self._node[words[1]].value())
            raise NotModelledError(f"the TCL of [{match[1]}]")

        return _TCL.sub(answer, self._value)


@conforming(STUBS, guard=on_main)
class Multiline_Eval_String_Knob(EvalString_Knob):
    _of_user = 43


@conforming(STUBS, guard=on_main)
class File_Knob(EvalString_Knob):
    """``####`` is returned as ``%04d``."""

    _of_user = 2

    def value(self) -> str:
        return _HASHES.sub(lambda run: f"%0{len(run[0])}d", self._value)

    def getValue(self) -> str:
        return self.value()

    def getEvaluatedValue(self) -> str:
        return _HASHES.sub(lambda run: f"%0{len(run[0])}d", self._expanded())

    def setValue(self, value: str) -> None:
        self._set(value)


@conforming(STUBS, guard=on_main)
class Array_Knob(Knob):
    def _start(self) -> Any:
        return 0.0

    def _taken(self, value: Any) -> Any:
        if isinstance(value, str):
            words = value.strip("{}").split()
            value = [float(word) for word in words]
            value = value[0] if len(value) == 1 else value
        if isinstance(value, Sequence):
            return tuple(float(one) for one in value)
        return float(value)

    def _text(self) -> str:
        if isinstance(self._value, tuple):
            return "{" + " ".join(f"{one:g}" for one in self._value) + "}"
        return f"{self._value:.10g}"

    def value(self) -> Any:
        return self._value

    def getValue(self) -> Any:
        return self._value

    def setValue(self, value: Any) -> bool:
        return self._set(value)


@conforming(STUBS, guard=on_main)
class Double_Knob(Array_Knob):
    _of_user = 7


@conforming(STUBS, guard=on_main)
class AColor_Knob(Array_Knob):
    pass


@conforming(STUBS, guard=on_main)
class Int_Knob(Array_Knob):
    _of_user = 3

    def _start(self) -> int:
        return 0

    def _taken(self, value: Any) -> int:
        return int(value)

    def _text(self) -> str:
        return str(self._value)

    def value(self) -> int:
        return int(self._value)

    def setValue(self, value: int) -> bool:
        return self._set(value)


@conforming(STUBS, guard=on_main)
class Boolean_Knob(Array_Knob):
    _of_user = 6

    def __init__(self, name: str, label: str = "", value: bool = False) -> None:
        super().__init__(name, label)
        self._value = value

    def _start(self) -> bool:
        return False

    def _taken(self, value: Any) -> bool:
        return value == "true" if isinstance(value, str) else bool(value)

    def _text(self) -> str:
        return "true" if self._value else "false"

    def value(self) -> bool:
        return bool(self._value)

    def setValue(self, value: bool) -> bool:
        return self._set(value)


@conforming(STUBS, guard=on_main)
class Disable_Knob(Boolean_Knob):
    pass


@conforming(STUBS, guard=on_main)
class Unsigned_Knob(Array_Knob):
    def _start(self) -> int:
        return 0

    def _taken(self, value: Any) -> int:
        return int(value, 0) if isinstance(value, str) else int(value)

    def _text(self) -> str:
        return f"0x{self._value:x}"

    def value(self) -> int:
        return int(self._value)

    def setValue(self, value: int) -> bool:
        return self._set(value)


@conforming(STUBS, guard=on_main)
class ColorChip_Knob(Unsigned_Knob):
    pass


@conforming(STUBS, guard=on_main)
class Tab_Knob(Knob):
    _of_user = 20


@conforming(STUBS, guard=on_main)
class Text_Knob(Knob):
    _of_user = 26

    def __init__(self, name: str, label: str = "", value: str = "") -> None:
        super().__init__(name, label)
        self._value = value

    def value(self) -> str:
        return str(self._value)

    def setValue(self, value: str) -> None:
        self._set(value)


@conforming(STUBS, guard=on_main)
class Script_Knob(String_Knob):
    def command(self) -> str:
        return str(self._value)

    def value(self) -> str:
        return str(self._value)

    def setValue(self, value: str) -> None:
        self._set(value)


@conforming(STUBS, guard=on_main)
class PyScript_Knob(Script_Knob):
    _of_user = 22

    def __init__(self, name: str, label: str = "", command: str = "") -> None:
        super().__init__(name, label, command)

    def execute(self) -> None:
        """A person presses the button."""
        running().press_button(self)


@conforming(STUBS, guard=on_main)
class PyCustom_Knob(Script_Knob):
    def getObject(self) -> Any:
        return running().custom_object(self)
