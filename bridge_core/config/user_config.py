"""Changes single keys in the user's configuration file, and keeps comments and order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from bridge_core.config import yaml_file
from bridge_core.config.loader import user_file
from bridge_core.config.setting_keys import setting_keys, unknown_key_message
from bridge_core.errors import ConfigError, NotWritable


def set_user_setting(
    key: str, value: str | int | None, environ: Mapping[str, str] | None = None
) -> Path:
    """Set a key in the user's file, which is created if necessary; None removes the key. It applies
    from the next :func:`bridge_core.config.load_settings` on. Returns the file.

    :raises ConfigError: there is no such key, the value is not valid, or the file has to be edited
        by hand to keep the rest of it.
    :raises NotWritable: the file cannot be written.
    """
    setting = setting_keys().get(key)
    problem = unknown_key_message(key) if setting is None else ""
    if setting is not None and value is not None:
        problem = setting.find_problem(value)
    path = user_file(environ)
    if problem:
        raise ConfigError(
            f"{key}: {json.dumps(value)}: {problem}", where=str(path), next_step="correct it"
        )
    before = yaml_file.read_config_file(path) if path.exists() else []
    text = path.read_text(encoding="utf-8") if before or path.exists() else ""
    _write_checked(path, _edit_text(text, key, value, path), key, value, before)
    return path


def _write_checked(
    path: Path, text: str, key: str, value: Any, before: list[yaml_file.ConfigValue]
) -> None:
    """Write the file after checking that only the one key has changed."""
    temporary = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        expected = {given.key: given.value for given in before}
        expected.pop(key, None)
        if value is not None:
            expected[key] = value
        if {given.key: given.value for given in yaml_file.read_config_file(temporary)} != expected:
            raise _manual_edit_required(path, key)
        temporary.replace(path)
    except OSError as error:
        raise NotWritable(
            f"the user configuration cannot be written: {error.strerror or error}",
            where=str(path),
            next_step="check its permissions and that the disk is not full",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _edit_text(text: str, key: str, value: Any, path: Path) -> str:
    import yaml

    from bridge_core.config.bounded_yaml import BoundedYamlLoader

    section, _, name = key.rpartition(".")
    line = f"{name}: {json.dumps(value, ensure_ascii=False)}"
    root: Any = yaml.compose(text, Loader=BoundedYamlLoader)
    if root is None:
        return text if value is None else f"{_end_with_newline(text)}{section}:\n  {line}\n"
    section_node = _find_child(root, section)
    if section_node is None:
        if value is None:
            return text
        if root.flow_style:
            raise _manual_edit_required(path, key)
        return f"{_end_with_newline(text)}{section}:\n  {line}\n"
    label, inside = section_node
    if not isinstance(inside, yaml.MappingNode):  # the section is empty
        end = label.end_mark.index + 1  # after its colon
        return text if value is None else f"{text[:end]}\n  {line}{text[end:]}"
    if inside.flow_style:
        raise _manual_edit_required(path, key)
    key_node = _find_child(inside, name)
    if key_node is None:
        if value is None:
            return text
        start = inside.value[0][0].start_mark
        return f"{text[: start.index]}{line}\n{' ' * start.column}{text[start.index :]}"
    start, end = key_node[0].start_mark.index, key_node[1].end_mark.index
    if value is not None:
        return f"{text[:start]}{line}{text[end:]}"
    return _remove_lines(text, start, end)


def _remove_lines(text: str, start: int, end: int) -> str:
    """Remove the lines of a key. Its section may be left empty, which is valid."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    return text[:first] + (text[last + 1 :] if last >= 0 else "")


def _find_child(node: Any, name: str) -> tuple[Any, Any] | None:
    for key, value in node.value:
        if key.value == name:
            return key, value
    return None


def _end_with_newline(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _manual_edit_required(path: Path, key: str) -> ConfigError:
    return ConfigError(
        f"{key} cannot be changed without changing other parts of the file",
        where=str(path),
        next_step="edit the file by hand",
    )
