"""The text of scripts: TCL commands, one per node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nuke_fake import node_classes
from nuke_fake.choice_knobs import BY_USER, Enumeration_Knob
from nuke_fake.knobs import Knob, PyScript_Knob, Tab_Knob, Text_Knob

if TYPE_CHECKING:
    from nuke_fake.nodes import Node

_PLAIN = re.compile(r"[\w./%:+-]+")
_NUMBERS = re.compile(r"\{[-\d.e ]+\}")


def quoted(value: str) -> str:
    """A word of TCL."""
    if _PLAIN.fullmatch(value) or _NUMBERS.fullmatch(value):
        return value
    return '"' + re.sub(r'([\\"\[\]{}$])', r"\\\1", value).replace("\n", "\\n") + '"'


def block(node: Node, kind: str) -> list[str]:
    """The saved form of a node: knobs that differ from their default, then user knobs."""
    lines = [f"{kind} {{"]
    if len(node._inputs) != 1 or kind in node_classes.NO_INPUT:
        lines.append(f" inputs {len(node._inputs)}")
    for name, knob in node._knobs.items():
        if knob._by_user:
            lines.append(f" addUserKnob {{{_declared(knob)}}}")
        declared_only = isinstance(knob, PyScript_Knob | Text_Knob | Tab_Knob)
        changed = knob._value != knob._default or knob._by_user or name == "name"
        if changed and not declared_only:
            lines.append(f" {name} {quoted(knob._text())}")
    return [*lines, "}"]


def _declared(knob: Knob) -> str:
    words = [str(knob._of_user), knob._name, "l", quoted(knob._label)]
    if isinstance(knob, Enumeration_Knob):
        words += ["M", "{" + " ".join(quoted(one) for one in knob._items) + "}"]
    if isinstance(knob, PyScript_Knob | Text_Knob):
        words += ["T", quoted(knob._value)]
    return " ".join([*words, *(f"+0x{flag:x}" for flag in sorted(knob._flags))])


def fill(node: Node, body: str) -> int:
    """Set a node's knobs from its block; returns its number of inputs."""
    inputs = 0 if node._kind in node_classes.NO_INPUT else 1
    pairs = words(body)
    name_at = next((i for i in range(0, len(pairs) - 1, 2) if pairs[i] == "file_type"), None)
    if name_at is not None:
        node["file_type"]._set(pairs[name_at + 1])
    for name, value in zip(pairs[0::2], pairs[1::2], strict=True):
        if name == "inputs":
            inputs = int(value)
        elif name == "addUserKnob":
            _declare(node, words(value))
        else:
            knob = node[name]
            knob._read(value)
            if name == "file" and node._kind == "Write":
                node._knobs_by_file_type(knob)
    return inputs


def _declare(node: Node, declared: list[str]) -> None:
    kind, name, rest = BY_USER[int(declared[0])], declared[1], declared[2:]
    facts = dict(zip(rest[0::2], rest[1::2], strict=False))
    label = facts.get("l", name)
    knob: Knob
    if issubclass(kind, Enumeration_Knob):
        knob = kind(name, label, words(facts["M"]))
    elif issubclass(kind, PyScript_Knob | Text_Knob):
        knob = kind(name, label, facts.get("T", ""))
    else:
        knob = kind(name, label)
    knob._flags = {int(word[3:], 16) for word in declared if word.startswith("+0x")}
    knob._by_user = True
    node._add_knob(knob)


def commands(written: str) -> Iterator[list[str]]:
    """Each command's words."""
    at, line = 0, ""
    while at < len(written):
        end = written.find("\n", at)
        end = len(written) if end < 0 else end
        line += written[at:end]
        at = end + 1
        if _depth(line):
            line += "\n"
            continue
        if line.strip() and not line.startswith("#"):
            yield words(line)
        line = ""


def _depth(line: str) -> int:
    """The number of open braces; those in quotes and after a backslash are text."""
    depth, inside, at = 0, False, 0
    while at < len(line):
        letter = line[at]
        if letter == "\\":
            at += 1
        elif letter == '"':
            inside = not inside
        elif not inside:
            depth += {"{": 1, "}": -1}.get(letter, 0)
        at += 1
    return depth


def words(line: str) -> list[str]:
    """Split at spaces, except inside braces, quotes and ``[...]``."""
    found: list[str] = []
    at = 0
    while at < len(line):
        letter = line[at]
        if letter.isspace():
            at += 1
        elif letter == "{":
            end = _closing(line, at)
            found.append(line[at + 1 : end])
            at = end + 1
        elif letter == '"':
            word, at = _quoted(line, at + 1)
            found.append(word)
        else:
            end = at
            while end < len(line) and not line[end].isspace():
                end = line.index("]", end) if line[end] == "[" else end
                end += 1
            found.append(line[at:end])
            at = end
    return found


def _closing(line: str, start: int) -> int:
    depth, inside, at = 0, False, start
    while True:
        letter = line[at]
        if letter == "\\":
            at += 1
        elif letter == '"':
            inside = not inside
        elif not inside and letter in "{}":
            depth += 1 if letter == "{" else -1
            if not depth:
                return at
        at += 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    word = ""
    while line[at] != '"':
        if line[at] == "\\":
            at += 1
            word += {"n": "\n"}.get(line[at], line[at])
        else:
            word += line[at]
        at += 1
    return word, at + 1
