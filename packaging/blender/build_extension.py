"""Builds the Blender extension: a zip for each platform and Python, validated by Blender's tool.

::

    python packaging/blender/build_extension.py                     all targets, into dist/blender
    python packaging/blender/build_extension.py --only linux-x64-cp311
    python packaging/blender/build_extension.py --lock              resolve wheels.lock again
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

import bpy_environment
import wheels
from targets import TARGETS, Target, target

EXTENSION = wheels.REPO / "plugins" / "blender"


def build(targets: Iterable[Target], out: Path) -> list[Path]:
    """The zips, in the order of ``targets``.

    :raises SystemExit: a download failed, or Blender's tool rejects a zip.
    """
    out.mkdir(parents=True, exist_ok=True)
    archives = []
    with tempfile.TemporaryDirectory() as scratch:
        own = wheels.client_wheel(Path(scratch))
        for one in targets:
            folder = Path(scratch) / one.name
            _assemble(folder, one, [own, *wheels.locked(one)])
            archives.append(_zip(folder, out, one))
            shutil.rmtree(folder)
    return archives


def _assemble(folder: Path, target: Target, wheel_files: Iterable[Path]) -> None:
    """Create the extension's folder with its wheels, and the manifest that lists them."""
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(wheels.REPO / "LICENSE", folder / "LICENSE-APACHE")
    (folder / "wheels").mkdir()
    names = [Path(shutil.copy(wheel, folder / "wheels")).name for wheel in wheel_files]
    manifest = folder / "blender_manifest.toml"
    listed = "".join(f'    "./wheels/{name}",\n' for name in sorted(names))
    text = manifest.read_text(encoding="utf-8")
    # Top-level keys have to come before the first table.
    head, table, tail = text.partition("\n[")
    added = f'\nplatforms = ["{target.platform}"]\nwheels = [\n{listed}]\n'
    manifest.write_text(head + added + table + tail, encoding="utf-8")


def _zip(folder: Path, out: Path, target: Target) -> Path:
    version = tomllib.loads((folder / "blender_manifest.toml").read_text("utf-8"))["version"]
    path = out / f"shotbridge-{version}-{target.name}.zip"
    _blender_tool("build", "--source-dir", folder, "--output-filepath", path)
    # Validating the folder would not find a missing wheel.
    _blender_tool("validate", path)
    return path


def _blender_tool(*arguments: str | Path) -> None:
    command = [sys.executable, bpy_environment.extension_tool(), *arguments]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise SystemExit(
            f"Blender's tool failed to {arguments[0]}:\n{completed.stdout}{completed.stderr}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=target, action="append", metavar="TARGET")
    parser.add_argument("--out", type=Path, default=wheels.REPO / "dist" / "blender")
    parser.add_argument("--lock", action="store_true", help="resolve wheels.lock again")
    arguments = parser.parse_args()
    if arguments.lock:
        wheels.lock()
        return
    for path in build(arguments.only or TARGETS, arguments.out):
        print(f"{path.stat().st_size / 1e6:6.1f} MB  {path}")


if __name__ == "__main__":
    main()
