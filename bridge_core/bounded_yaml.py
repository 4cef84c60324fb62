"""Reads YAML that people write, within bounds.

YAML's aliases let ten lines stand for a billion values, and its reader calls itself for each level
of nesting. What is read here has a size, a depth and a number of values that no settings need.
"""

from __future__ import annotations

from typing import Any

import yaml

#: Bytes of a document; a studio's whole configuration has some thousand.
SIZE = 256_000
#: How deep values may stand in each other.
DEPTH = 20
#: Values, counted as often as aliases repeat them.
VALUES = 20_000


class TooMuch(yaml.YAMLError):
    """A document that goes beyond the bounds; ``problem`` and ``problem_mark`` as in YAML's own."""

    def __init__(self, problem: str, mark: Any = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = mark


class BoundedLoader(yaml.SafeLoader):
    def __init__(self, stream: str | bytes) -> None:
        if len(stream) > SIZE:
            raise TooMuch(f"the document has more than {SIZE} bytes")
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise TooMuch(f"values stand in each other deeper than {DEPTH}", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node is not None:
            _count(node, {}, ())
        return node


def _count(node: Any, known: dict[int, int], above: tuple[int, ...]) -> int:
    """How many values a node stands for, its aliases followed."""
    if id(node) in above:
        return 0  # a value that holds itself is refused by whoever makes something of it
    if id(node) in known:
        return known[id(node)]
    inner = node.value if not isinstance(node, yaml.ScalarNode) else ()
    if isinstance(node, yaml.MappingNode):
        inner = [one for pair in node.value for one in pair]
    count = 1
    for one in inner:
        count += _count(one, known, (*above, id(node)))
        if count > VALUES:
            raise TooMuch(f"it stands for more than {VALUES} values", node.start_mark)
    known[id(node)] = count
    return count


def load(text: str | bytes) -> Any:
    """What a document says, as plain values.

    :raises yaml.YAMLError: it is no YAML, or :class:`TooMuch`.
    :raises ValueError: a date or number that YAML's own patterns let pass.
    """
    loader = BoundedLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
