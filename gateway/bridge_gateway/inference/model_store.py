"""What is installed in a folder of models, and whether it is still what was installed.

::

    <models folder>/
        span-x2/span-x2.onnx
        span-x2/installed.json      name, version, hashes, licence, date
        bikes/bikes.mp4
        ...
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge_core.errors import ModelMissing
from bridge_gateway.inference.catalogue import CatalogueEntry, Sha256, bundled_catalogue

RECORD_FILENAME = "installed.json"

#: Two seconds: the coarsest clock of a file system in use, FAT's.
_MTIME_RESOLUTION_NS = 2_000_000_000
#: What files were when they were last hashed, and the hash.
_hash_cache: dict[Path, tuple[tuple[int, ...], str]] = {}


class InstallRecord(BaseModel):
    """Content of ``installed.json``: where the installed bytes came from and what they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Annotated[int, Field(alias="schema")] = 1
    id: str
    package: str
    version: str
    package_sha256: Sha256
    #: Hashes of the files as they were in the package, by path.
    sources: dict[str, Sha256]
    #: Version of the conversion that made the file; 0 for files kept as they came.
    converter: int
    file: str
    sha256: Sha256
    licence: str
    attribution: str
    installed_at: datetime


@dataclass(frozen=True)
class InstalledModel:
    """An installed entry: ``path`` is the network or the movie, ``sha256`` its hash."""

    entry: CatalogueEntry
    path: Path
    sha256: str
    record: InstallRecord

    @property
    def id(self) -> str:
        return self.entry.id


def require_installed(models_dir: Path, entry_id: str) -> InstalledModel:
    """The installed entry of that id, its bytes verified: hashed once in a process, and again
    whenever the file was touched.

    Raises :class:`bridge_core.errors.ModelMissing` when it is not there, of another version than
    the catalogue's, or changed on disk; :class:`bridge_core.errors.NotFound` for an unknown id.
    """
    entry = bundled_catalogue().get_entry(entry_id)
    model = find_installed(models_dir, entry)
    if isinstance(model, str):
        raise ModelMissing(
            f"{entry.title} is not installed: {model}",
            where=str(models_dir / entry.id),
            next_step="run `shotbridge models install`",
            details={"model": entry.id, "models_dir": str(models_dir)},
        )
    return model


def list_installed(models_dir: Path) -> list[InstalledModel]:
    """Every entry of the catalogue that is installed and intact."""
    results = (find_installed(models_dir, entry) for entry in bundled_catalogue().entries)
    return [model for model in results if isinstance(model, InstalledModel)]


def footage_path(models_dir: Path, name: str) -> Path:
    """The movie file of installed footage, for example ``big-buck-bunny``."""
    return require_installed(models_dir, name).path


def find_installed(models_dir: Path, entry: CatalogueEntry) -> InstalledModel | str:
    """The installed entry, or in words why it does not count as installed."""
    folder = models_dir / entry.id
    try:
        record = InstallRecord.model_validate_json((folder / RECORD_FILENAME).read_bytes())
        digest = _cached_sha256(folder / entry.installed_filename)
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"{Path(error.filename).name} cannot be read ({error.strerror})"
    except ValidationError:
        return f"{RECORD_FILENAME} is not readable"
    if record.package_sha256 != entry.package.sha256:
        return f"it comes from {record.package} {record.version}, not {entry.package.version}"
    if record.sources != {file.path: file.sha256 for file in entry.files}:
        return "it was made from other files of the package"
    if record.converter != _converter_version(entry):
        return "it was converted by another version of Shotbridge"
    if record.sha256 != digest:
        return f"{entry.installed_filename} has changed on disk"
    return InstalledModel(entry, folder / entry.installed_filename, digest, record)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached_sha256(path: Path) -> str:
    """SHA-256 of a file that seldom changes, read again only where it may have changed."""
    status = path.stat()
    # A copy can be given any time of modification; nobody sets the time of the change itself
    # (which on Windows is that of the file's creation).
    stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    cached = _hash_cache.get(path)
    if cached is not None and cached[0] == stamp:
        return cached[1]
    digest = file_sha256(path)
    # A file of this moment may be written to again without getting another time.
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _MTIME_RESOLUTION_NS:
        _hash_cache[path] = (stamp, digest)
    return digest


def _converter_version(entry: CatalogueEntry) -> int:
    from bridge_gateway.inference.ncnn_reader import CONVERTER_VERSION

    return CONVERTER_VERSION if entry.format == "ncnn" else 0
