"""Finds the Resolve that runs: the object that it gave to its script, or its scripting module."""

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

#: Where Resolve's installer puts its scripting modules (README of the scripting API).
_SCRIPTING_FOLDERS = {
    "win32": r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\Support\Developer\Scripting",
    "darwin": "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
    "linux": "/opt/resolve/Developer/Scripting",
}


def find_resolve(injected: Mapping[str, Any] | None = None, product: str = "") -> Resolve:
    """The Resolve Studio that runs on this machine.

    ``injected`` is what Resolve gave to its script (``resolve``, ``app``, ``bmd``), and goes before
    the scripting module; ``product`` is what it called itself, where a script was told.

    :raises HostError: there is none that lets scripts in, and why, as far as can be told.
    """
    if product and "Studio" not in product:
        raise free_edition_error(product)
    resolve: Resolve | None = _from_injected(injected or {})
    if resolve is None or not product_name(resolve):  # it may have been closed since
        resolve = _from_module()
    name = product_name(resolve)
    if "Studio" not in name:
        raise free_edition_error(name)
    return resolve


def product_name(resolve: Resolve) -> str:
    """What a Resolve calls itself; empty: it has been closed."""
    try:
        return str(resolve.GetProductName() or "")
    except Exception:
        # Of an object whose program has gone a call may raise whatever its library likes.
        return ""


def free_edition_error(name: str) -> HostError:
    return HostError(
        f"{name} is the free edition, which lets no scripts in",
        next_step="work with OTIO files here, or use DaVinci Resolve Studio",
    )


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
        raise HostError(
            f"Resolve's scripting module cannot be loaded: {error}",
            where=str(_scripting_folder()),
            next_step="install DaVinci Resolve Studio here, or let RESOLVE_SCRIPT_API name its "
            "Developer/Scripting folder",
        ) from error
    resolve: Resolve | None = module.scriptapp("Resolve")
    if resolve is None or not product_name(resolve):
        raise HostError(
            "no Resolve lets this script in: none runs, it is the free edition, or its scripting "
            "is off",
            next_step="start Resolve Studio, and set Preferences > System > General > External "
            "scripting using to Local",
        )
    return resolve


def _import_scripting_module() -> Any:
    """:raises ImportError: it is not there, or its library cannot be loaded."""
    if importlib.util.find_spec(SCRIPTING_MODULE) is None:
        modules = str(_scripting_folder() / "Modules")
        if modules not in sys.path:
            sys.path.append(modules)  # this process is ours alone, and it looks there last
    return importlib.import_module(SCRIPTING_MODULE)


def _scripting_folder() -> Path:
    configured = os.environ.get("RESOLVE_SCRIPT_API")
    platform = sys.platform if sys.platform in _SCRIPTING_FOLDERS else "linux"
    return Path(configured or os.path.expandvars(_SCRIPTING_FOLDERS[platform]))
