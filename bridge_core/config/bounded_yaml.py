"""Reads YAML that people write, within limits that no settings reach.

Ten lines of YAML stand for a billion values by means of aliases, and PyYAML recurses once for each
level of nesting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

#: Bytes of a document; a studio's whole configuration has a few thousand.
MAX_BYTES = 256_000
#: Levels of nesting.
MAX_DEPTH = 20
#: Values, counted as often as aliases repeat them.
MAX_VALUES = 20_000


class YamlLimitError(yaml.YAMLError):
    """A document beyond the limits; ``problem`` and ``problem_mark`` as in YAML's own errors."""

    def __init__(self, problem: str, mark: Any = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = mark


class BoundedYamlLoader(yaml.SafeLoader):
    def __init__(self, stream: str | bytes) -> None:
        if len(stream) > MAX_BYTES:
            raise YamlLimitError(f"the document has more than {MAX_BYTES} bytes")
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise YamlLimitError(f"it is nested deeper than {MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node is not None:
            _count_values(node, {}, ())
        return node


def _count_values(node: Any, counts: dict[int, int], ancestors: tuple[int, ...]) -> int:
    """How many values a node stands for, with its aliases resolved."""
    if id(node) in ancestors:
        return 0  # a value that contains itself is refused where it is constructed
    if id(node) in counts:
        return counts[id(node)]
    inner = node.value if not isinstance(node, yaml.ScalarNode) else ()
    if isinstance(node, yaml.MappingNode):
        inner = [one for pair in node.value for one in pair]
    count = 1
    for one in inner:
        count += _count_values(one, counts, (*ancestors, id(node)))
        if count > MAX_VALUES:
            raise YamlLimitError(f"it stands for more than {MAX_VALUES} values", node.start_mark)
    counts[id(node)] = count
    return count


def read_bounded(path: Path) -> bytes:
    """A file's content, or as much of it as :func:`load` needs to refuse it.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def load_yaml(text: str | bytes) -> Any:
    """What a document says, as plain values.

    :raises yaml.YAMLError: it is no YAML, or :class:`YamlLimitError`.
    :raises ValueError: a date or number that YAML's own patterns let pass.
    """
    loader = BoundedYamlLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
