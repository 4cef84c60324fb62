"""The hosts that are installed with Shotbridge: nothing else names one.

A host is registered in one of two ways:

- a folder ``<name>/bridge_<name>`` in the folder of plugins, with a ``descriptor.py`` that has a
  :class:`~bridge_core.hosts.descriptor.HostDescriptor` called ``HOST``;
- an entry point of the group ``bridge_core.hosts`` in a package of its own, whose value is such a
  descriptor.

The folder needs no metadata, because rez and the bundle copy it as it is. Descriptors are loaded
when a command needs them, by the command line only.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from bridge_core.errors import ConfigError, ShotbridgeError
from bridge_core.hosts.descriptor import HostDescriptor
from bridge_core.hosts.plugin_folders import plugin_names, plugins_folder

ENTRY_POINT_GROUP = "bridge_core.hosts"


@dataclass(frozen=True, slots=True)
class RegisteredHosts:
    """Descriptors by name, and the registrations that could not be loaded."""

    hosts: Mapping[str, HostDescriptor]
    problems: tuple[ConfigError, ...] = ()


def registered_hosts(environ: Mapping[str, str] | None = None) -> RegisteredHosts:
    """All hosts, those of the folder of plugins first. A registration that fails becomes a problem
    and hides no other host."""
    hosts: dict[str, HostDescriptor] = {}
    problems: list[ConfigError] = []
    for loaded in (*_hosts_in_folder(environ), *_hosts_of_entry_points()):
        if isinstance(loaded, HostDescriptor) and loaded.name in hosts:
            loaded = ConfigError(
                f"there are two hosts called {loaded.name}; this one is not used",
                where=str(loaded.package_folder),
                next_step="uninstall one of them",
            )
        if isinstance(loaded, ConfigError):
            problems.append(loaded)
        else:
            hosts[loaded.name] = loaded
    return RegisteredHosts(hosts, tuple(problems))


def get_host(name: str) -> HostDescriptor:
    """The descriptor of a host.

    :raises ConfigError: there is no such host, or it cannot be loaded.
    """
    registered = registered_hosts()
    if name in registered.hosts:
        return registered.hosts[name]
    if registered.problems:
        raise registered.problems[0]
    next_step = f"choose one of {', '.join(registered.hosts) or 'none: no plugin is installed'}"
    raise ConfigError(f"there is no host {name}", next_step=next_step)


def _hosts_in_folder(environ: Mapping[str, str] | None) -> Iterator[HostDescriptor | ConfigError]:
    try:
        folder = plugins_folder(os.environ if environ is None else environ)
    except ShotbridgeError:
        return  # `shotbridge doctor` reports it
    for name in plugin_names(folder):
        package = folder / name / f"bridge_{name}"
        # Where the module is from: a package on Python's path takes precedence.
        module = f"{package.name}.descriptor"
        yield _load_host(name, package, partial(_load_from_folder, package), module)


def _load_from_folder(package: Path) -> object:
    """The descriptor of a package that need not be on Python's path, which is not changed. One that
    is on it takes precedence, as for any import."""
    name = package.name
    if name not in sys.modules and importlib.util.find_spec(name) is None:
        spec = importlib.util.spec_from_file_location(
            name, package / "__init__.py", submodule_search_locations=[str(package)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"no package {name}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    host: object = import_module(f"{name}.descriptor").HOST
    return host


def _hosts_of_entry_points() -> Iterator[HostDescriptor | ConfigError]:
    for registered in entry_points(group=ENTRY_POINT_GROUP):
        yield _load_host(registered.name, registered.value, registered.load, registered.module)


def _load_host(
    name: str, where: object, load: Callable[[], object], module: str
) -> HostDescriptor | ConfigError:
    """The host that is registered under ``name``, with the folder of its ``module``."""
    try:
        host = load()
        if not isinstance(host, HostDescriptor):
            raise TypeError(f"it is a {type(host).__name__}, not a HostDescriptor")
        if host.name != name:
            raise ValueError(f"it is called {host.name!r}, and is registered as {name!r}")
    except Exception as error:
        message = f"the host {name} cannot be loaded: {type(error).__name__}: {error}"
        next_step = "update or uninstall it, or ask who made it"
        return ConfigError(message, where=str(where), next_step=next_step)
    file = sys.modules[module].__file__
    return replace(host, package_folder=Path(file).parent if file else None)
