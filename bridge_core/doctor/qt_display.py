"""Whether Qt can open a window here: PySide6 brings itself, and leaves to the system what every
desktop has and no server. It is tried in a process of its own: Qt may end its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from bridge_core.doctor.check_result import CheckResult, CheckStatus

CHECK_NAME = "Qt's windows"
#: Seconds that loading Qt may take, from a cold network disk.
_LOAD_TIMEOUT = 120.0
#: On Linux the plugin that opens windows is loaded only with the first window, and ends the process
#: where it cannot be.
_LOAD_QT = """
import ctypes, sys
from pathlib import Path
from PySide6 import QtCore, QtGui, QtWidgets
if sys.platform == "linux":
    plugins = QtCore.QLibraryInfo.path(QtCore.QLibraryInfo.LibraryPath.PluginsPath)
    ctypes.CDLL(str(Path(plugins) / "platforms" / "libqxcb.so"))
"""


def check(section: str) -> Iterator[CheckResult]:
    """Nothing where PySide6 is not installed, which is told elsewhere."""
    if find_spec("PySide6") is None:
        return
    problem = _load_problem()
    if not problem:
        yield CheckResult(section, CHECK_NAME, CheckStatus.OK, "its libraries load")
        return
    # A server has no display and needs no windows.
    has_display = (
        sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    )
    yield CheckResult(
        section,
        CHECK_NAME,
        CheckStatus.ERROR if has_display else CheckStatus.INFO,
        f"the panel cannot open a window of its own: {problem}",
        "install the system's libraries that docs/admin.md lists; in a checkout: make system",
    )


def _load_problem() -> str:
    try:
        result = subprocess.run(
            [sys.executable, "-c", _LOAD_QT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_LOAD_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if result.returncode == 0:
        return ""
    error_lines = result.stderr.strip().splitlines() or [
        f"loading it ends with {result.returncode}"
    ]
    return error_lines[-1]
