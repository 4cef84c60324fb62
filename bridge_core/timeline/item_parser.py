"""Parse a timeline's JSON without the items of its tracks, which are parsed one by one when used.

The JSON of ten thousand clips is seventy thousand objects for the garbage collector, whose full
passes over them take a fifth of the time of reading a cut and hold up every thread of the host. An
item that is parsed alone is freed before the next.

To find where a track's items end without parsing them, a file must be indented, as OTIO writes it.
That each track does end there is checked when its items are parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from bridge_core.system.pacing import make_pause

_SPACE = re.compile(r"[ \t\n\r]*")


class ItemByItemError(Exception):
    """A document cannot be read item by item: it is damaged, or has to be parsed as a whole."""


class UnparsedItems:
    """The items of a track. Each iteration parses them again.

    :raises ItemByItemError: when iterated, if the text is not JSON or the track ends elsewhere.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end
        self._is_checked = False

    def __iter__(self) -> Iterator[Any]:
        text, position, separator = self._text, self._start, ","
        parse = json.JSONDecoder(object_hook=make_pause()).raw_decode
        skip_space = _SPACE.match
        while separator == ",":
            try:
                item, position = parse(text, skip_space(text, position).end())  # type: ignore[union-attr]
            except (ValueError, RecursionError) as error:
                raise ItemByItemError from error
            yield item
            position = skip_space(text, position).end()  # type: ignore[union-attr]
            separator = text[position : position + 1]
            position += 1
        if separator != "]" or position != self._end:
            raise ItemByItemError
        self._is_checked = True

    def check(self) -> None:
        """Parse the items, unless all of them have been.

        :raises ItemByItemError: as when iterated.
        """
        if not self._is_checked:
            for _ in self:
                pass


def parse_outline(text: str) -> tuple[Any, list[UnparsedItems]]:
    """A file's root object, and the items in its tracks that are not parsed yet.

    :raises ItemByItemError: the file is not indented JSON.
    """
    parser = _OutlineParser(text)
    try:
        return parser.parse_timeline(), parser.unparsed
    except (ValueError, RecursionError) as error:
        raise ItemByItemError from error


class _OutlineParser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._decode = json.JSONDecoder(object_hook=make_pause()).raw_decode
        self.unparsed: list[UnparsedItems] = []

    def parse_timeline(self) -> Any:
        timeline = self._parse_object("tracks", self._parse_stack)
        self._skip_space()
        if self._position != len(self._text):
            raise ValueError("there is more text after the timeline")
        return timeline

    def _parse_stack(self) -> Any:
        return self._parse_object("children", self._parse_tracks)

    def _parse_tracks(self) -> Any:
        return [self._parse_track() for _ in self._elements("[", "]")]

    def _parse_track(self) -> Any:
        return self._parse_object("children", self._parse_items)

    def _parse_items(self) -> list[Any] | UnparsedItems:
        text, key = self._text, self._text.rfind('"children"', 0, self._position)
        indent = text[text.rfind("\n", 0, key) : key]
        self._expect("[")
        if self._accept("]"):
            return []
        if not indent.startswith("\n") or indent.strip():
            raise ValueError("the file is not indented")
        start = end = self._position
        while not text.endswith(indent, start, end - 1):
            # One character is found far sooner than a line of spaces.
            end = text.index("]", end) + 1
        self._position = end
        self.unparsed.append(UnparsedItems(text, start, end))
        return self.unparsed[-1]

    def _parse_object(self, key: str, parse_value: Callable[[], Any]) -> dict[str, Any]:
        """An object in which the value of ``key`` is parsed by ``parse_value``."""
        node = {}
        for _ in self._elements("{", "}"):
            name = self._parse_value()
            if not isinstance(name, str):
                raise ValueError("a key is not a string")
            self._expect(":")
            node[name] = parse_value() if name == key else self._parse_value()
        return node

    def _elements(self, opening: str, closing: str) -> Iterator[None]:
        """Stop at every element of an object or array, which is parsed in between."""
        self._expect(opening)
        if self._accept(closing):
            return
        yield
        while self._accept(","):
            yield
        self._expect(closing)

    def _parse_value(self) -> Any:
        self._skip_space()
        value, self._position = self._decode(self._text, self._position)
        return value

    def _expect(self, character: str) -> None:
        if not self._accept(character):
            raise ValueError(f"{character} is missing")

    def _accept(self, character: str) -> bool:
        self._skip_space()
        if not self._text.startswith(character, self._position):
            return False
        self._position += 1
        return True

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._position)
        assert match is not None  # it matches nothing as well
        self._position = match.end()
