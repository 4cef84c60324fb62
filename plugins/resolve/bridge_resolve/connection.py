"""Connects to a running Resolve: by an object passed to its script, or by the scripting module."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge_core.errors import HostError

if TYPE_CHECKING:
    from fusionscript import Resolve

SCRIPTING_MODULE = "DaVinciResolveScript"

#: Install folders of Resolve's scripting modules (README of the scripting API).
_SCRIPTING_FOLDERS = {
    "win32": r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\Support\Developer\Scripting",
    "darwin": "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
    "linux": "/opt/resolve/Developer/Scripting",
}


def find_resolve(injected: Mapping[str, Any] | None = None, product: str = "") -> Resolve:
    """The Resolve Studio that runs on this machine.

    :param injected: objects that Resolve passed to its script (``resolve``, ``app``, ``bmd``); they
        are used before the scripting module.
    :param product: the product name that a script was given.
    :raises HostError: no Resolve accepts scripts, with the reason if it is known.
    """
    if product and "Studio" not in product:
        raise free_edition_error(product)
    resolve: Resolve | None = _from_injected(injected or {})
    if resolve is None or not product_name(resolve):  # not given, or closed since
        resolve = _from_module()
    name = product_name(resolve)
    if "Studio" not in name:
        raise free_edition_error(name)
    return resolve


def product_name(resolve: Resolve) -> str:
    """The product name of a Resolve; empty if it was closed."""
    try:
        return str(resolve.GetProductName() or "")
    except Exception:
        # Once the program is closed, the library may raise any exception.
        return ""


def free_edition_error(name: str) -> HostError:
    next_step = "work with OTIO files here, or use DaVinci Resolve Studio"
    return HostError(f"{name} is the free edition, which accepts no scripts", next_step=next_step)


def _from_injected(injected: Mapping[str, Any]) -> Any:
    if injected.get("resolve") is not None:
        return injected["resolve"]
    if injected.get("app") is not None and (resolve := injected["app"].GetResolve()) is not None:
        return resolve
    if injected.get("bmd") is not None:
        return injected["bmd"].scriptapp("Resolve")
    return None


def _from_module() -> Resolve:
    try:
        module = _import_scripting_module()
    except ImportError as error:
        message = f"Resolve's scripting module cannot be loaded: {error}"
        next_step = "install DaVinci Resolve Studio, or set RESOLVE_SCRIPT_API to its "
        next_step += "Developer/Scripting folder"
        raise HostError(message, where=str(_scripting_folder()), next_step=next_step) from error
    resolve: Resolve | None = module.scriptapp("Resolve")
    if resolve is None or not product_name(resolve):
        reasons = "none runs, it is the free edition, or its scripting is off"
        setting = "Preferences > System > General > External scripting using"
        next_step = f"start Resolve Studio, and set {setting} to Local"
        raise HostError(f"no Resolve accepts this script: {reasons}", next_step=next_step)
    return resolve


def _import_scripting_module() -> Any:
    """:raises ImportError: it does not exist, or its library cannot be loaded."""
    if importlib.util.find_spec(SCRIPTING_MODULE) is None:
        modules = str(_scripting_folder() / "Modules")
        if modules not in sys.path:
            sys.path.append(modules)  # this process is ours, and it is searched last
    return importlib.import_module(SCRIPTING_MODULE)


def _scripting_folder() -> Path:
    configured = os.environ.get("RESOLVE_SCRIPT_API")
    platform = sys.platform if sys.platform in _SCRIPTING_FOLDERS else "linux"
    return Path(configured or os.path.expandvars(_SCRIPTING_FOLDERS[platform]))
