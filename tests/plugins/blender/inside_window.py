"""Qt events, the panel's window and the preferences. This Blender has no window and runs no timers,
so the tests process the events themselves."""

from __future__ import annotations

import locale
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import pytest

from bridge_core.errors import ConfigError

MODULE = "bl_ext.user_default.shotbridge"
qt_event_loop = import_module(f"{MODULE}.bridge_blender.qt_event_loop")
window = import_module(f"{MODULE}.bridge_blender.window")
preferences = import_module(f"{MODULE}.bridge_blender.preferences")


@pytest.fixture(autouse=True)
def _no_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No gateway is found or started."""
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__STATE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    yield
    window.close_window()
    for name in ("url", "token_file", "gateway_python", "user"):
        setattr(preferences.get_preferences(), name, "")


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        qt_event_loop.process_events()
        time.sleep(0.005)


def _window() -> Any:
    return window._window


def _panel() -> Any:
    return _window()._panel


def test_qt_leaves_blenders_locale_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = locale.setlocale(locale.LC_ALL)
    qt_event_loop.application()
    assert locale.setlocale(locale.LC_ALL) == before


def test_it_opens_reports_problems_and_closes_completely() -> None:
    from PySide6.QtWidgets import QApplication

    assert _window() is None
    window.open_window()
    panel = _panel()
    wait_until(lambda: panel._is_built)
    wait_until(lambda: "no gateway to start" in str(panel.controllers.session.connection.value))
    assert qt_event_loop.is_running()
    first = _window()
    window.open_window()
    assert window._window is first, "there is one at most"

    first.close()
    assert window._window is None
    assert qt_event_loop._on_timer() is None, "Blender may take the timer off"
    assert not [w for w in QApplication.topLevelWidgets() if w.objectName() == "shotbridge"]
    window.close_window()


def test_an_error_does_not_remove_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    window.open_window()

    def fail() -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as within:
        within.setattr(qt_event_loop, "process_events", fail)
        assert qt_event_loop._on_timer() == qt_event_loop.INTERVAL
    assert qt_event_loop._on_timer() == qt_event_loop.INTERVAL


def test_loading_a_file_restores_the_timer() -> None:
    window.open_window()
    bpy.app.timers.unregister(qt_event_loop._on_timer)
    bpy.ops.wm.read_homefile(use_factory_startup=True, app_template="")
    assert qt_event_loop.is_running()
    assert preferences.get_preferences() is not None


def test_disabling_and_enabling_the_extension() -> None:
    window.open_window()
    addon_utils.disable(MODULE)
    assert window._window is None
    assert not qt_event_loop.is_running()
    assert qt_event_loop._on_load_post not in bpy.app.handlers.load_post
    addon_utils.enable(MODULE, default_set=True)
    fresh = import_module(f"{MODULE}.bridge_blender.window")
    fresh.open_window()
    assert fresh._window is not None
    fresh.close_window()


def test_preferences_override_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__USER", "somebody")
    assert preferences.settings_reader()().client.user == "somebody"
    mine = preferences.get_preferences()
    mine.user, mine.gateway_python = " Ada Lovelace ", "/opt/shotbridge/bin/python"
    settings = preferences.settings_reader()()
    assert settings.client.user == "Ada Lovelace"
    command = ("/opt/shotbridge/bin/python", "-m", "bridge_gateway")
    assert settings.client.gateway_command == command


def test_offline_only_local_gateways_are_allowed() -> None:
    system = bpy.context.preferences.system
    before = system.use_online_access
    system.use_online_access = False
    mine = preferences.get_preferences()
    try:
        mine.url = "http://127.0.0.1:8700"
        assert preferences.settings_reader()().client.url == mine.url
        mine.url = "https://ai.studio.example"
        with pytest.raises(ConfigError, match="may not go online") as caught:
            preferences.settings_reader()()
        assert "Allow Online Access" in caught.value.next_step
        system.use_online_access = True
        assert preferences.settings_reader()().client.url == mine.url
    finally:
        system.use_online_access = before
