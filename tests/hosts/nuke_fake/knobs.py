"""Knobs: values of a node, with their kinds, flags and the text that scripts keep them as."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stubs import NotModelled, conforming

from nuke_fake.api import STUBS, on_main, running

if TYPE_CHECKING:
    from nuke_fake.nodes import Node

_HASHES = re.compile(r"#+")
_TCL = re.compile(r"\[([^\]]*)\]")


@conforming(STUBS)
class Format:
    def __init__(
        self, width: int, height: int, x: int, y: int, r: int, t: int, pixelAspect: float
    ) -> None:
        self._size = (width, height)
        self._box = (x, y, r, t)
        self._aspect = float(pixelAspect)
        self._name = ""

    @classmethod
    def _of(cls, text: str) -> Format:
        """``2048 858 0 0 2048 858 1 NAME``."""
        words = text.split(" ", 7)
        numbers = [int(word) for word in words[:6]]
        made = cls(*numbers, float(words[6]))  # type: ignore[arg-type]
        made._name = words[7].strip() if len(words) > 7 else ""
        return made

    def _text(self) -> str:
        numbers = (*self._size, *self._box)
        return f"{' '.join(map(str, numbers))} {self._aspect:g} {self._name}".strip()

    def name(self) -> str:
        return self._name

    def width(self) -> int:
        return self._size[0]

    def height(self) -> int:
        return self._size[1]

    def pixelAspect(self) -> float:
        return self._aspect


@conforming(STUBS, guard=on_main)
class Knob:
    """A value that belongs to a node, or to nobody yet."""

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
        """A value as the knob keeps it."""
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


#: Bits as in NDK's Knobs.h; only that they differ matters here.
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
        """Only the few TCL expressions that paths and labels have here."""

        def answer(match: re.Match[str]) -> str:
            words = match[1].split()
            if words[:1] == ["getenv"]:
                return os.environ.get(words[1], "")
            if words[:2] == ["value", "root.name"]:
                return str(running().root["name"].value())
            if words[:1] == ["value"] and self._node is not None and len(words) == 2:
                return str(self._node[words[1]].value())
            raise NotModelled(f"the TCL of [{match[1]}]")

        return _TCL.sub(answer, self._value)


@conforming(STUBS, guard=on_main)
class Multiline_Eval_String_Knob(EvalString_Knob):
    _of_user = 43


@conforming(STUBS, guard=on_main)
class File_Knob(EvalString_Knob):
    """``####`` is given back as ``%04d``."""

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
class Enumeration_Knob(Unsigned_Knob):
    """Refuses a value that it does not have; Nuke's keeps the old one, which no plugin wants."""

    _of_user = 4

    def __init__(self, name: str, label: str, items: Sequence[str]) -> None:
        self._items = [str(item) for item in items]
        super().__init__(name, label)

    def _start(self) -> str:
        return self._items[0] if self._items else ""

    def _taken(self, value: Any) -> str:
        if isinstance(value, int):
            return self._items[value]
        if value not in self._items:
            raise ValueError(f"{self._name} has no {value!r}, only {self._items}")
        return str(value)

    def _text(self) -> str:
        return str(self._value)

    def value(self) -> str:
        return str(self._value)

    def getValue(self) -> float:
        return float(self._items.index(self._value))

    def setValue(self, value: str | int) -> None:
        self._set(value)

    def values(self) -> list[str]:
        return list(self._items)

    def setValues(self, items: Sequence[str]) -> None:
        before, value = list(self._items), self._value
        self._items = [str(item) for item in items]
        if self._node is not None:
            self._node._did(lambda: self._put_back(before, value))
        if self._value not in self._items:
            self._set(self._items[0])

    def _put_back(self, items: list[str], value: str) -> None:
        self._items, self._value = items, value

    def numValues(self) -> int:
        return len(self._items)


@conforming(STUBS, guard=on_main)
class CascadingEnumeration_Knob(Enumeration_Knob):
    """A choice of colour spaces: those of the script's colour management."""

    def __init__(self, name: str, label: str = "", items: Sequence[str] = ("default",)) -> None:
        super().__init__(name, label, items)

    @property
    def _items(self) -> list[str]:
        return running().colour_spaces()

    @_items.setter
    def _items(self, items: list[str]) -> None:
        """They are the config's, not this knob's."""

    def _start(self) -> str:
        return "default"


@conforming(STUBS, guard=on_main)
class Channel_Knob(Knob):
    def value(self) -> str:
        return str(self._value)

    def setValue(self, value: str) -> None:
        self._set(value)


@conforming(STUBS, guard=on_main)
class ChannelMask_Knob(Channel_Knob):
    pass


@conforming(STUBS, guard=on_main)
class Shuffle2Mappings_Knob(Knob):
    def _taken(self, value: Any) -> tuple[tuple[int, str, str], ...]:
        if isinstance(value, str):
            words = value.split()
            triples = zip(words[0::3], words[1::3], words[2::3], strict=True)
            return tuple((int(number), source, to) for number, source, to in triples)
        return tuple(tuple(one) for one in value)

    def _text(self) -> str:
        return " ".join(str(word) for one in self._value for word in one)

    def value(self) -> list[tuple[int, str, str]]:
        return list(self._value)

    def setValue(self, mappings: Sequence[tuple[int, str, str]]) -> None:
        self._set(mappings)


@conforming(STUBS, guard=on_main)
class Format_Knob(Knob):
    def _taken(self, value: Any) -> Format:
        if isinstance(value, Format):
            return value
        if value[:1].isdigit() and " " in value:
            return running()._format(value)
        found = next((f for f in running().formats_known if f.name() == value), None)
        if found is None:
            raise ValueError(f"there is no format {value!r}")
        return found

    def _text(self) -> str:
        return str(self._value._text())

    def value(self) -> Format:
        found = self._value
        assert isinstance(found, Format)
        return found

    def setValue(self, value: Format | str) -> bool:
        return self._set(value)


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
        running().press(self)


@conforming(STUBS, guard=on_main)
class PyCustom_Knob(Script_Knob):
    def getObject(self) -> Any:
        return running().custom_object(self)


KINDS: dict[str, type[Knob]] = {
    kind.__name__: kind
    for kind in vars().copy().values()
    if isinstance(kind, type) and issubclass(kind, Knob)
}
BY_USER = {kind._of_user: kind for kind in KINDS.values() if vars(kind).get("_of_user")}
