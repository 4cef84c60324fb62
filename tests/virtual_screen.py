"""A virtual screen with mouse and keyboard input: Xvfb and xdotool."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

_PROGRAMS = ("Xvfb", "xdotool")

T = TypeVar("T")


def missing_reason() -> str:
    """Why there can be no virtual screen on this machine; empty if there can."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed; `make system` installs them" if missing else ""


def wait_until(condition: Callable[[], T], what: str, seconds: float = 60) -> T:
    """The first true value of the condition.

    :raises AssertionError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
    return value


class VirtualScreen:
    """An X server with 1600 by 900 pixels; ``folder`` takes the logs of its programs.

    ``command_prefix`` goes before each command, to run programs of another system (``chroot``,
    ``docker exec``). That system has to have ``folder`` at the same path.
    """

    def __init__(self, folder: Path, command_prefix: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._command_prefix = command_prefix
        self._running: list[subprocess.Popen[bytes]] = []
        self._environment = {
            "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(folder / "home"),
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        (folder / "home").mkdir()
        read, write = os.pipe()
        command = ("Xvfb", "-displayfd", str(write), "-screen", "0", "1600x900x24", "+extension")
        self.start(*command, "GLX", "-nolisten", "tcp", log="xvfb", pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        assert number, f"no screen: {(folder / 'xvfb.log').read_text()}"
        self.display = f":{number}"
        self._environment["DISPLAY"] = self.display

    def start(
        self,
        *command: str,
        log: str,
        variables: Mapping[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("ab") as out:
            process = subprocess.Popen(
                [*self._command_prefix, *command],
                env={**self._environment, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
            )
        self._running.append(process)
        return process

    def run(
        self, *command: str, variables: Mapping[str, str] | None = None, timeout: float = 120
    ) -> str:
        """Run a program and return its standard output.

        :raises AssertionError: it failed; the message has its output.
        """
        completed = subprocess.run(
            [*self._command_prefix, *command],
            env={**self._environment, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert completed.returncode == 0, (
            f"{command} exited with {completed.returncode}:\n{completed.stdout}\n{completed.stderr}"
        )
        return completed.stdout

    def click(self, x: float, y: float, button: int = 1, window: str | None = None) -> None:
        """Click on the screen, or counted from the top left of a window."""
        position = (*(("--window", window) if window else ()), str(round(x)), str(round(y)))
        self.run("xdotool", "mousemove", "--sync", *position, "sleep", "0.15", "click", str(button))

    def press_keys(self, *keys: str) -> None:
        self.run("xdotool", "key", "--delay", "60", *keys)

    def type_text(self, text: str) -> None:
        self.run("xdotool", "type", "--delay", "40", text)

    def save_picture(self, path: Path) -> None:
        """Save the whole screen as PNG."""
        screenshot = self.folder / "screen.png"
        self.run("import", "-window", "root", str(screenshot))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(screenshot.read_bytes())

    def close(self) -> None:
        for process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
