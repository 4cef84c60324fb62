"""Knobs with choices: menus, colour spaces, channels, formats; and the table of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stubs import conforming

from nuke_fake import knobs
from nuke_fake.api import STUBS, on_main, running
from nuke_fake.knobs import Knob, Unsigned_Knob


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
        width, height, left, bottom, right, top = map(int, words[:6])
        made = cls(width, height, left, bottom, right, top, float(words[6]))
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
class Enumeration_Knob(Unsigned_Knob):
    """Refuses unknown values, which Nuke ignores."""

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
            self._node._record_undo(lambda: self._put_back(before, value))
        if self._value not in self._items:
            self._set(self._items[0])

    def _put_back(self, items: list[str], value: str) -> None:
        self._items, self._value = items, value

    def numValues(self) -> int:
        return len(self._items)


@conforming(STUBS, guard=on_main)
class CascadingEnumeration_Knob(Enumeration_Knob):
    """A menu of colour spaces: those of the script's colour management."""

    def __init__(self, name: str, label: str = "", items: Sequence[str] = ("default",)) -> None:
        super().__init__(name, label, items)

    @property
    def _items(self) -> list[str]:
        return running().colour_spaces()

    @_items.setter
    def _items(self, items: list[str]) -> None:
        """From the config, not set on this knob."""

    def _start(self) -> str:
        return "default"

    def _taken(self, value: Any) -> str:
        names = [item.partition("\t")[0] for item in self._items]
        if value not in names:
            raise ValueError(f"{self._name} has no {value!r}, only {names}")
        return str(value)


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


KINDS: dict[str, type[Knob]] = {
    kind.__name__: kind
    for kind in (*vars(knobs).values(), *vars().copy().values())
    if isinstance(kind, type) and issubclass(kind, Knob)
}
BY_USER = {kind._of_user: kind for kind in KINDS.values() if vars(kind).get("_of_user")}
