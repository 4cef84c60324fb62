"""Opens a panel, in hosts and in the standalone window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from bridge_core.errors import ConfigError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.app.panel import Panel

_MINIMUM_VERSION = (6, 5)
#: On Python 3.10 and 3.11, every Qt call in this version that returns None loses a reference to
#: None: after about 5,000 calls the interpreter aborts, and the host with it.
_BROKEN_VERSIONS = ((6, 12, 0),)


def open_panel(
    settings: Settings | Callable[[], Settings], host: Host, parent: QWidget | None = None
) -> Panel:
    """Create a panel; the caller shows it. Needs the main thread and an existing application; end
    it with :meth:`~bridge_ui.app.panel.Panel.stop`.

    The panel is created empty, in milliseconds. When it is first shown, it loads what it needs on
    a thread; if that fails, it shows the error.

    :param settings: may be a function that reads them, called on that thread. Reading them in the
        host would import pydantic on its main thread, which takes longer than everything else.
    :raises ConfigError: the panel cannot run with this PySide6.
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


def settings_reader(
    overrides: Mapping[str, Any] | None = None, *, show: str | None = None
) -> Callable[[], Settings]:
    """A function for :func:`open_panel` that loads the settings when it is first called. It takes
    the arguments of :func:`bridge_core.config.load_settings`, and raises its errors."""

    @cache
    def read() -> Settings:
        from bridge_core.config import load_settings

        return load_settings(overrides, show=show).settings

    return read


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
            f"PySide6 {version} has a reference counting bug that aborts Python",
            where="PySide6",
            next_step="install another version: pip install 'PySide6-Essentials>=6.5.3,!=6.12.0'",
        )
