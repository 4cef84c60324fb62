"""Presets of the chosen service: list, save, apply, export, import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_ui.core.observable import Observable
from bridge_ui.core.translate import tr
from bridge_ui.core.workers import BackgroundTask, LatestCall, OnError
from bridge_ui.send.presets import Preset, PresetStore, read_preset, write_preset

if TYPE_CHECKING:
    from bridge_ui.core.session import Session


class PresetController:
    """``apply`` fills the form from a preset. ``names`` lists the presets of a service."""

    def __init__(
        self,
        session: Session,
        folder: Path,
        apply: Callable[[Preset], None],
        show_message: Callable[[str], None],
        on_error: OnError,
    ) -> None:
        self.names: Observable[tuple[str, ...]] = Observable(())
        self._disk = session.disk_pool
        self._store = PresetStore(folder)
        self._apply = apply
        self._show_message = show_message
        self._on_error = on_error
        self._service = ""
        self._names_call: LatestCall[tuple[str, ...]] = LatestCall(session.disk_pool)
        self._load_call: LatestCall[Preset] = LatestCall(session.disk_pool)

    def show_service(self, service: str) -> None:
        """List the presets of a service in :attr:`names`."""
        if service != self._service:
            self._service = service
            self.names.set(())
        self._names_call.run(lambda _: self._store.names(service), self.names.set)

    def save(self, preset: Preset) -> None:
        def saved(stem: str) -> None:
            self._show_message(tr("preset {name} saved", name=stem))
            self.show_service(self._service)

        self._disk.run(lambda _: self._store.save(preset), saved, self._on_error)

    def load(self, name: str) -> None:
        """Apply a preset."""
        service = self._service
        self._load_call.run(lambda _: self._store.load(service, name), self._apply, self._on_error)

    def remove(self, name: str) -> None:
        service = self._service
        self._disk.run(
            lambda _: self._store.remove(service, name),
            lambda _: self.show_service(self._service),
            self._on_error,
        )

    def export(self, name: str, target: Path) -> None:
        """Write a preset to a file that others can import."""
        service = self._service

        def export(_: BackgroundTask) -> None:
            write_preset(self._store.load(service, name), target)

        def exported(_: None) -> None:
            self._show_message(tr("preset {name} written to {file}", name=name, file=target.name))

        self._disk.run(export, exported, self._on_error)

    def import_file(self, source: Path) -> None:
        """Save a preset from a file, and apply it."""

        def load(_: BackgroundTask) -> Preset:
            preset = read_preset(source)
            self._store.save(preset)
            return preset

        self._load_call.run(load, self._apply, self._on_error)

    def close(self) -> None:
        self._names_call.cancel()
        self._load_call.cancel()
