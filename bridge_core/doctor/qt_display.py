"""Checks whether Qt can open windows. PySide6 needs system libraries that desktops have and servers
lack. The check runs in a process of its own, because Qt may abort it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from bridge_core.hosts.check_result import CheckResult, CheckStatus

CHECK_NAME = "Qt display"
_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")
#: Seconds for loading Qt, which may be on a slow network disk.
_LOAD_TIMEOUT = 120.0
#: On Linux the platform plugin is only loaded with the first window, and aborts the process if it
#: fails.
_LOAD_QT = """
import ctypes, sys
from pathlib import Path
from PySide6 import QtCore, QtGui, QtWidgets
if sys.platform == "linux":
    plugins = QtCore.QLibraryInfo.path(QtCore.QLibraryInfo.LibraryPath.PluginsPath)
    ctypes.CDLL(str(Path(plugins) / "platforms" / "libqxcb.so"))
"""


def check(section: str) -> Iterator[CheckResult]:
    """No result if PySide6 is not installed, which another check reports."""
    if find_spec("PySide6") is None:
        return
    problem = _load_problem()
    if not problem:
        yield CheckResult.ok(section, CHECK_NAME, "the system libraries load")
        return
    # A server without a display needs no windows.
    has_display = sys.platform != "linux" or not os.environ.keys().isdisjoint(_DISPLAY_VARIABLES)
    message = f"the standalone panel cannot open a window: {problem}"
    next_step = "install the system libraries listed in docs/admin.md; in a checkout: make system"
    status = CheckStatus.ERROR if has_display else CheckStatus.INFO
    yield CheckResult(section, CHECK_NAME, status, message, next_step)


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
    exit_text = f"loading Qt ends with exit code {result.returncode}"
    return (result.stderr.strip().splitlines() or [exit_text])[-1]
