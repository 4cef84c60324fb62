"""Merges the layers of the configuration and records where each value came from."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from bridge_core.config import yaml_file
from bridge_core.config.setting_keys import (
    SettingKey,
    format_value,
    mask_password,
    setting_keys,
    setting_sections,
    unknown_key_message,
)
from bridge_core.config.yaml_file import ConfigValue
from bridge_core.errors import ConfigError
from bridge_core.models.settings import Settings
from bridge_core.models.shots import sanitise_name

#: Environment variables with settings: ``SHOTBRIDGE__CLIENT__URL`` is ``client.url``.
VARIABLE_PREFIX = "SHOTBRIDGE__"
#: Variable with the site's configuration files, separated as in ``PATH``.
SITE_VARIABLE = "SHOTBRIDGE_CONFIG"


class ConfigLayer(StrEnum):
    """Where a value can come from. Later layers override earlier ones."""

    DEFAULT = "default"
    SITE = "site"
    SHOW = "show"
    USER = "user"
    ENVIRONMENT = "environment"
    ARGUMENTS = "arguments"


@dataclass(frozen=True)
class SettingOrigin:
    layer: ConfigLayer
    where: str = ""
    """``file:line``, the variable or the argument; empty for a default."""

    def __str__(self) -> str:
        return f"{self.layer} ({self.where})" if self.where else str(self.layer)


class SettingRow(NamedTuple):
    """A row of ``shotbridge config show``; passwords in URLs are masked in ``value``."""

    key: str
    value: Any
    origin: SettingOrigin


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, and the origin of each by dotted key."""

    settings: Settings
    origins: Mapping[str, SettingOrigin]
    files: tuple[Path, ...]
    """The configuration files that were read; later ones override earlier ones."""

    def rows(self) -> tuple[SettingRow, ...]:
        """All keys, in the order of docs/configuration.md."""
        return tuple(
            SettingRow(name, mask_password(_setting_value(self.settings, name)), self.origins[name])
            for name in setting_keys()
        )


def load_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    show: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> LoadedSettings:
    """Load the configuration.

    ``arguments`` are by dotted key; text values are parsed as in an environment variable. ``show``
    is the show whose configuration is read, else ``work.show``. ``environ`` replaces the process's
    environment.

    :raises ConfigError: it lists all problems of a layer with file, line, key, value and what is
        accepted, also in ``details["problems"]``.
    """
    environ = os.environ if environ is None else environ
    site_files, user = _site_files(environ), user_file(environ)
    user_files = [user] if user.exists() else []
    given = {
        ConfigLayer.SITE: _checked(_from_files(site_files)),
        ConfigLayer.USER: _checked(_from_files(user_files)),
        ConfigLayer.ENVIRONMENT: _checked(_from_environment(environ)),
        ConfigLayer.ARGUMENTS: _checked(_from_arguments(arguments or {})),
    }
    # The others select the show.
    show_files = _show_files(itertools.chain.from_iterable(given.values()), show)
    given[ConfigLayer.SHOW] = _checked(_from_files(show_files))
    _checked(_reject_in_show(given[ConfigLayer.SHOW]))
    values: dict[str, Any] = {}
    origins = {name: SettingOrigin(ConfigLayer.DEFAULT) for name in setting_keys()}
    for layer in ConfigLayer:
        for item in given.get(layer, ()):
            values[item.key] = item.value
            origins[item.key] = SettingOrigin(layer, item.where)
    files = (*site_files, *show_files, *user_files)
    return LoadedSettings(Settings.model_validate(_nested(values)), origins, files)


def user_file(environ: Mapping[str, str] | None = None) -> Path:
    """The user's configuration file, which may not exist."""
    environ = os.environ if environ is None else environ
    if sys.platform == "win32":
        home = environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Application Support"
    else:
        home = environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "shotbridge" / "config.yaml"


def _site_files(environ: Mapping[str, str]) -> list[Path]:
    texts = environ.get(SITE_VARIABLE, "").split(os.pathsep)
    paths = [Path(text).expanduser().absolute() for text in texts if text]
    missing = [path for path in paths if not path.exists()]
    if missing:
        message = f"{SITE_VARIABLE} lists a file that does not exist"
        next_step = f"correct {SITE_VARIABLE}, or create the file"
        raise ConfigError(message, where=", ".join(map(str, missing)), next_step=next_step)
    return paths


