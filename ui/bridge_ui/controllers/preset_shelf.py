"""The presets of the service that is chosen: listed, kept, used, passed on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.pool import Failed, Latest, Task
from bridge_ui.controllers.presets import Preset, Presets, read, write
from bridge_ui.translate import tr

if TYPE_CHECKING:
    from bridge_ui.controllers.session import Session


class PresetShelf:
    """``use`` puts a preset into the form, ``said`` is told what was done, ``failed`` what was
    not. ``names`` are those of the service that was listed last."""

    def __init__(
        self,
        session: Session,
        folder: Path,
        use: Callable[[Preset], None],
        said: Callable[[str], None],
        failed: Failed,
    ) -> None:
        self.names: Observable[tuple[str, ...]] = Observable(())
        self._disk = session.disk
        self._presets = Presets(folder)
        self._use = use
        self._said = said
        self._failed = failed
        self._service = ""
        self._listing: Latest[tuple[str, ...]] = Latest(session.disk)
        self._taking: Latest[Preset] = Latest(session.disk)

    def list(self, service: str) -> None:
        """Have :attr:`names` be a service's."""
        if service != self._service:
            self._service = service
            self.names.set(())
        self._listing.ask(lambda _: self._presets.names(service), self.names.set)

    def save(self, preset: Preset) -> None:
        def saved(stem: str) -> None:
            self._said(tr("preset {name} saved", name=stem))
            self.list(self._service)

        self._disk.run(lambda _: self._presets.save(preset), saved, self._failed)

    def load(self, name: str) -> None:
        """Use one of :attr:`names`."""
        service = self._service
        self._taking.ask(lambda _: self._presets.load(service, name), self._use, self._failed)

    def remove(self, name: str) -> None:
        service = self._service
        self._disk.run(
            lambda _: self._presets.remove(service, name),
            lambda _: self.list(self._service),
            self._failed,
        )

    def share(self, name: str, target: Path) -> None:
        """Write one of :attr:`names` to a file that others can take in."""
        service = self._service

        def share(_: Task) -> None:
            write(self._presets.load(service, name), target)

        def shared(_: None) -> None:
            self._said(tr("preset {name} written to {file}", name=name, file=target.name))

        self._disk.run(share, shared, self._failed)

    def take(self, source: Path) -> None:
        """Take in a preset that somebody shared, and use it."""

        def take(_: Task) -> Preset:
            preset = read(source)
            self._presets.save(preset)
            return preset

        self._taking.ask(take, self._use, self._failed)

    def close(self) -> None:
        self._listing.cancel()
        self._taking.cancel()
