"""A screen without a monitor, and the hands in front of it: Xvfb and xdotool."""

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
    """Why no screen can be had here; empty where it can."""
    lacks = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"{' and '.join(lacks)} not installed; `make system` installs them" if lacks else ""


def wait_until(condition: Callable[[], T], what: str, seconds: float = 60) -> T:
    """The first true answer.

    :raises AssertionError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
    return answer


class VirtualScreen:
    """1600 by 900 pixels; ``folder`` takes what its programs say.

    ``through``: words before those of each program, for programs of another system. It sees
    ``folder`` under the path that it has here.
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
        words = ("Xvfb", "-displayfd", str(write), "-screen", "0", "1600x900x24", "+extension")
        self.start(*words, "GLX", "-nolisten", "tcp", log="xvfb", pass_fds=(write,))
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
        """What a program says.

        :raises AssertionError: it failed; with what it said.
        """
        done = subprocess.run(
            [*self._command_prefix, *command],
            env={**self._environment, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, (
            f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def click(self, x: float, y: float, button: int = 1, window: str | None = None) -> None:
        """On the screen, or counted from the top left of a window's own picture."""
        where = (*(("--window", window) if window else ()), str(round(x)), str(round(y)))
        self.run("xdotool", "mousemove", "--sync", *where, "sleep", "0.15", "click", str(button))

    def press_keys(self, *keys: str) -> None:
        self.run("xdotool", "key", "--delay", "60", *keys)

    def type_text(self, text: str) -> None:
        self.run("xdotool", "type", "--delay", "40", text)

    def save_picture(self, path: Path) -> None:
        """Everything on the screen, as PNG."""
        inside = self.folder / "screen.png"
        self.run("import", "-window", "root", str(inside))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(inside.read_bytes())

    def close(self) -> None:
        for process in reversed(self._running):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
