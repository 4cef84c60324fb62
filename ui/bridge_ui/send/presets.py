"""Presets: settings of a service, stored as YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from bridge_core.errors import InvalidRequest, NotWritable, ShotbridgeError
from bridge_core.models.base import StoredModel, validation_error
from bridge_core.models.requests import OutputFormat
from bridge_core.models.shots import sanitise_name
from bridge_core.system.files import atomic_write_bytes
from bridge_core.system.private_files import make_private_folder


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
        found = (self.folder / service).glob("[!.]*.yaml")
        return tuple(sorted((path.stem for path in found), key=str.casefold))

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
        try:
            make_private_folder(path.parent)
        except OSError as error:
            raise _not_writable(path, error) from error
        write_preset(preset, path)
        return path.stem

    def remove(self, service: str, name: str) -> None:
        try:
            self._path(service, name).unlink(missing_ok=True)
        except OSError as error:
            raise _not_writable(self._path(service, name), error) from error

    def _path(self, service: str, name: str) -> Path:
        return (
            self.folder
            / sanitise_name(service, default="service")
            / (sanitise_name(name, default="preset") + ".yaml")
        )


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


def _not_writable(path: Path, error: OSError) -> ShotbridgeError:
    return NotWritable(
        f"the preset cannot be written: {error.strerror or error}",
        where=str(path),
        next_step="choose a writable folder",
    )
