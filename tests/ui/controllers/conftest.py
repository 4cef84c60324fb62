"""Controllers without Qt: the test's thread acts as the panel's; the gateway is a real one."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_main_thread import FakeMainThread

from bridge_core import gateway_launcher
from bridge_core.config import load_settings
from bridge_core.models.settings import Settings
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.session import Session

pytest.importorskip("fastapi")
oiio = pytest.importorskip("OpenImageIO")
otio = pytest.importorskip("opentimelineio")

RATE = 25.0


@pytest.fixture
def main_thread() -> FakeMainThread:
    return FakeMainThread()


def settings_in(folder: Path, **more: Any) -> Settings:
    return load_settings(
        {
            "client.state_dir": folder / "state",
            "client.user": "Ada Lovelace",
            "gateway.data_dir": folder / "data",
            "gateway.library_dir": folder / "library",
            "gateway.models_dir": folder / "models",
            "work.handles": 2,
            **{name.replace("__", "."): value for name, value in more.items()},
        },
        environ={"XDG_CONFIG_HOME": str(folder)},
    ).settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a gateway that the tests of a module share; the first call starts it."""
    shared = settings_in(tmp_path_factory.mktemp("ui"))
    yield shared
    gateway_launcher.stop_gateway(shared)


@pytest.fixture
def own_settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a gateway of the test's own, to be killed."""
    own = settings_in(tmp_path / "own")
    yield own
    gateway_launcher.stop_gateway(own)


@pytest.fixture(name="settings_in")
def _settings_in() -> Callable[..., Settings]:
    return settings_in


@pytest.fixture
def kill_gateway() -> Callable[..., None]:
    def kill(settings: Settings, how: signal.Signals = signal.SIGKILL) -> None:
        announcement = json.loads((settings.client.state_dir / "gateway.json").read_text())
        os.kill(announcement["pid"], how)

    return kill


def write_cut(
    path: Path, shots: dict[str, int], *, frames: range = range(1001, 1011), show: str = "bunny"
) -> Path:
    """Write a cut with small plates; ``shots`` has the first frame of each."""
    timeline = otio.schema.Timeline(show)
    timeline.metadata["shotbridge"] = {"show": show}
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)

    def time_of(value: int) -> Any:
        return otio.opentime.RationalTime(value, RATE)

    for name, first in shots.items():
        folder = path.parent / "plates" / name
        folder.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            file = folder / f"{name}.{frame}.exr"
            if not file.exists():
                picture = oiio.ImageBuf(oiio.ImageSpec(48, 32, 3, "half"))
                oiio.ImageBufAlgo.fill(picture, (frame % 100 / 20, 0.2, 0.5))
                assert picture.write(str(file))
        media = otio.schema.ImageSequenceReference(
            target_url_base=folder.as_uri() + "/",
            name_prefix=f"{name}.",
            name_suffix=".exr",
            start_frame=frames.start,
            rate=RATE,
            frame_zero_padding=4,
            available_range=otio.opentime.TimeRange(time_of(frames.start), time_of(len(frames))),
            metadata={"shotbridge": {"colour_space": "ACEScg"}},
        )
        span = otio.opentime.TimeRange(time_of(first), time_of(4))
        track.append(otio.schema.Clip(name, media_reference=media, source_range=span))
    otio.adapters.write_to_file(timeline, str(path))
    return path


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    # Unique names for each test, as the gateway is shared.
    number = abs(hash(str(tmp_path))) % 1_000_000
    shots = {f"AB{number}_0010": 1003, f"AB{number}_0020": 1003}
    return write_cut(folder / "reel 2.otio", shots, show=f"show{number}")


@pytest.fixture
def session(settings: Settings, cut: Path, main_thread: FakeMainThread) -> Iterator[Session]:
    """A connected session with the cut."""
    new_session = Session(settings, StandaloneHost(settings, cut), main_thread.post)
    new_session.start()
    main_thread.wait_until(
        lambda: new_session.connection.value.is_connected, "the gateway to answer"
    )
    yield new_session
    new_session.close(timeout=10)
    assert no_threads_left(), [thread.name for thread in threading.enumerate()]


@pytest.fixture(name="no_threads_left")
def _no_threads_left() -> Callable[[], bool]:
    return no_threads_left


def no_threads_left(seconds: float = 20) -> bool:
    """Whether all threads of panels end within this time."""
    deadline = time.monotonic() + seconds
    while any(thread.name.startswith("shotbridge-") for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(name="write_cut")
def _write_cut() -> Callable[..., Path]:
    return write_cut
