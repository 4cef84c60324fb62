"""The connection popover: settings and their origins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from bridge_core.config import load_settings, user_file
from bridge_core.hosts.base import Host
from bridge_core.models.settings import ClientSettings, Settings
from bridge_ui.connection.connection_view import ConnectionPopover
from bridge_ui.core.session import Session
from bridge_ui.theme.colours import ThemeColours
from bridge_ui.theme.style_sheet import apply_theme
from bridge_ui.widgets.basic import show_popover
from bridge_ui.widgets.main_thread import MainThreadDispatcher

Open = Callable[[], ConnectionPopover]


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited too long"
        QTest.qWait(5)


@pytest.fixture
def opened(qapp: QApplication, tmp_path: Path, shots_host: Callable[[int], Host]) -> Iterator[Open]:
    """Open the popover in a narrow panel; the session was never started."""
    settings = Settings(client=ClientSettings(state_dir=tmp_path, user="Ada Lovelace"))
    post = MainThreadDispatcher()
    session = Session(settings, shots_host(0), post.post)
    window = QWidget()
    window.resize(320, 700)
    apply_theme(window, ThemeColours())
    popover = ConnectionPopover(window, session, ThemeColours())

    def open_it() -> ConnectionPopover:
        window.show()
        show_popover(popover, window)
        wait_until(lambda: "default" in visible_text(popover))
        return popover

    yield open_it
    popover.stop()
    assert session.close(10.0)
    post.close()
    window.close()
    window.deleteLater()
    qapp.processEvents()


def visible_text(popover: ConnectionPopover) -> str:
    labels = popover.findChildren(QLabel)
    return "\n".join(one.text() for one in labels if one.isVisible())


def test_every_setting_shows_its_origin(
    opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("work:\n  download_dir: /mnt/versions\n", encoding="utf-8")
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(site))
    monkeypatch.setenv("SHOTBRIDGE__WORK__HANDLES", "8")
    text = visible_text(opened())
    assert "environment variable SHOTBRIDGE__WORK__HANDLES" in text
    assert "set when the panel was opened, or changed since" in text, "the folder is not in use"
    assert str(user_file()) in text


def test_a_name_is_saved_in_the_users_file_and_takes_effect(opened: Open) -> None:
    popover = opened()
    field = popover.findChild(QLineEdit, "client.user")
    QTest.keyClicks(field, "Grace Hopper")
    QTest.keyClick(field, Qt.Key.Key_Return)
    wait_until(lambda: "Saved in" in visible_text(popover))
    assert load_settings().settings.client.user == "Grace Hopper"
    wait_until(lambda: popover.findChild(QLineEdit, "client.user").text() == "Grace Hopper")
    assert popover._session.user == "Grace Hopper"


def test_an_invalid_url_is_refused(opened: Open) -> None:
    popover = opened()
    field = popover.findChild(QLineEdit, "client.url")
    QTest.keyClicks(field, "gateway.studio")
    QTest.keyClick(field, Qt.Key.Key_Return)
    wait_until(lambda: "a URL such as https://" in visible_text(popover))
    assert field.text() == "gateway.studio", "to be corrected"
    assert not user_file().exists()


def test_a_setting_of_a_variable_cannot_be_edited(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__USER", "Ada Lovelace")
    popover = opened()
    assert popover.findChild(QLineEdit, "client.user") is None
    assert "environment variable SHOTBRIDGE__CLIENT__USER" in visible_text(popover)


def test_the_height_fits_the_content_within_the_panel(opened: Open) -> None:
    popover = opened()
    parent = popover.parentWidget()
    assert parent is not None
    wait_until(lambda: popover.height() == min(popover.sizeHint().height(), parent.height() - 16))
    assert popover.geometry().right() < parent.width()
    assert popover.geometry().bottom() < parent.height()
