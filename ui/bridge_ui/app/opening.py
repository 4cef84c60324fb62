"""Opens a panel: what every host and the standalone window call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.app.panel import Panel

_MINIMUM_VERSION = (6, 5)
#: Every Qt call that returns nothing drops a reference to None in it, on Python 3.10 and 3.11:
#: after some 5,000 calls the interpreter aborts, and the host with it.
_BROKEN_VERSIONS = ((6, 12, 0),)


def open_panel(
    settings: Settings | Callable[[], Settings], host: Host, parent: QWidget | None = None
) -> Panel:
    """A panel, not yet shown. On the main thread, with an application that exists; end it with
    :meth:`~bridge_ui.app.panel.Panel.close_down`.

    It is a shell, made in milliseconds. The first time that it is seen it loads what it needs on
    a thread of its own and goes to work; what keeps it from that it shows in words.

    :param settings: or a function that reads them, called on that thread. A host that reads them
        itself imports pydantic on its main thread, which takes longer than all the rest.
    :raises ConfigError: a PySide6 that the panel cannot be run with.
    """
    import PySide6

    check_qt(PySide6.__version__)
    from bridge_ui.app.panel import Panel
    from bridge_ui.app.panel_loader import PanelLoader
    from bridge_ui.widgets.main_thread import MainThreadDispatcher, install_translations

    install_translations()
    main_thread = MainThreadDispatcher()
    panel = Panel(PanelLoader(settings, host, main_thread.post), parent)
    main_thread.setParent(panel)
    return panel


def check_qt(version: str) -> None:
    """
    :raises ConfigError: this PySide6 is too old or broken.
    """
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers[:2] < _MINIMUM_VERSION:
        raise ConfigError(
            f"PySide6 {version} is older than the panel needs",
            where="PySide6",
            next_step="install PySide6-Essentials 6.5 to 6.11, or use a newer host",
        )
    if numbers in _BROKEN_VERSIONS:
        raise ConfigError(
            f"PySide6 {version} loses a reference in every call and aborts after a while",
            where="PySide6",
            next_step="install another version: pip install 'PySide6-Essentials>=6.5,!=6.12.0'",
        )
