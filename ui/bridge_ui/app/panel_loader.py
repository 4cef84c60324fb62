"""Loads what the panel needs on a thread, then creates the controllers on the panel's.

Reading the configuration and importing pydantic, the models and the controllers takes longer than
a host's main thread may block. Qt is not imported here: only the main thread may do that.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from bridge_core.errors import ConfigError, ShotbridgeError
from bridge_ui.core.thread_pool import OnError, ThreadPool, unexpected_error

if TYPE_CHECKING:
    from bridge_core.hosts.base import Host
    from bridge_core.models.settings import Settings
    from bridge_ui.app.controllers import Controllers
    from bridge_ui.app.page_registry import PageSpec
    from bridge_ui.core.observable import Post

#: Everything without Qt that a panel with its cut imports; a test checks for completeness.
_FIRST_MODULES = (
    "bridge_ui.app.controllers",
    "bridge_ui.connection.settings_controller",
    "bridge_core.client",
    "bridge_ui.review.annotations.sketch",
    "bridge_ui.review.compare.viewer_settings",
    "bridge_ui.review.player.frame_cache",
    "bridge_ui.review.player.plate_timecode",
    "bridge_ui.review.player.playback_clock",
)
#: What is needed for the first click or for what the gateway sends: loaded when the panel is ready,
#: so that neither has to wait.
_LATER_MODULES = (
    "requests",
    "bridge_core.models.gateway",
    "bridge_core.models.services",
    "bridge_core.models.costs",
)


class PanelLoader:
    """``settings`` may be a function that reads them, which is called on a thread."""

    def __init__(self, settings: Settings | Callable[[], Settings], host: Host, post: Post) -> None:
        self.host = host
        self.plugin_pages: tuple[PageSpec, ...] = ()
        """The pages of other packages, once loaded."""
        self._settings_source = settings
        self._post = post
        self._settings: Settings | None = None
        self._pool = ThreadPool(post, 1, "shotbridge-opening")
        self._kept_sources = frozenset(linecache.cache)
        """Files whose source was in Python's cache before."""

    def start(self, done: Callable[[], None], failed: OnError) -> None:
        """Load on a thread, then call ``done`` on the panel's; may be called again to retry."""

        def loaded(settings: Settings) -> None:
            self._settings = settings
            done()

        self._pool.run(lambda _: self._load(), loaded, failed)

    def make_controllers(self) -> Controllers:
        """Create the controllers on the panel's thread; blocks if they are not loaded yet.

        :raises ShotbridgeError: the configuration cannot be read, a package cannot be imported.
        """
        settings = self._settings or self._load()
        from bridge_ui.app.controllers import Controllers

        return Controllers(settings, self.host, self._post)

    def load_rest(self) -> None:
        """Load on the thread what a panel that is ready does not need yet."""
        self._pool.run(lambda _: self._import(_LATER_MODULES))

    def close(self, timeout: float = 0.0) -> None:
        """End the thread; waits up to ``timeout`` seconds."""
        self._pool.close(timeout)

    def _load(self) -> Settings:
        try:
            source = self._settings_source
            settings = source() if callable(source) else source
            self._import(_FIRST_MODULES)
            from bridge_ui.app.page_plugins import load_pages

            self.plugin_pages = load_pages()
        except ImportError as error:
            raise opening_error(error) from error
        return settings

    def _import(self, names: Iterable[str]) -> None:
        for name in names:
            import_module(name)
            self._free_sources()

    def _free_sources(self) -> None:
        """Drop the source code of files that Python cached since the panel opened: 8 MB.

        PySide reads the source of every imported module, in search of its ``__feature__``. For a
        traceback, Python reads it again; it cannot do so for lines typed in a console, which have
        no time of modification.
        """
        for filename, entry in list(linecache.cache.items()):
            is_file = len(entry) > 1 and entry[1] is not None
            if is_file and filename not in self._kept_sources:
                linecache.cache.pop(filename, None)


def opening_error(error: Exception) -> ShotbridgeError:
    """Why a panel cannot be opened, as a ShotbridgeError."""
    if isinstance(error, ShotbridgeError):
        return error
    if isinstance(error, ImportError):
        return ConfigError(
            f"a required package cannot be loaded: {error}",
            where=sys.prefix,
            next_step=f"install Shotbridge for Python {sys.version.split()[0]}",
        )
    return unexpected_error(error)
