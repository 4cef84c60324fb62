"""The wheels in the extension: exact versions with hashes, from ``wheels.lock``.

They are downloaded once into ``.cache/blender/wheels``; after that no network is needed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import trimming
from targets import TARGETS, Target

HERE = Path(__file__).parent
REPO = HERE.parents[1]
CACHE = REPO / ".cache" / "blender"
LOCK = HERE / "wheels.lock"

#: Qt 6.8 is that of the VFX Reference Platform CY2026, and its wheels support the same systems as
#: Blender (glibc 2.28). The panel works with 6.5 and newer.
QT = "6.8.3"
_QT_VERSION = f"0+shotbridge.{QT}"
_LOCK_HEADER = """\
# What the Blender extension carries, by hash; made by `build_extension.py --lock`.
"""


def client_wheel(folder: Path) -> Path:
    """Our own wheel, built from setup.py, without the gateway, which has its own Python."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = whole_wheel(Path(scratch))
        version = whole.name.split("-")[1]
        return trimming.trim(
            whole,
            folder,
            lambda name: not name.startswith("bridge_gateway/"),
            f"{version}+client",
            "a host only needs the client, the gateway is installed separately",
        )


def whole_wheel(folder: Path) -> Path:
    """Our own wheel as built by setup.py, from a copy, since building leaves files behind."""
    source = folder / "source"
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        source.mkdir(exist_ok=True)
        shutil.copy(REPO / name, source)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for source_folder in ("bridge_core", "ui", "gateway"):
        shutil.copytree(REPO / source_folder, source / source_folder, ignore=ignore)
    _run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source],
    )
    return next(folder.glob("*.whl"))


def locked(target: Target) -> list[Path]:
    """The wheels of other projects for a target, with PySide6 trimmed; downloaded if necessary.

    :raises SystemExit: the download failed.
    """
    folder = CACHE / "wheels" / target.name
    marker = folder / "made-from"
    recipe = hashlib.sha256(
        b"".join(path.read_bytes() for path in (LOCK, Path(__file__), Path(trimming.__file__)))
    ).hexdigest()
    if not (marker.exists() and marker.read_text() == recipe):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            _download(target, Path(scratch), ["--no-deps", "--require-hashes", "-r", str(LOCK)])
            for wheel in Path(scratch).glob("*.whl"):
                _add_wheel(wheel, folder)
        marker.write_text(recipe)
    return sorted(folder.glob("*.whl"))


def lock() -> None:
    """Resolve the requirements of our own wheel for every target, and write the lock."""
    with tempfile.TemporaryDirectory() as scratch:
        own = whole_wheel(Path(scratch))
        found: dict[str, set[str]] = {}
        for target in TARGETS:
            folder = Path(scratch) / target.name
            _download(target, folder, [str(own), f"PySide6-Essentials=={QT}"])
            for wheel in folder.glob("*.whl"):
                if wheel.name != own.name:
                    name, version = wheel.name.split("-")[:2]
                    pin = f"{name.replace('_', '-').lower()}=={version}"
                    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                    found.setdefault(pin, set()).add(digest)
    lines = [
        " \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in sorted(found[pin]))])
        for pin in sorted(found)
    ]
    LOCK.write_text(_LOCK_HEADER + "\n".join([*lines, ""]))


def _add_wheel(wheel: Path, folder: Path) -> None:
    if wheel.name.lower().startswith("pyside6_essentials-"):
        trimming.trim(
            wheel, folder, trimming.is_needed_by_panel, _QT_VERSION, "the panel does not use them"
        )
    elif wheel.name.startswith("shiboken6-"):
        # It is complete, but needs the version of the PySide6 that it belongs to.
        trimming.trim(wheel, folder, lambda _: True, _QT_VERSION, "none, it is complete")
    else:
        shutil.copy(wheel, folder)


def _download(target: Target, folder: Path, what: Iterable[str]) -> None:
    _run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder),
            *("--only-binary", ":all:", "--implementation", "cp"),
            *("--python-version", ".".join(map(str, target.python))),
            *(word for abi in (target.tag, "abi3", "none") for word in ("--abi", abi)),
            *(word for name in target.wheel_platforms for word in ("--platform", name)),
            *what,
        ]
    )


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
