"""Makes the picture of the companion window beside Resolve for ``docs/guide/resolve.md``.

``python docs/screenshot_resolve.py demo_out docs/images``.
The timeline is that of the tests' fake of Resolve; everything else is real. Frames: Big Buck Bunny,
CC-BY 3.0, Blender Foundation.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import screenshot_setup

# isort: split
from PySide6.QtTest import QTest
from resolve_fake import Resolve
from resolve_sample_project import camera_file

from bridge_core.gateway_launcher import stop_gateway
from bridge_core.models.versions import ReviewStatus
from bridge_resolve.window import CompanionWindow
from bridge_ui.review.compare.viewer_settings import CompareMode

SHOWN = ("BBB_0010", "BBB_0020")
HANDLES = 8
#: The services take their time.
_wait_until = partial(screenshot_setup.wait_until, seconds=300)


def main(demo: Path, target: Path) -> None:
    screenshot_setup.create_screenshot_application()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = screenshot_setup.demo_settings(folder, demo)
        resolve = _timeline(demo / "plates", folder)
        window = CompanionWindow(lambda: settings, lambda: resolve)
        try:
            window.resize(1440, 880)
            window.show()
            window.search()
            _review_and_place(window)
            QTest.qWait(2000)  # pictures come from the gateway
            window.grab().save(str(target / "resolve.png"))
            print(target / "resolve.png")
        finally:
            window.close()
            stop_gateway(settings)


def _timeline(plates: Path, folder: Path) -> Resolve:
    app = Resolve("24")
    assert app._project is not None
    timeline = app._new_timeline("Reel 1 v014")
    at = timeline.GetStartFrame()
    for name in SHOWN:
        files = sorted((plates / name).glob("*.exr"))
        first, last = (int(file.stem.rpartition(".")[2]) for file in (files[0], files[-1]))
        pattern = files[0].with_name(files[0].name.replace(str(first), "%04d"))
        info = {"FilePath": str(pattern), "StartIndex": first, "EndIndex": last}
        (item,) = app._project._pool.ImportMedia([info])
        item._properties["Input Color Space"] = "ACEScg"
        shown = last - first + 1 - 2 * HANDLES
        app._cut_in(timeline, item, at, shown, HANDLES, name=name)
        at += shown + 12
    raw = camera_file(app, folder / "camera", "A001_C003.braw", rate="24")
    app._cut_in(timeline, raw, at, 48, 24)
    return app


def _review_and_place(window: CompanionWindow) -> None:
    _wait_until(lambda: window.panel is not None, "the panel")
    panel: Any = window.panel
    _wait_until(lambda: panel._is_built, "the panel to be built")
    on = panel.controllers
    send, placement = on.send.state, on.placement.state
    connection = on.session.connection
    _wait_until(lambda: connection.value.is_connected and send.value.service, "the gateway")
    _wait_until(lambda: len(on.shots.rows) == len(SHOWN) + 1, "the shots")
    on.shots.select([on.shots.rows[1].key])
    on.send.choose_service("matte")
    _wait_until(lambda: send.value.summary and send.value.can_send, "the quotes")
    on.send.send()
    _wait_until(lambda: on.jobs.rows and on.jobs.rows[0].result_id, "the version")
    _wait_until(lambda: on.review.state.value.version, "the version under review")
    on.review.decide(ReviewStatus.APPROVED, "Clean edge, also on the whiskers.")
    _wait_until(lambda: on.review.state.value.decisions, "the approval")
    version = on.review.state.value.version
    row = on.shots.rows[1]
    on.placement.place(row, version, on.placement.options(version)[0])
    _wait_until(lambda: placement.value.message or placement.value.problem, "the placement")
    _wait_until(lambda: on.shots.rows[1].active_version_id, "the version in Resolve")
    panel.review.set_compare_mode(CompareMode.WIPE)
    panel.review.canvas.update_settings(wipe=0.37)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]))
