"""Called by ``rez build``: installs the gateway and its locked libraries into the package.

``SHOTBRIDGE_WHEELS`` names a folder of wheels, such as the offline bundle's; without it they come
from pip's index. In both cases their hashes are those of the lock.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

SOURCE = Path(os.environ["REZ_BUILD_SOURCE_PATH"])
REPO = SOURCE.parents[2]
sys.path.insert(0, str(REPO / "packaging"))

from pins import without_packages  # noqa: E402  needs the line above
from tools import copy_sources, make_empty_folder, pip, write_program  # noqa: E402

#: Replaces the PYTHONPATH of a host's environment by the gateway's libraries.
COMMAND = """#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
PYTHONPATH="$here/python" PYTHONNOUSERSITE=1
export PYTHONPATH PYTHONNOUSERSITE
unset PYTHONHOME
exec "${SHOTBRIDGE_GATEWAY_PYTHON:-python}" -m bridge_gateway "$@"
"""


def main(install: Path) -> None:
    python = install / "python"
    lock = Path(os.environ["REZ_BUILD_PATH"]) / "gateway.lock"
    text = (REPO / "packaging" / "requirements-gateway.lock").read_text(encoding="utf-8")
    lock.write_text(without_packages(text, "pyside6-essentials", "shiboken6"), encoding="utf-8")
    wheels = os.environ.get("SHOTBRIDGE_WHEELS")
    pip(
        sys.executable,
        *("install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"),
        *(("--no-index", "--find-links", wheels) if wheels else ()),
        *("--target", str(python), "-r", str(lock)),
    )
    for source_folder in (REPO / "bridge_core", REPO / "gateway" / "bridge_gateway"):
        copy_sources(source_folder, python / source_folder.name)
    write_program(install / "bin" / "shotbridge-gateway", COMMAND)
    (install / "shotbridge.yaml").write_text("client:\n  gateway_command: [shotbridge-gateway]\n")


if __name__ == "__main__" and sys.argv[1:] == ["install"]:
    main(make_empty_folder(Path(os.environ["REZ_BUILD_INSTALL_PATH"])))
