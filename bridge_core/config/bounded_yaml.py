"""Loads YAML within limits that no configuration reaches.

With aliases, ten lines of YAML can expand to a billion values, and PyYAML recurses for each level
of nesting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

#: Size of a document in bytes; a studio's complete configuration has a few thousand.
MAX_BYTES = 256_000
#: Levels of nesting.
MAX_DEPTH = 20
#: Number of values after aliases are expanded.
MAX_VALUES = 20_000


class YamlLimitError(yaml.YAMLError):
    """A document exceeds the limits; ``problem`` and ``problem_mark`` as in PyYAML's errors."""

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
            raise YamlLimitError(f"it is nested more than {MAX_DEPTH} levels deep", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node is not None:
            _count_values(node, {}, ())
        return node


def _count_values(node: Any, counts: dict[int, int], ancestors: tuple[int, ...]) -> int:
    """Number of values of a node after its aliases are expanded."""
    if id(node) in ancestors:
        return 0  # a recursive value is refused when it is constructed
    if id(node) in counts:
        return counts[id(node)]
    inner = node.value if not isinstance(node, yaml.ScalarNode) else ()
    if isinstance(node, yaml.MappingNode):
        inner = [child for pair in node.value for child in pair]
    count = 1
    for child in inner:
        count += _count_values(child, counts, (*ancestors, id(node)))
        if count > MAX_VALUES:
            raise YamlLimitError(f"it has more than {MAX_VALUES} values", node.start_mark)
    counts[id(node)] = count
    return count


def read_bounded(path: Path) -> bytes:
    """The content of a file; of one that is too large, enough for :func:`load_yaml` to refuse it.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def parse_value(text: str) -> Any:
    """A value as YAML reads it; the text itself if it is not valid YAML."""
    try:
        return load_yaml(text)
    except (yaml.YAMLError, ValueError):
        return text


def load_yaml(text: str | bytes) -> Any:
    """Parse a document into plain values.

    :raises yaml.YAMLError: it is not valid YAML, or exceeds the limits (:class:`YamlLimitError`).
    :raises ValueError: an invalid date or number that matches YAML's patterns.
    """
    with open_loader(text) as loader:
        return loader.get_single_data()


@contextmanager
def open_loader(text: str | bytes) -> Iterator[BoundedYamlLoader]:
    loader = BoundedYamlLoader(text)
    try:
        yield loader
    finally:
        loader.dispose()