def _show_files(values: Iterable[ConfigValue], show: str | None) -> list[Path]:
    """The show's configuration file, if it has one."""
    named = {item.key: item for item in values}
    template = named["work.show_config"].value if "work.show_config" in named else None
    if show is None and "work.show" in named:
        show = named["work.show"].value
    if template is None or show is None:
        return []
    if not show or sanitise_name(show, default="") != show:
        raise ConfigError(
            f"{show!r} is not a valid show name: it cannot be a folder name",
            where=named["work.show"].where if "work.show" in named else "argument show",
            next_step="use the name of the show's folder",
        )
    path = Path(str(template).replace("{show}", show))
    return [path] if path.exists() else []


def _reject_in_show(values: Iterable[ConfigValue]) -> Iterator[ConfigValue]:
    for item in values:
        if item.key.startswith("gateway."):
            problem = "it cannot be set by a show: all shows share one gateway"
            yield replace(item, problem=problem)
        elif item.key in ("work.show", "work.show_config"):
            yield replace(item, problem="it cannot be set by a show: it selects the show")


def _from_files(paths: Iterable[Path]) -> Iterator[ConfigValue]:
    for path in paths:
        for item in yaml_file.read_config_file(path):
            yield _validate(item, path.parent)


def _from_environment(environ: Mapping[str, str]) -> Iterator[ConfigValue]:
    for variable in sorted(name for name in environ if name.startswith(VARIABLE_PREFIX)):
        name = variable.removeprefix(VARIABLE_PREFIX).replace("__", ".").lower()
        yield _validate(_from_text(name, environ[variable], variable), Path.cwd())


def _from_arguments(arguments: Mapping[str, Any]) -> Iterator[ConfigValue]:
    for name, value in arguments.items():
        where = f"argument {name}"
        item = ConfigValue(name, value, where)
        if isinstance(value, str):
            item = _from_text(name, value, where)
        yield _validate(item, Path.cwd())


def _from_text(name: str, text: str, where: str) -> ConfigValue:
    """Parse a value from a variable or a command line: verbatim for text and paths, else as YAML.
    A list of paths can be written as in ``PATH``, other lists as shell arguments."""
    key = setting_keys().get(name)
    if key is None or (key.is_text and text not in ("", "null")):
        return ConfigValue(name, text, where)
    if key.is_list and not text.lstrip().startswith("["):
        parts = text.split(os.pathsep) if key.is_path else _split_words(text)
        return ConfigValue(name, [part for part in parts if part], where)
    from bridge_core.config.bounded_yaml import parse_value

    return ConfigValue(name, parse_value(text), where)


def _split_words(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError:  # an unclosed quote
        return [text]


def _validate(item: ConfigValue, folder: Path) -> ConfigValue:
    """The value with its paths made absolute, or with its problem."""
    if item.problem:
        return item
    key = setting_keys().get(item.key)
    if key is None:
        is_section = item.key in setting_sections()
        problem = "it is a section; set its keys" if is_section else unknown_key_message(item.key)
        return replace(item, problem=problem)
    problem = key.find_problem(item.value)
    if problem:
        return replace(item, problem=problem)
    return replace(item, value=_resolve_paths(key, item.value, folder))


def _resolve_paths(key: SettingKey, value: Any, folder: Path) -> Any:
    """Make paths absolute, relative to the folder of their file."""
    if not key.is_path or value is None:
        return value
    if key.is_list:
        return tuple(folder / Path(item).expanduser() for item in value)
    return folder / Path(value).expanduser()


def _checked(values: Iterable[ConfigValue]) -> list[ConfigValue]:
    """The values of a layer.

    :raises ConfigError: some of them are wrong; it lists all of these.
    """
    checked = list(values)
    problems, texts = [], []
    for item in checked:
        if item.problem:
            value = format_value(item.value)
            problems.append({**asdict(item), "value": value})
            given = "" if item.value is None else f"{value}: "
            texts.append(f"{item.where}: {item.key}: {given}{item.problem}")
    if not problems:
        return checked
    count = "a setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    message = f"{count} wrong: {'; '.join(texts)}"
    next_step = "correct it; docs/configuration.md describes all keys"
    raise ConfigError(message, next_step=next_step, details={"problems": problems})


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        section = root
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    return root


def _setting_value(settings: Settings, name: str) -> Any:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value
