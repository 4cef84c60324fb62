"""Called by ``rez build``: copies the client, the panel, the plugins and the command."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

SOURCE = Path(os.environ["REZ_BUILD_SOURCE_PATH"])
REPO = SOURCE.parents[2]
sys.path[:0] = [str(REPO / "packaging"), str(REPO / "packaging" / "blender")]

from targets import this_platform  # noqa: E402  needs the line above
from tools import copy_sources, make_empty_folder, write_program  # noqa: E402

SOURCE_FOLDERS = (REPO / "bridge_core", REPO / "ui" / "bridge_ui")

#: Uses the Python of the environment, not any python on the PATH.
COMMAND = """#!/bin/sh
exec "${SHOTBRIDGE_PYTHON:-python}" -m bridge_core.cli.main "$@"
"""


def main(install: Path) -> None:
    for source_folder in SOURCE_FOLDERS:
        copy_sources(source_folder, install / "python" / source_folder.name)
    copy_sources(REPO / "plugins", install / "plugins")
    write_program(install / "bin" / "shotbridge", COMMAND)
    extensions(install / "blender")


def extensions(target: Path) -> None:
    """Add Blender's extension for this platform, one folder for each Python, and the script that
    enables it, if the extension was built: ``make blender-extension``."""
    built = Path(os.environ.get("SHOTBRIDGE_EXTENSIONS") or REPO / "dist" / "blender")
    version = os.environ["REZ_BUILD_PROJECT_VERSION"]
    for zipped in built.glob(f"shotbridge-{version}-{this_platform()}-*.zip"):
        tag = zipped.stem.rpartition("-")[2]
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(target / tag / "system" / "shotbridge")
        shutil.copytree(SOURCE / "blender", target / tag / "scripts")


if __name__ == "__main__" and sys.argv[1:] == ["install"]:
    main(make_empty_folder(Path(os.environ["REZ_BUILD_INSTALL_PATH"])))
