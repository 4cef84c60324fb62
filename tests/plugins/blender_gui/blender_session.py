"""A workstation: a virtual screen, a Blender with the extension, and a local gateway."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import av
from virtual_screen import VirtualScreen, wait_until

from bridge_core import gateway_launcher
from bridge_core.config import load_settings

HERE = Path(__file__).parent
#: Prefix for programs in the folder with Blender that this script makes.
DEBIAN_PREFIX = ("sh", str(HERE.parents[2] / "packaging" / "blender" / "debian_blender.sh"), "in")
#: Leaves space for the panel on the screen.
BLENDER_SIZE = ("1116", "874")


class BlenderSession:
    """All files are in ``folder``. :meth:`close` stops everything that was started."""

    def __init__(self, folder: Path, models: Path, package: Path) -> None:
        self.folder = folder
        self.file = folder / "reel_01.blend"
        movie = folder / "footage" / "bbb.mp4"
        movie.parent.mkdir(parents=True)
        _write_half_size(models / "big-buck-bunny" / "bigbuckbunny.mp4", movie)
        self.settings = {
            "client.state_dir": str(folder / "state"),
            "client.user": "Ada Lovelace",
            "work.handles": "2",
            "gateway.data_dir": str(folder / "data"),
            "gateway.library_dir": str(folder / "library"),
            "gateway.models_dir": str(models),
            "gateway.media_roots": json.dumps([str(folder)]),
            "gateway.threads": "2",
            # Shows an sRGB movie as Blender's preview does.
            "gateway.colour.view": "Un-tone-mapped",
        }
        gateway_launcher.ensure_gateway(load_settings(self.settings, environ={}).settings)
        self.screen = VirtualScreen(folder, (*DEBIAN_PREFIX, str(folder)))
        self.screen.start("openbox", log="openbox")
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
        self._run_blender("--command", "extension", "install-file", "--repo", "user_default",
                            "--enable", str(inside))  # fmt: skip
        self._run_blender("--background", "--python", str(folder / "prepare.py"), "--",
                            str(movie), str(self.file))  # fmt: skip
        self.blender: subprocess.Popen[bytes] | None = None

    def open_blender(self) -> float:
        """Start Blender; returns the seconds until it responds."""
        port = self.folder / "port"
        port.unlink(missing_ok=True)
        (self.folder / "blender.log").unlink(missing_ok=True)
        begin = time.monotonic()
        self.blender = self.screen.start(
            *("blender", "-p", "0", "0", *BLENDER_SIZE, str(self.file)),
            *("--python", str(self.folder / "driver.py"), "--", str(port)),
            log="blender",
            variables=self._environment,
        )
        wait_until(lambda: port.exists() and port.read_text(), "Blender to answer", 120)
        self._line = socket.create_connection(("127.0.0.1", int(port.read_text())))
        self._lines = self._line.makefile("rw", encoding="utf-8")
        self.run_python("answer = 1")
        seconds = time.monotonic() - begin
        self.run_python("show_all()")
        return seconds

    def run_python(self, text: str) -> Any:
        """Run Python on Blender's main thread; returns the value of ``answer``.

        :raises AssertionError: it failed, or Blender has quit; with the output.
        """
        self._lines.write(json.dumps(text) + "\n")
        self._lines.flush()
        line = self._lines.readline()
        assert line, f"Blender has quit:\n{self.log()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def evaluate(self, expression: str) -> Any:
        return self.run_python(f"answer = {expression}")

    def wait_for(self, expression: str, what: str, seconds: float = 60) -> Any:
        try:
            return wait_until(lambda: self.evaluate(expression), what, seconds)
        except AssertionError:
            self.screen.save_picture(self.folder / "failed.png")
            raise

    def open_panel(self) -> None:
        """Open the panel with Blender's search, and wait until it is built."""
        self.click_in_blender(700, 560)
        self.screen.press_keys("F3")
        time.sleep(0.5)
        self.screen.type_text("open shotbridge")
        time.sleep(0.5)
        self.screen.press_keys("Return")
        self.wait_for_panel()

    def wait_for_panel(self) -> None:
        self.wait_for("panel() is not None and panel()._is_built", "the panel")

    def show_page(self, name: str) -> None:
        """Click on a tab of the panel."""
        number = self.evaluate(f"panel()._tab_pages.index({name!r})")
        self.screen.click(
            *self.run_python(
                "tabs = find_widget('tabs')\n"
                f"answer = widget_position(tabs, tabs.tabRect({number}).center())"
            )
        )
        self.wait_for(f"panel().current_page == {name!r}", f"the page {name}")

    def click_widget(self, widget: str) -> None:
        """Click on a widget of the panel, given as an expression for the driver."""
        self.screen.click(*self.evaluate(f"widget_position({widget})"))

    def click_strip(self, name: str) -> None:
        self.click_in_blender(*self.evaluate(f"strip_position({name!r})"))

    def click_in_blender(self, x: float, y: float) -> None:
        """Click at a position from the top left of Blender's window."""
        window = self.screen.run("xdotool", "search", "--onlyvisible", "--class", "Blender")
        self.screen.click(x, y, window=window.split()[0])

    def quit_blender(self) -> int:
        """Quit Blender by the keyboard; returns its exit code."""
        assert self.blender is not None
        self.click_in_blender(900, 600)
        self.screen.press_keys("ctrl+q")
        code = self.blender.wait(30)
        self._line.close()
        return code

    def end_blender(self) -> None:
        """Quit Blender in any state; its output must not show a crash."""
        assert self.blender is not None
        if self.blender.poll() is None:
            self.run_python("bpy.app.timers.register(bpy.ops.wm.quit_blender, first_interval=0.1)")
            self._line.close()
            assert self.blender.wait(30) == 0, self.log()
        log = self.log()
        assert "Traceback" not in log and "crash" not in log.lower(), log

    def log(self) -> str:
        return (self.folder / "blender.log").read_text(errors="replace")[-4000:]

    def close(self) -> None:
        self.screen.close()
        gateway_launcher.stop_gateway(load_settings(self.settings, environ={}).settings)

    def _run_blender(self, *words: str) -> None:
        self.screen.run("blender", *words, variables=self._environment)


def _write_half_size(movie: Path, target: Path) -> None:
    """Half size: fast enough for a model without a GPU."""
    with av.open(str(movie)) as source, av.open(str(target), "w") as out:
        stream = source.streams.video[0]
        assert stream.average_rate is not None
        made = out.add_stream("libx264", rate=stream.average_rate, options={"crf": "12"})
        made.width, made.height, made.pix_fmt = stream.width // 2, stream.height // 2, "yuv420p"
        for frame in source.decode(stream):
            out.mux(made.encode(frame.reformat(made.width, made.height)))
        out.mux(made.encode())
