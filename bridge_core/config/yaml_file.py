"""Reads a YAML file into keys and values with their line numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge_core.config.setting_keys import setting_keys, setting_sections
from bridge_core.errors import ConfigError


@dataclass(frozen=True)
class ConfigValue:
    """The value of a key in a layer; ``problem`` says why it is not valid."""

    key: str
    value: Any
    where: str
    problem: str = ""


def read_config_file(path: Path) -> list[ConfigValue]:
    """The values in a file, in its order.

    :raises ConfigError: the file cannot be read, is not YAML, or is not a mapping. Problems with
        single keys are in :attr:`ConfigValue.problem`, so that all of them can be reported at once.
    """
    import yaml

    from bridge_core.config import bounded_yaml

    try:
        content = bounded_yaml.read_bounded(path)
    except OSError as error:
        message = f"the configuration file cannot be read: {error.strerror or error}"
        next_step = "check that it exists and its permissions"
        raise ConfigError(message, where=str(path), next_step=next_step) from error
    try:
        with bounded_yaml.open_loader(content) as loader:
            root = loader.get_single_node()
            if root is None:
                return []
            if not isinstance(root, yaml.MappingNode):
                raise ConfigError(
                    "a configuration file must have sections with keys",
                    where=f"{path}:{root.start_mark.line + 1}",
                    next_step="write it as `client:` with `retries: 2` indented below",
                )
            return list(_walk_mapping(loader, root, "", path))
    except yaml.YAMLError as error:
        raise _invalid_yaml(path, error) from error


def _walk_mapping(loader: Any, node: Any, prefix: str, path: Path) -> Iterator[ConfigValue]:
    import yaml

    lines_by_key: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        where = f"{path}:{line}"
        if not isinstance(key_node, yaml.ScalarNode):
            yield ConfigValue(prefix + "?", None, where, "a key must be a plain scalar")
            continue
        key = prefix + key_node.value
        if key in lines_by_key:
            yield ConfigValue(key, None, where, f"it is already set in line {lines_by_key[key]}")
            continue
        lines_by_key[key] = line
        if key not in setting_sections():
            yield _read_value(loader, key, value_node, where)
        elif isinstance(value_node, yaml.MappingNode):
            yield from _walk_mapping(loader, value_node, f"{key}.", path)
        elif value_node.tag != "tag:yaml.org,2002:null":
            yield ConfigValue(key, None, where, "it is a section; set its keys")


def _read_value(loader: Any, key: str, node: Any, where: str) -> ConfigValue:
    import yaml

    if key not in setting_keys():
        return ConfigValue(key, node.value if isinstance(node, yaml.ScalarNode) else None, where)
    try:
        return ConfigValue(key, loader.construct_object(node, deep=True), where)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # ValueError: dates such as 2026-99-99, which match YAML's pattern.
        reason = getattr(error, "problem", None) or str(error)
        return ConfigValue(key, None, where, f"its value cannot be read: {reason}")


def _invalid_yaml(path: Path, error: Exception) -> ConfigError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    next_step = "correct this line, or the one above it"
    return ConfigError(f"this is not valid YAML: {reason}", where=where, next_step=next_step)
