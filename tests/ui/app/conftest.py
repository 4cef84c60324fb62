"""A panel with real controllers whose session was never started, so that nothing is called."""

from __future__ import annotations

import importlib.util
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bridge_core import gateway_launcher
from bridge_core.hosts.base import Host, HostCapability, HostProblem, HostScene, HostShot
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.services import DataLocality, IntegerParameter, Service
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_ui.app.controllers import Controllers
from bridge_ui.app.page_registry import PAGES, PageSpec
from bridge_ui.app.panel import Panel
from bridge_ui.widgets.main_thread import MainThreadDispatcher

for _name in (
    "database_filler",
    "running_panel",
    "leak_check",
    "event_loop_watchdog",
    "panel_texts",
):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_name] = _module
    _spec.loader.exec_module(_module)

SERVICES = (
    Service(
        id="upscale",
        title="Upscale",
        summary="Makes pictures larger.",
        provider="local",
        data_locality=DataLocality.LOCAL,
        parameters=(
            IntegerParameter(name="grain", title="Grain", default=3, minimum=0, maximum=9),
        ),
    ),
    Service(
        id="matte",
        title="Matte",
        summary="Cuts out the foreground.",
        provider="local",
        data_locality=DataLocality.LOCAL,
    ),
)


def shot(name: str, last: int = 1040, plates: str = "/plates") -> Shot:
    plate = Plate(path=f"{plates}/{name}.%04d.exr", range=FrameRange.of(993, last + 8))
    return Shot(
        id=ShotId(show="BBB", sequence="A", shot=name),
        plate=plate,
        cut_range=FrameRange.of(1001, last),
        head_handle=8,
        tail_handle=8,
    )


class ShotsHost(Host):
    """A host that keeps its shots in memory; their plates need not exist."""

    def __init__(self, count: int, plates: str = "/plates") -> None:
        shots = (shot(f"S_{n:05d}", plates=plates) for n in range(count))
        self._scene = HostScene(
            "reel_01.otio",
            "BBB",
            tuple(HostShot(one, one.id.shot, "V1") for one in shots),
            (HostProblem("V2", "the media is offline", "relink it"),),
        )

    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset({HostCapability.SELECTION})

    def scene(self) -> HostScene:
        return self._scene


@pytest.fixture
def shots_host() -> Callable[[int], Host]:
    """Create a host with a number of shots."""
    return ShotsHost


MakePanel = Callable[..., Panel]


@pytest.fixture
def make_panel(qapp: QApplication, tmp_path: Path) -> Iterator[MakePanel]:
    panels: list[weakref.ref[Panel]] = []
    own_settings = Settings(client=ClientSettings(state_dir=tmp_path, user="Ada Lovelace"))

    def make(
        count: int = 12,
        host: Host | None = None,
        pages: Sequence[PageSpec] = PAGES,
        settings: Settings = own_settings,
    ) -> Panel:
        main_thread = MainThreadDispatcher()
        controllers = Controllers(settings, host or ShotsHost(count), main_thread.post)
        panel = Panel(controllers, pages=pages)
        main_thread.setParent(panel)
        panels.append(weakref.ref(panel))
        controllers.session.services.set(SERVICES)
        controllers.shots.reload()
        panel.resize(1400, 860)
        panel.show()
        panel.activateWindow()
        QTest.qWaitForWindowActive(panel)
        qapp.processEvents()
        return panel

    yield make
    for one in panels:
        panel = one()
        if panel is not None:
            panel.stop(2.0)
            panel.close()
            panel.deleteLater()
    qapp.processEvents()
    gateway_launcher.stop_gateway(own_settings)  # calls of a panel may have started one


@pytest.fixture
def gateway() -> Iterator[Any]:
    """A strict gateway."""
    if "strict_gateway" not in sys.modules:
        path = Path(__file__).parents[2] / "core" / "strict_gateway.py"
        spec = importlib.util.spec_from_file_location("strict_gateway", path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["strict_gateway"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["strict_gateway"])
    running = sys.modules["strict_gateway"].StrictGateway()
    yield running
    running.stop()
    assert running.violations == []


@pytest.fixture
def panel(gateway: Any, make_panel: Callable[..., Panel], tmp_path: Path) -> Panel:
    token = tmp_path / "token"
    token.write_text(gateway.token)
    token.chmod(0o600)
    client = ClientSettings(
        url=gateway.url, token_file=token, state_dir=tmp_path / "state", user="Ada Lovelace"
    )
    return make_panel(3, settings=Settings(client=client))
