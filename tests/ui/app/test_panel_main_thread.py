"""The panel never blocks its host: real gateways, real plates, a watchdog on the event loop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import database_filler
import pytest
from event_loop_watchdog import Watchdog, objects
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from running_panel import gateway_settings, opened_panel

from bridge_core.client import Client
from bridge_core.config import load_settings
from bridge_core.models.jobs import JobState
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.session import ConnectionState

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.app.panel import Panel

pytest.importorskip("fastapi")
np = pytest.importorskip("numpy")
oiio = pytest.importorskip("OpenImageIO")
otio = pytest.importorskip("opentimelineio")

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGSTOP"), reason="processes cannot be frozen here"
)

#: Seconds: the longest wait of any event, and of 99 % of all moments.
STALL, P99 = 0.050, 0.016
WIDTH, HEIGHT = 2048, 1080


def check_responsive(
    scenario: Callable[[Path], Watchdog], tmp_path: Path, p99: float = P99
) -> None:
    """Up to three attempts with the same limits: a stall of the panel recurs; one of the machine
    that the watchdog could not exclude does not."""
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        try:
            watchdog = scenario(folder)
            print(f"\n{scenario.__name__}: {watchdog}")
            return watchdog.assert_responsive(STALL, p99)
        except AssertionError as error:
            print(error)
            message = str(error)  # the error itself would keep the panel alive
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # half a gigabyte of pictures
    raise AssertionError(message)


def kill(settings: Settings, how: signal.Signals) -> None:
    announcement = json.loads((settings.client.state_dir / "gateway.json").read_text())
    os.kill(announcement["pid"], how)


def write_plate(folder: Path, frames: range) -> None:
    """2K half-float EXR of 1.5 MB each, partly noise, with the frame number in the header, so that
    all files differ."""
    folder.mkdir()
    dice = np.random.default_rng(1)
    picture = np.full((HEIGHT, WIDTH, 3), 0.18, np.float16)
    patterns = []
    for number in range(8):
        noise = dice.integers(0, 0x3C00, (128, WIDTH, 3), dtype=np.uint16)
        picture[:128] = noise.view(np.float16)
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, oiio.HALF)
        spec.attribute("compression", "zip")
        spec.attribute("reelName", "frame-0000")
        path = folder / f"pattern.{number}"
        out = oiio.ImageOutput.create("x.exr")
        assert out.open(str(path), spec), out.geterror()
        assert out.write_image(picture)
        out.close()
        patterns.append(path.read_bytes())
        path.unlink()
    for frame in frames:
        content = patterns[frame % len(patterns)].replace(b"frame-0000", b"frame-%04d" % frame, 1)
        (folder / f"plate.{frame:04d}.exr").write_bytes(content)
    assert (
        oiio.ImageInput.open(str(folder / f"plate.{frames[-1]:04d}.exr"))
        .spec()
        .get_string_attribute("reelName")
        == f"frame-{frames[-1]:04d}"
    )


def write_cut(path: Path, frames: range) -> Path:
    def span(start: int, length: int) -> Any:
        at = otio.opentime.RationalTime
        return otio.opentime.TimeRange(at(start, 24), at(length, 24))

    plate = path.parent / "plate"
    write_plate(plate, frames)
    media = otio.schema.ImageSequenceReference(
        target_url_base=plate.as_uri() + "/",
        name_prefix="plate.",
        name_suffix=".exr",
        start_frame=frames.start,
        rate=24,
        frame_zero_padding=4,
        available_range=span(frames.start, len(frames)),
        metadata={"shotbridge": {"colour_space": "ACEScg"}},
    )
    timeline = otio.schema.Timeline("long")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.append(otio.schema.Clip("AB_0010", media, span(frames.start, len(frames))))
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(path))
    return path


def sent_hung_and_killed(folder: Path) -> Watchdog:
    cut = write_cut(folder / "long.otio", range(1001, 1241))
    with (
        gateway_settings(folder) as settings,
        opened_panel(settings, StandaloneHost(settings, cut)) as panel,
    ):
        return _sent_hung_and_killed(settings, panel)


def _sent_hung_and_killed(settings: Settings, panel: Panel) -> Watchdog:
    session, send = panel.controllers.session, panel.controllers.send
    button = panel.findChild(QPushButton, "send")
    states: list[ConnectionState] = []
    with Watchdog() as watchdog:
        watchdog.run_until(lambda: session.connection.value.is_connected, "the gateway")
        watchdog.run_until(lambda: send.state.value.shots, "the cut's shot")
        send.choose_service("round_trip")
        watchdog.run_until(button.isEnabled, "the button")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        watchdog.run_until(lambda: session.store.jobs, "240 frames to be sent", 120)
        contents = settings.gateway.data_dir / "contents"
        sent = sum(path.stat().st_size for path in contents.rglob("*") if path.is_file())
        assert sent > 240 * 1_400_000, "the frames were uploaded"

        kill(settings, signal.SIGSTOP)
        try:
            send.set_note("sent while the gateway hangs")
            session.refresh_health()
            for name in ("jobs", "notes", "lineage", "send"):
                panel.show_page(name)
                watchdog.run(0.2)
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            watchdog.run_until(lambda: session.outbox.value.waiting, "the second request")
            watchdog.run(1.0)
        finally:
            kill(settings, signal.SIGCONT)
        watchdog.run_until(lambda: len(session.store.jobs) == 2, "the second job", 120)

        session.connection.watch(lambda connection: states.append(connection.state))
        kill(settings, signal.SIGKILL)
        watchdog.run_until(lambda: ConnectionState.LOST in states, "the loss to be shown")
        watchdog.run_until(lambda: session.connection.value.is_connected, "the gateway to be back")
        watchdog.run(0.5)
    assert len(session.store.jobs) == 2
    return watchdog


def jobs_and_versions(folder: Path, host: Host) -> Watchdog:
    with gateway_settings(folder) as settings:
        database = settings.gateway.data_dir / "gateway.sqlite"
        # One shot has 500 of them, the other 999 have four or five each.
        shot_indices = [0] * 500 + [1 + number % 999 for number in range(4500)]
        database_filler.insert_versions(database, database_filler.versions(shot_indices))
        with Client(settings) as client:
            client.about()
        with opened_panel(settings, host) as panel:
            return _jobs_and_versions(database, panel)


def _jobs_and_versions(database: Path, panel: Panel) -> Watchdog:
    session, shots, review = (
        panel.controllers.session,
        panel.controllers.shots,
        panel.controllers.review,
    )
    with Watchdog() as watchdog:
        watchdog.run_until(
            lambda: all(row.newest_version_id for row in shots.rows if row.shot), "versions"
        )
        watchdog.run_until(lambda: len(review.state.value.choices) == 501, "500 versions of a shot")
        for _ in range(5):
            review.step_version(-1)
            watchdog.run(0.05)

        panel.show_page("jobs")
        writer = subprocess.Popen(
            [sys.executable, database_filler.__file__, str(database), "1000", "5"],
            stdout=subprocess.PIPE,
        )
        try:
            bar = panel.shots.view.verticalScrollBar()
            watchdog.run_until(lambda: len(session.store.jobs) >= 1000, "1,000 jobs")
            for step in range(40):
                bar.setValue(bar.maximum() * step // 40)
                watchdog.run(0.05)
            running = panel.controllers.jobs.state.value.running

            def ended() -> bool:
                jobs = session.store.jobs.values()
                return all(job.state is JobState.SUCCEEDED for job in jobs)

            watchdog.run_until(ended, "all to succeed")
        finally:
            writer.kill()
            writer.communicate()
        kept = objects()
    assert kept < 60 * (5000 + 1000), f"{kept} objects for 5,000 versions and 1,000 jobs"
    assert running > 900, "the jobs were active while the panel was used"
    return watchdog


_REFUSING = """
import http.server

class RefusingHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RefusingHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def refused_and_gone(folder: Path, host: Host) -> Watchdog:
    refusing = subprocess.Popen(
        [sys.executable, "-c", _REFUSING], stdout=subprocess.PIPE, text=True
    )
    assert refusing.stdout is not None
    port = int(refusing.stdout.readline())
    token = folder / "token"
    token.write_text("a-token-of-the-studio")
    token.chmod(0o600)
    settings = load_settings(
        {
            "client.url": f"http://127.0.0.1:{port}",
            "client.token_file": token,
            "client.state_dir": folder / "state",
        },
        environ={"XDG_CONFIG_HOME": str(folder)},
    ).settings
    try:
        with opened_panel(settings, host) as panel:
            return _refused_and_gone(refusing, panel)
    finally:
        refusing.kill()
        refusing.communicate()


def _refused_and_gone(refusing: subprocess.Popen[str], panel: Panel) -> Watchdog:
    session, shots = panel.controllers.session, panel.controllers.shots
    with Watchdog() as watchdog:
        watchdog.run_until(
            lambda: session.connection.value.state is ConnectionState.LOST, "the refusal"
        )
        assert "503" in session.connection.value.text
        shots.search("S_0001")
        watchdog.run(1.0)
        refusing.kill()
        refusing.wait()
        session.reconnect()
        shots.search("")
        watchdog.run(1.5)
        assert session.connection.value.state in (ConnectionState.LOST, ConnectionState.CONNECTING)
    return watchdog


def test_while_frames_are_sent_and_the_gateway_hangs_and_dies(qapp: object, tmp_path: Path) -> None:
    check_responsive(sent_hung_and_killed, tmp_path)


def test_while_a_thousand_jobs_report_beside_five_thousand_versions(
    qapp: object, tmp_path: Path, shots_host: Callable[[int], Host]
) -> None:
    def a_thousand_jobs(folder: Path) -> Watchdog:
        return jobs_and_versions(folder, shots_host(1000))

    # Five updates of each job within seconds are a hundred times the usual load, and computing
    # takes longer on shared cores: one and a half frames.
    check_responsive(a_thousand_jobs, tmp_path, p99=0.024)


def test_while_the_gateway_refuses_and_is_not_there(
    qapp: object, tmp_path: Path, shots_host: Callable[[int], Host]
) -> None:
    def refused(folder: Path) -> Watchdog:
        return refused_and_gone(folder, shots_host(500))

    check_responsive(refused, tmp_path)
