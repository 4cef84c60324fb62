"""Writes into the user's own configuration file, one key at a time: comments, order and everything
else stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from bridge_core.config import yaml_file
from bridge_core.config.keys import keys, unknown
from bridge_core.config.layers import user_file
from bridge_core.errors import ConfigError, NotWritable


def set_own(key: str, value: str | int | None, environ: Mapping[str, str] | None = None) -> Path:
    """Give a key another value in the user's file, which is made where there is none; None takes
    the key out. It holds from the next :func:`bridge_core.config.load` on. Gives the file.

    :raises ConfigError: there is no such key, the value is wrong, or the file cannot be changed
        without losing something: a person has to do it.
    :raises NotWritable: the file cannot be written.
    """
    known = keys().get(key)
    problem = unknown(key) if known is None else ""
    if known is not None and value is not None:
        problem = known.check(value)
    path = user_file(environ)
    if problem:
        raise ConfigError(
            f"{key}: {json.dumps(value)}: {problem}", where=str(path), next_step="correct it"
        )
    before = yaml_file.read(path) if path.exists() else []
    text = path.read_text(encoding="utf-8") if before or path.exists() else ""
    _write(path, _changed(text, key, value, path), key, value, before)
    return path


def _write(path: Path, text: str, key: str, value: Any, before: list[yaml_file.Given]) -> None:
    """Write the file, after it was read back: nothing but the one key may be other."""
    part = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        wanted = {given.key: given.value for given in before}
        wanted.pop(key, None)
        if value is not None:
            wanted[key] = value
        if {given.key: given.value for given in yaml_file.read(part)} != wanted:
            raise _by_hand(path, key)
        part.replace(path)
    except OSError as error:
        raise NotWritable(
            f"your configuration cannot be written: {error.strerror or error}",
            where=str(path),
            next_step="check that you may write there and that the disk is not full",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _changed(text: str, key: str, value: Any, path: Path) -> str:
    import yaml

    from bridge_core.bounded_yaml import BoundedLoader

    section, _, name = key.rpartition(".")
    line = f"{name}: {json.dumps(value, ensure_ascii=False)}"
    root: Any = yaml.compose(text, Loader=BoundedLoader)
    if root is None:
        return text if value is None else f"{_ended(text)}{section}:\n  {line}\n"
    found = _child(root, section)
    if found is None:
        if value is None:
            return text
        if root.flow_style:
            raise _by_hand(path, key)
        return f"{_ended(text)}{section}:\n  {line}\n"
    label, inside = found
    if not isinstance(inside, yaml.MappingNode):  # the section is named and holds nothing
        end = label.end_mark.index + 1  # its colon
        return text if value is None else f"{text[:end]}\n  {line}{text[end:]}"
    if inside.flow_style:
        raise _by_hand(path, key)
    there = _child(inside, name)
    if there is None:
        if value is None:
            return text
        start = inside.value[0][0].start_mark
        return f"{text[: start.index]}{line}\n{' ' * start.column}{text[start.index :]}"
    start, end = there[0].start_mark.index, there[1].end_mark.index
    if value is not None:
        return f"{text[:start]}{line}{text[end:]}"
    return _without(text, start, end)


def _without(text: str, start: int, end: int) -> str:
    """Without the lines of a key. A section that is left with nothing says nothing."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    return text[:first] + (text[last + 1 :] if last >= 0 else "")


def _child(node: Any, name: str) -> tuple[Any, Any] | None:
    for key, value in node.value:
        if key.value == name:
            return key, value
    return None


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _by_hand(path: Path, key: str) -> ConfigError:
    return ConfigError(
        f"{key} cannot be changed without touching what stands around it",
        where=str(path),
        next_step="open the file and write it there",
    )
