"""Presets: settings of a service, stored as YAML; list, save, apply, export, import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue, ValidationError

from bridge_core.errors import InvalidRequest, ShotbridgeError
from bridge_core.models.base import StoredModel, validation_error
from bridge_core.models.enumerations import OutputFormat
from bridge_core.models.shots import sanitise_name
from bridge_core.system.files import atomic_write_bytes, storage_errors
from bridge_core.system.private_files import make_private_folder
from bridge_ui.core.observable import Observable, unwatch_all
from bridge_ui.core.thread_pool import BackgroundTask, LatestCall, OnError
from bridge_ui.core.translate import tr

if TYPE_CHECKING:
    from bridge_ui.core.session import Session


class Preset(StoredModel):
    """The part of a request that does not depend on the shot."""

    service: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=128)
    parameters: dict[str, JsonValue] = {}
    note: str = Field(default="", max_length=5000)
    output_format: OutputFormat = OutputFormat.EXR


class PresetStore:
    """Presets in ``folder``, as ``SERVICE/NAME.yaml``. Not for the panel's thread, as it accesses
    the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self, service: str) -> tuple[str, ...]:
        """Names of a service's presets, sorted."""
        # Hidden files are ones that are being written; a preset's name has no dot at its ends.
        paths = (self.folder / service).glob("[!.]*.yaml")
        return tuple(sorted((path.stem for path in paths), key=str.casefold))

    def load(self, service: str, name: str) -> Preset:
        """
        :raises InvalidRequest: it does not exist or cannot be read.
        """
        return read_preset(self._path(service, name))

    def save(self, preset: Preset) -> str:
        """Save under a valid file name, which is returned; replaces an existing preset.

        :raises NotWritable: the folder is not writable.
        """
        path = self._path(preset.service, preset.name)
        with storage_errors(path):
            make_private_folder(path.parent)
        write_preset(preset, path)
        return path.stem

    def remove(self, service: str, name: str) -> None:
        """
        :raises NotWritable: the folder is not writable.
        """
        path = self._path(service, name)
        with storage_errors(path):
            path.unlink(missing_ok=True)

    def _path(self, service: str, name: str) -> Path:
        folder = self.folder / sanitise_name(service, default="service")
        return folder / f"{sanitise_name(name, default='preset')}.yaml"


def read_preset(path: Path) -> Preset:
    """Read a preset from a file.

    :raises InvalidRequest: the file does not exist, is no YAML, or no preset.
    """
    import yaml

    from bridge_core.config import bounded_yaml

    try:
        raw: Any = bounded_yaml.load_yaml(bounded_yaml.read_bounded(path))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(path, f"it is not YAML: {error}") from error
    try:
        return Preset.model_validate(raw)
    except ValidationError as error:
        raise validation_error(error, label="preset", where=str(path)) from error


def write_preset(preset: Preset, path: Path) -> None:
    """Write a preset to a file atomically.

    :raises NotWritable: the folder is missing or not writable.
    :raises DiskFull: no space or quota is left.
    """
    import yaml

    text = yaml.safe_dump(preset.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    atomic_write_bytes(path, text.encode("utf-8"))


def _unreadable(path: Path, why: str) -> ShotbridgeError:
    return InvalidRequest(
        f"this preset cannot be read: {why}",
        where=str(path),
        next_step="choose a file that Shotbridge has saved as a preset",
    )


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
        self.close = unwatch_all(self._names_call.cancel, self._load_call.cancel)

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
