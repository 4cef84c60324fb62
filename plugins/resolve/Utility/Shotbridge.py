"""Shotbridge in DaVinci Resolve, under Workspace > Scripts.

This file is installed by shotbridge install resolve, and taken away by shotbridge uninstall resolve.

Resolve runs scripts in a process of their own, with whichever Python it has found. Where that one
has Shotbridge, its companion window opens right here; otherwise the Python that has it is started.
This file is read by any Python 3, and whatever goes wrong it prints one line.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = ""
PLUGINS = ""

#: Of the Python that Resolve has found, and of Resolve's own Qt.
HOST_ONLY_VARIABLES = ("PYTHONHOME", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")

#: What Resolve gives to its scripts.
INJECTED = {name: globals().get(name) for name in ("resolve", "app", "bmd")}


def open_window(injected):
    plugins = os.environ.get("SHOTBRIDGE_PLUGINS") or PLUGINS
    if not plugins:
        raise RuntimeError(
            "this file was placed from a rez environment, and Resolve was not started in one; "
            "start it by `rez env shotbridge -- ...`, or run `shotbridge install resolve` of an "
            "installation that is no rez package"
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
    # An environment may name one that is on its PATH.
    python = shutil.which(named or PYTHON)
    if python is None:
        raise RuntimeError(
            f"the Python that has it is not at {named or PYTHON!r}; run `shotbridge install "
            "resolve` again, or set SHOTBRIDGE_PYTHON"
        )
    environment = dict(os.environ)
    for name in HOST_ONLY_VARIABLES:
        environment.pop(name, None)
    # The environment that names a Python says its libraries too; otherwise they are of Resolve's.
    inherited = os.environ.get("PYTHONPATH") if named else None
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), inherited)))
    command = [python, "-m", "bridge_resolve", "--product", _product(injected)]
    # It goes on when this script has ended, which is now.
    subprocess.Popen(command, env=environment, cwd=str(folder), start_new_session=True)


def _find_main(folder):
    """What opens the window in this Python; None where it has not what that takes."""
    needed = ("bridge_core", "bridge_ui", "PySide6")
    if sys.version_info < (3, 11) or not all(importlib.util.find_spec(name) for name in needed):
        return None
    sys.path.insert(0, str(folder))
    try:
        from bridge_resolve.window import main
    except ImportError:  # libraries of another Python, which lie on this one's path
        return None
    return main


def _product(injected):
    """Which edition this is: the process that is started can only see that it is let in or not."""
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
