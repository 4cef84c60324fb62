"""An artist's seat: a screen, a Blender with the extension on it, and a gateway on the machine."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from screen import REPO, Screen, until

from bridge_core import launcher
from bridge_core.config import load

HERE = Path(__file__).parent
ZIP_TARGET = "linux-x64-cp313"


class Seat:
    """Everything of it is in ``folder``. :meth:`close` ends all that it started."""

    def __init__(self, folder: Path, models: Path, package: Path) -> None:
        self.folder = folder
        self.file = folder / "reel_01.blend"
        movie = folder / "footage" / "bbb.mp4"
        movie.parent.mkdir(parents=True)
        shutil.copy(models / "big-buck-bunny" / "bigbuckbunny.mp4", movie)
        self.settings = {
            "client.state_dir": str(folder / "state"),
            "client.user": "Ada Lovelace",
            "work.handles": "2",
            "gateway.data_dir": str(folder / "data"),
            "gateway.library_dir": str(folder / "library"),
            "gateway.models_dir": str(models),
            "gateway.media_roots": json.dumps([str(folder)]),
            "gateway.threads": "2",
        }
        launcher.ensure(load(self.settings, environ={}).settings)
        self.screen = Screen(folder)
        self._environment = {
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
            **{
                f"SHOTBRIDGE__{key.upper().replace('.', '__')}": value
                for key, value in self.settings.items()
                if not key.startswith("gateway.")
            },
        }
        inside = shutil.copy(package, folder)
        for name in ("driver.py", "prepare.py"):
            shutil.copy(HERE / name, folder)
        self._blender_alone("--command", "extension", "install-file", "--repo", "user_default",
                            "--enable", str(inside))  # fmt: skip
        self._blender_alone("--background", "--python", str(folder / "prepare.py"), "--",
                            str(movie), str(self.file))  # fmt: skip
        self.blender: subprocess.Popen[bytes] | None = None

    def open_blender(self) -> float:
        """Seconds until it answers."""
        port = self.folder / "port"
        port.unlink(missing_ok=True)
        begin = time.monotonic()
        self.blender = self.screen.start(
            *("blender", "-p", "0", "0", "1600", "900", str(self.file)),
            *("--python", str(self.folder / "driver.py"), "--", str(port)),
            log="blender",
            more=self._environment,
        )
        until(lambda: port.exists() and port.read_text(), "Blender to answer", 120)
        self._line = socket.create_connection(("127.0.0.1", int(port.read_text())))
        self._lines = self._line.makefile("rw", encoding="utf-8")
        self.ask("answer = 1")
        return time.monotonic() - begin

    def ask(self, text: str) -> Any:
        """Run Python on Blender's main thread, give its ``answer``.

        :raises AssertionError: it failed, or Blender has ended; with what was said.
        """
        self._lines.write(json.dumps(text) + "\n")
        self._lines.flush()
        told = self._lines.readline()
        assert told, f"Blender has ended:\n{self.log()}"
        answer = json.loads(told)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def value(self, expression: str) -> Any:
        return self.ask(f"answer = {expression}")

    def wait(self, expression: str, what: str, seconds: float = 60) -> Any:
        return until(lambda: self.value(expression), what, seconds)

    def press(self, widget: str) -> None:
        """Click on a widget of the panel, given as an expression for the driver."""
        self.screen.click(*self.value(f"spot({widget})"))

    def press_strip(self, name: str) -> None:
        x, y = self.value(f"strip_spot({name!r})")
        left, top = self.corner()
        self.screen.click(left + x, top + y)

    def corner(self) -> tuple[int, int]:
        """Where Blender's own picture begins on the screen, below the window manager's bar."""
        assert self.blender is not None
        said = self.screen.run(
            "xdotool", "search", "--class", "Blender", "getwindowgeometry", "--shell"
        )
        values = dict(line.split("=") for line in said.splitlines() if "=" in line)
        return int(values["X"]), int(values["Y"])

    def log(self) -> str:
        return (self.folder / "blender.log").read_text(errors="replace")[-4000:]

    def close(self) -> None:
        self.screen.close()
        launcher.stop(load(self.settings, environ={}).settings)

    def _blender_alone(self, *words: str) -> None:
        self.screen.run("blender", *words, more=self._environment)
