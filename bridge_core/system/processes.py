"""Identifies processes beyond their id, which can be reused. Standard library only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def process_identity(pid: int) -> str | None:
    """A text that identifies a process on this machine: boot and start time. None: this user has no
    process with the id, or it is a zombie."""
    if sys.platform == "win32":
        return _windows_identity(pid)
    process = Path("/proc", str(pid))
    if Path("/proc/self/stat").exists():
        try:
            if process.stat().st_uid != os.geteuid():
                return None
            # The fields after the name, which may itself contain brackets: the state is the first,
            # the start time in clock ticks since boot the 20th (man 5 proc).
            fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return None
        return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    fields = subprocess.run(
        ["ps", "-o", "uid=,stat=,lstart=", "-p", str(pid)],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if len(fields) < 3 or fields[0] != str(os.geteuid()) or fields[1].startswith("Z"):
        return None
    return " ".join(fields[2:])


def terminate_process(pid: int, expected_identity: str) -> bool:
    """Send SIGTERM to a process if its :func:`process_identity` is ``expected_identity``; False if
    it has ended. A process that has reused its id gets no signal."""
    if sys.platform != "linux":
        if process_identity(pid) != expected_identity:
            return False
        os.kill(pid, signal.SIGTERM)
        return True
    try:
        # While the descriptor is open, it cannot refer to another process.
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if process_identity(pid) != expected_identity:
            return False
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
    _STILL_ACTIVE = 259

    def _windows_identity(pid: int) -> str | None:
        """The creation time. Only this user's own processes can be opened."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(_QUERY, False, pid)
        if not handle:
            return None
        try:
            code = wintypes.DWORD()
            times = [wintypes.FILETIME() for _ in range(4)]
            alive = kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
            if not alive or code.value != _STILL_ACTIVE:
                return None
            if not kernel.GetProcessTimes(wintypes.HANDLE(handle), *map(ctypes.byref, times)):
                return None
            return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}"
        finally:
            kernel.CloseHandle(wintypes.HANDLE(handle))
