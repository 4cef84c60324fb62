"""Installed models: finds them and verifies that they have not changed.

::

    <models folder>/
        span-x2/span-x2.onnx
        span-x2/installed.json      name, version, hashes, licence, date
        bikes/bikes.mp4
        ...
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge_core.errors import ModelMissing, UnreadableMedia
from bridge_core.models.media import Sha256
from bridge_core.system.files import hash_file
from bridge_gateway.inference.catalogue import GRAPH_VERSION, CatalogueEntry, bundled_catalogue

RECORD_FILENAME = "installed.json"

#: Two seconds: FAT has the coarsest timestamps of the file systems in use.
_MTIME_RESOLUTION_NS = 2_000_000_000
#: File status and hash of each file when it was last hashed.
_hash_cache: dict[Path, tuple[tuple[int, ...], str]] = {}


class InstallRecord(BaseModel):
    """Content of ``installed.json``: the origin and the hashes of an installed entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Annotated[int, Field(alias="schema")] = 1
    id: str
    package: str
    version: str
    package_sha256: Sha256
    #: Hashes of the package's files, by path.
    sources: dict[str, Sha256]
    #: :func:`graph_version` at the time of the installation.
    graph: int
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
    """The installed entry with that id, verified by hash: once per process, and again whenever the
    file has been modified.

    :raises ModelMissing: it is missing, changed, or not the catalogue's version.
    :raises NotFound: the catalogue has no such id.
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


def footage_path(models_dir: Path, name: str) -> Path:
    """The movie file of installed footage, such as ``big-buck-bunny``."""
    return require_installed(models_dir, name).path


def find_installed(models_dir: Path, entry: CatalogueEntry) -> InstalledModel | str:
    """The installed entry, or the reason why it does not count as installed."""
    folder = models_dir / entry.id
    try:
        record = InstallRecord.model_validate_json((folder / RECORD_FILENAME).read_bytes())
        digest = _cached_sha256(folder / entry.installed_filename)
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"{Path(error.filename).name} cannot be read ({error.strerror})"
    except UnreadableMedia as error:
        return f"{entry.installed_filename}: {error.message}"
    except ValidationError:
        return f"{RECORD_FILENAME} is not valid"
    if record.package_sha256 != entry.package.sha256:
        return f"it comes from {record.package} {record.version}, not {entry.package.version}"
    if record.sources != {file.path: file.sha256 for file in entry.files}:
        return "it was installed from other files of the package"
    if record.graph != graph_version(entry):
        return "it was built by another version of Shotbridge"
    if record.sha256 != digest:
        return f"{entry.installed_filename} has changed on disk"
    return InstalledModel(entry, folder / entry.installed_filename, digest, record)


def _cached_sha256(path: Path) -> str:
    """The SHA-256 of a file that rarely changes, hashed again only if it may have changed."""
    status = path.stat()
    # The modification time of a copy can be set freely, the change time cannot. (On Windows,
    # st_ctime is the creation time.)
    stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    cached = _hash_cache.get(path)
    if cached is not None and cached[0] == stamp:
        return cached[1]
    digest = hash_file(path)
    # A file written just now could be written again without a new timestamp.
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _MTIME_RESOLUTION_NS:
        _hash_cache[path] = (stamp, digest)
    return digest


def graph_version(entry: CatalogueEntry) -> int:
    """Version of the graph of an installed entry; 0 for footage."""
    return GRAPH_VERSION if entry.kind == "weights" else 0
