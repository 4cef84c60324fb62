"""``examples/panel_page``: a page in a package of its own appears in a real panel."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

#: Opens a panel on the example host's list, and prints its tabs and the text of the last page.
_PROGRAM = """
import json, sys, time
from pathlib import Path
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTabBar
from bridge_core.models.settings import ClientSettings, Settings
from bridge_shotlist.host import ShotListHost
from bridge_ui.app.opening import open_panel
from bridge_ui.app.window import create_application

app = create_application()
folder = Path(sys.argv[1])
settings = Settings(client=ClientSettings(state_dir=folder, url="http://127.0.0.1:9"))
panel = open_panel(settings, ShotListHost(folder / "shots.json"))
ready = []
panel.ready.connect(lambda: ready.append(True))
panel.resize(1400, 800)
panel.show()
deadline = time.monotonic() + 60
while not (ready and len(panel.controllers.shots.rows)):
    assert time.monotonic() < deadline, "waited for the panel"
    QTest.qWait(5)
tabs = panel.findChild(QTabBar, "tabs")
panel.controllers.shots.select([row.key for row in panel.controllers.shots.rows])
page = panel.pages[-1].id
panel.show_page(page)
widget = panel.part(page)
print(json.dumps({
    "tabs": [tabs.tabText(at) for at in range(tabs.count())],
    "visible": widget.isVisible(),
    "text": widget.total.text(),
}))
panel.stop(5.0)
"""


def test_it_appears_in_a_panel(
    install_example: Callable[[str], Path],
    run_python: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    """In the panel of the example host: neither package knows the other."""
    page, host = install_example("panel_page"), install_example("host")
    for frame in range(1001, 1011):
        (tmp_path / f"A_010.{frame}.exr").write_bytes(b"a picture")
    entry = {"name": "A_010", "plate": "A_010.%04d.exr", "frames": [1001, 1010]}
    shots = [{**entry, "cut": [1003, 1008], "rate": 25}]
    (tmp_path / "shots.json").write_text(json.dumps({"show": "bunny", "shots": shots}))
    done = run_python(f"{page}:{host}", "-c", _PROGRAM, tmp_path)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["tabs"][-1] == "Frames"
    assert seen["visible"]
    assert seen["text"] == "Frames of the selected shots: 6"
