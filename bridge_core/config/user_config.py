"""Changes single keys in the user's configuration file, and keeps comments and order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge_core.config import yaml_file
from bridge_core.config.loader import user_file
from bridge_core.config.setting_keys import setting_keys, unknown_key_message
from bridge_core.errors import ConfigError
from bridge_core.system.files import atomic_write, storage_errors


def set_user_setting(key: str, value: str | int | None) -> Path:
    """Set a key in the user's file, which is created if necessary; None removes the key. It applies
    from the next :func:`bridge_core.config.load_settings` on. Returns the file.

    :raises ConfigError: there is no such key, the value is not valid, or the file has to be edited
        by hand to keep the rest of it.
    :raises StorageError: the file cannot be written.
    """
    setting = setting_keys().get(key)
    problem = unknown_key_message(key) if setting is None else ""
    if setting is not None and value is not None:
        problem = setting.find_problem(value)
    path = user_file()
    if problem:
        message = f"{key}: {json.dumps(value)}: {problem}"
        raise ConfigError(message, where=str(path), next_step="correct it")
    before = yaml_file.read_config_file(path) if path.exists() else []
    text = path.read_text(encoding="utf-8") if before or path.exists() else ""
    _write_checked(path, _edit_text(text, key, value, path), key, value, before)
    return path


def _write_checked(
    path: Path, text: str, key: str, value: Any, before: list[yaml_file.ConfigValue]
) -> None:
    """Write the file after checking that only the one key has changed."""
    expected = {given.key: given.value for given in before if given.key != key}
    if value is not None:
        expected[key] = value
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")
        written = yaml_file.read_config_file(partial)
        if {given.key: given.value for given in written} != expected:
            raise _manual_edit_required(path, key)


def _edit_text(text: str, key: str, value: Any, path: Path) -> str:
    import yaml

    from bridge_core.config.bounded_yaml import BoundedYamlLoader

    section, _, name = key.rpartition(".")
    line = f"{name}: {json.dumps(value, ensure_ascii=False)}"
    root: Any = yaml.compose(text, Loader=BoundedYamlLoader)
    label, inside = _find_child(root, section)
    key_node, value_node = _find_child(inside, name)
    if value is None and key_node is None:
        return text
    if label is None:
        if root is not None and root.flow_style:
            raise _manual_edit_required(path, key)
        newline = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{newline}{section}:\n  {line}\n"
    if not isinstance(inside, yaml.MappingNode):  # the section is empty
        end = label.end_mark.index + 1  # after its colon
        return f"{text[:end]}\n  {line}{text[end:]}"
    if inside.flow_style:
        raise _manual_edit_required(path, key)
    if key_node is None:
        start = inside.value[0][0].start_mark
        return f"{text[: start.index]}{line}\n{' ' * start.column}{text[start.index :]}"
    start, end = key_node.start_mark.index, value_node.end_mark.index
    if value is not None:
        return f"{text[:start]}{line}{text[end:]}"
    return _remove_lines(text, start, end)


def _remove_lines(text: str, start: int, end: int) -> str:
    """Remove the lines of a key. Its section may be left empty, which is valid."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    return text[:first] + (text[last + 1 :] if last >= 0 else "")


def _find_child(node: Any, name: str) -> tuple[Any, Any]:
    """The nodes of a key and its value; None where ``node`` has no such key."""
    import yaml

    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((pair for pair in pairs if pair[0].value == name), (None, None))


def _manual_edit_required(path: Path, key: str) -> ConfigError:
    message = f"{key} cannot be changed without changing other parts of the file"
    return ConfigError(message, where=str(path), next_step="edit the file by hand")
