"""Shotbridge in DaVinci Resolve, under Workspace > Scripts.

This file is installed by shotbridge install resolve, and removed by shotbridge uninstall resolve.

Resolve runs scripts in a separate process, with whichever Python it finds. If that Python has
Shotbridge, the companion window opens in this process; otherwise a Python that has it is started.
This file works with any Python 3. If something fails, it prints one line.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = ""
PLUGINS = ""

#: Variables for Resolve's Python and Qt, which must not reach another Python.
HOST_ONLY_VARIABLES = ("PYTHONHOME", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")

#: Objects that Resolve passes to its scripts.
INJECTED = {name: globals().get(name) for name in ("resolve", "app", "bmd")}


def open_window(injected):
    plugins = os.environ.get("SHOTBRIDGE_PLUGINS") or PLUGINS
    if not plugins:
        raise RuntimeError(
            "this file was installed from a rez environment, and Resolve was not started in one; "
            "start it with `rez env shotbridge -- ...`, or run `shotbridge install resolve` of an "
            "installation outside of rez"
        )
    folder = Path(plugins) / "resolve"
    if not (folder / "bridge_resolve").is_dir():
        raise RuntimeError(
            f"its plugins are not in {plugins!r}; run `shotbridge install resolve` again, or set "
            "SHOTBRIDGE_PLUGINS"
        )
    main = _find_main(folder)
    if main is not None:
        main(injected=injected)
        return
    named = os.environ.get("SHOTBRIDGE_PYTHON")
    # The variable may name a program on the PATH.
    python = shutil.which(named or PYTHON)
    if python is None:
        raise RuntimeError(
            f"the Python that has it is not at {named or PYTHON!r}; run `shotbridge install "
            "resolve` again, or set SHOTBRIDGE_PYTHON"
        )
    environment = dict(os.environ)
    for name in HOST_ONLY_VARIABLES:
        environment.pop(name, None)
    # With SHOTBRIDGE_PYTHON, PYTHONPATH belongs to that Python; otherwise to Resolve's.
    inherited = os.environ.get("PYTHONPATH") if named else None
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), inherited)))
    command = [python, "-m", "bridge_resolve", "--product", _product(injected)]
    # It keeps running when this script ends, which is now.
    subprocess.Popen(command, env=environment, cwd=str(folder), start_new_session=True)


def _find_main(folder):
    """The function that opens the window in this Python; None if it cannot."""
    needed = ("bridge_core", "bridge_ui", "PySide6")
    if sys.version_info < (3, 11) or not all(importlib.util.find_spec(name) for name in needed):
        return None
    sys.path.insert(0, str(folder))
    try:
        from bridge_resolve.window import main
    except ImportError:  # libraries of another Python on the path
        return None
    return main


def _product(injected):
    """The edition's name, which a separate process cannot read in the free edition."""
    resolve = injected.get("resolve")
    return str(resolve.GetProductName()) if resolve is not None else ""


def run_guarded(injected):
    try:
        open_window(injected)
    except Exception as error:
        reason = " ".join(str(error).split())
        print(f"Shotbridge cannot be opened: {reason}")


if __name__ == "__main__":
    run_guarded(INJECTED)
