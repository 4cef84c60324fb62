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

MODULE = "DaVinciResolveScript"

#: Where Resolve's installer puts its scripting modules (README of the scripting API).
_FOLDERS = {
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
        raise free_edition(product)
    found: Resolve | None = _injected(injected or {})
    if found is None or not product_of(found):  # it may have been closed since
        found = _by_module()
    name = product_of(found)
    if "Studio" not in name:
        raise free_edition(name)
    return found


def product_of(resolve: Resolve) -> str:
    """What a Resolve calls itself; empty: it has been closed."""
    try:
        return str(resolve.GetProductName() or "")
    except Exception:
        # Of an object whose program has gone a call may raise whatever its library likes.
        return ""


def free_edition(name: str) -> HostError:
    return HostError(
        f"{name} is the free edition, which lets no scripts in",
        next_step="work with OTIO files here, or use DaVinci Resolve Studio",
    )


def _injected(given: Mapping[str, Any]) -> Any:
    if given.get("resolve") is not None:
        return given["resolve"]
    if given.get("app") is not None and (found := given["app"].GetResolve()) is not None:
        return found
    if given.get("bmd") is not None:
        return given["bmd"].scriptapp("Resolve")
    return None


def _by_module() -> Resolve:
    try:
        module = _module()
    except ImportError as error:
        raise HostError(
            f"Resolve's scripting module cannot be loaded: {error}",
            where=str(_folder()),
            next_step="install DaVinci Resolve Studio here, or let RESOLVE_SCRIPT_API name its "
            "Developer/Scripting folder",
        ) from error
    found: Resolve | None = module.scriptapp("Resolve")
    if found is None or not product_of(found):
        raise HostError(
            "no Resolve lets this script in: none runs, it is the free edition, or its scripting "
            "is off",
            next_step="start Resolve Studio, and set Preferences > System > General > External "
            "scripting using to Local",
        )
    return found


def _module() -> Any:
    """:raises ImportError: it is not there, or its library cannot be loaded."""
    if importlib.util.find_spec(MODULE) is None:
        modules = str(_folder() / "Modules")
        if modules not in sys.path:
            sys.path.append(modules)  # this process is ours alone, and it looks there last
    return importlib.import_module(MODULE)


def _folder() -> Path:
    named = os.environ.get("RESOLVE_SCRIPT_API")
    platform = sys.platform if sys.platform in _FOLDERS else "linux"
    return Path(named or os.path.expandvars(_FOLDERS[platform]))
