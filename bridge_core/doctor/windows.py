"""Whether Qt can open a window here: PySide6 brings itself, and leaves to the system what every
desktop has and no server. It is tried in a process of its own: Qt may end its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from bridge_core.doctor.line import Line, State

NAME = "Qt's windows"
#: Seconds that loading Qt may take, from a cold network disk.
_PATIENCE = 120.0
#: On Linux the plugin that opens windows is loaded only with the first window, and ends the process
#: where it cannot be.
_PROGRAM = """
import ctypes, sys
from pathlib import Path
from PySide6 import QtCore, QtGui, QtWidgets
if sys.platform == "linux":
    plugins = QtCore.QLibraryInfo.path(QtCore.QLibraryInfo.LibraryPath.PluginsPath)
    ctypes.CDLL(str(Path(plugins) / "platforms" / "libqxcb.so"))
"""


def lines(section: str) -> Iterator[Line]:
    """Nothing where PySide6 is not installed, which is told elsewhere."""
    if find_spec("PySide6") is None:
        return
    said = _what_fails()
    if not said:
        yield Line(section, NAME, State.OK, "its libraries load")
        return
    # A server has no display and needs no windows.
    wanted = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    yield Line(
        section,
        NAME,
        State.WRONG if wanted else State.NOTE,
        f"the panel cannot open a window of its own: {said}",
        "install the system's libraries that docs/admin.md lists; in a checkout: make system",
    )


def _what_fails() -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    told = done.stderr.strip().splitlines() or [f"loading it ends with {done.returncode}"]
    return told[-1]
