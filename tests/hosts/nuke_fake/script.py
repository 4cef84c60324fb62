"""The open script: nodes, undo steps, and whether it is modified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nuke_fake import script_text
from nuke_fake.nodes import Group, Node, Root, in_order, node_class

if TYPE_CHECKING:
    from nuke_fake.program import FakeNuke


class FakeScript:
    def __init__(self, nuke: FakeNuke) -> None:
        self._nuke = nuke
        self.nodes: list[Node] = []
        self.modified = False
        self.undos: list[tuple[str, list[Callable[[], None]]]] = []
        self.disabled = 0
        self._open: list[tuple[str, list[Callable[[], None]]]] = []
        self._undoing = False
        with self.without_undo():
            self.root = Root(self, "Root", None)
        self.contexts: list[Group] = [self.root]

    @contextmanager
    def without_undo(self) -> Iterator[None]:
        """Disable undo while a script is read."""
        modified, self.disabled = self.modified, self.disabled + 1
        try:
            yield
        finally:
            self.modified, self.disabled = modified, self.disabled - 1

    # Undo

    def record_undo(self, undo: Callable[[], None]) -> None:
        """Record a change; ``undo`` reverts it."""
        if self._undoing:
            return
        self.modified = True
        if self.disabled:
            return
        if self._open:
            self._open[-1][1].append(undo)
        else:
            self.undos.append(("", [undo]))

    def begin(self, name: str) -> None:
        self._open.append((name, []))

    def name(self, name: str) -> None:
        self._open[-1] = (name, self._open[-1][1])

    def end(self) -> None:
        name, done = self._open.pop()
        if not done:
            return
        if self._open:
            self._open[-1][1].extend(done)
        else:
            self.undos.append((name, done))

    def cancel(self) -> None:
        if self._open:
            self._revert(self._open.pop()[1])

    def undo(self) -> None:
        self._revert(self.undos.pop()[1])
        self.modified = True

    def _revert(self, done: list[Callable[[], None]]) -> None:
        self._undoing = True
        try:
            for one in reversed(done):
                one()
        finally:
            self._undoing = False

    # Nodes

    def add(self, kind: str, name: str = "") -> Node:
        """Add a node of a class to the current group."""
        parent = self.contexts[-1]
        node = node_class(kind)(self, kind, parent)
        node["name"]._value = name or self.free_name(kind.rstrip("0123456789"), parent)
        if kind in ("Constant", "CheckerBoard2"):
            node["format"]._value = self.root["format"]._value
        self.nodes.append(node)
        self.record_undo(lambda: self._forget(node))
        return node

    def delete(self, node: Node) -> None:
        at = self.nodes.index(node)
        feeds = [(other, i) for other in self.nodes for i, one in enumerate(other._inputs)
                 if one is node]  # fmt: skip
        for other, i in feeds:
            other._inputs[i] = None
        self.nodes.remove(node)
        node._is_deleted = True

        def undo() -> None:
            self.nodes.insert(at, node)
            node._is_deleted = False
            for other, i in feeds:
                other._inputs[i] = node

        self.record_undo(undo)

    def _forget(self, node: Node) -> None:
        self.nodes.remove(node)
        node._is_deleted = True

    def find_node(self, name: str, parent: Node | None) -> Node | None:
        first, _, rest = name.partition(".")
        found = next(
            (n for n in self.nodes if n._parent is parent and n._knobs["name"]._value == first),
            None,
        )
        return self.find_node(rest, found) if rest and found is not None else found

    def free_name(self, stem: str, parent: Node | None) -> str:
        number = 1
        while self.find_node(f"{stem}{number}", parent) is not None:
            number += 1
        return f"{stem}{number}"

    # Files

    def save(self, path: Path) -> None:
        with self.without_undo():
            self.root["name"]._set(str(path))
        path.write_text(self.as_text(), encoding="utf-8")
        self.modified = False

    def as_text(self) -> str:
        lines = ["#! Nuke -nx", "version 16.0 v1", *script_text.block(self.root, "Root")]
        return "\n".join([*lines, *self._lines(self.root)]) + "\n"

    def _lines(self, group: Group) -> list[str]:
        lines: list[str] = []
        names: dict[Node, str] = {}
        for node in in_order(n for n in self.nodes if n._parent is group):
            for one in reversed(node._inputs):
                lines.append(f"push ${names[one]}" if one is not None else "push 0")
            lines += script_text.block(node, node._kind)
            if isinstance(node, Group):
                lines += [*self._lines(node), "end_group"]
            names[node] = f"N{self.nodes.index(node)}"
            lines.append(f"set {names[node]} [stack 0]")
        return lines

    def read(self, written: str) -> None:
        """Add the nodes of a script's text."""
        stack: list[Node | None] = []
        named: dict[str, Node | None] = {}
        stacks: list[list[Node | None]] = []
        with self.without_undo():
            for words in script_text.commands(written):
                command, rest = words[0], words[1:]
                if command == "version":
                    continue
                if command == "set":
                    named[f"${rest[0]}"] = stack[-1]
                elif command == "push":
                    stack.append(named.get(rest[0]))
                elif command == "end_group":
                    self.contexts.pop()
                    stack = stacks.pop()
                elif command == "Root":
                    script_text.fill(self.root, rest[0])
                else:
                    node = self.add(command)
                    for at in range(script_text.fill(node, rest[0])):
                        node.setInput(at, stack.pop())
                    stack.append(node)
                    if isinstance(node, Group):
                        self.contexts.append(node)
                        stacks.append(stack)
                        stack = []

    def snapshot(self) -> list[tuple[Any, ...]]:
        """The whole state for comparison: nodes, knobs, connections, selection."""
        return [
            (
                node._kind,
                node._full_name(),
                tuple(one._full_name() if one else None for one in node._inputs),
                tuple((name, knob._text()) for name, knob in node._knobs.items()),
            )
            for node in [self.root, *self.nodes]
        ]
