"""Installs Shotbridge into a rez repository: one line for a TD.

::

    python packaging/rez/install.py /studio/packages
    python packaging/rez/install.py /studio/packages --python 3.11 3.13 --qt pyside6-6.5+
    python packaging/rez/install.py /studio/packages --no-gateway      a central gateway is there
    python packaging/rez/install.py /studio/packages --wheels bundle/wheels --models bundle/models

The repository, or another that rez knows, has to have ``python`` in these versions, with pip. The
libraries become packages of their own by ``rez pip``, so that they resolve together with what else
a studio has; their files are those of the lock, by hash. Packages are never overwritten.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))
sys.path.insert(0, str(REPO / "packaging"))

from tools import run, tool  # noqa: E402

import bridge_core  # noqa: E402  found by the lines above

LOCK = REPO / "packaging" / "requirements-client.lock"
#: Wheels of Qt, left out where Qt is somebody else's.
QT_WHEELS = ("pyside6_essentials-", "shiboken6-")


def main(argv: list[str] | None = None) -> None:
    wanted = _arguments(argv)
    repository: Path = wanted.packages.expanduser().absolute()
    version = bridge_core.__version__
    if (repository / "shotbridge" / version).exists():
        sys.exit(
            f"shotbridge-{version} is in {repository} already, and packages are not overwritten: "
            f"rez rm --package shotbridge-{version} {repository}"
        )
    repository.mkdir(parents=True, exist_ok=True)
    rez = Rez(repository, wanted)
    with tempfile.TemporaryDirectory() as scratch:
        for python in wanted.python:
            rez.check(python)
            rez.libraries(python, Path(scratch) / python, own_qt=wanted.qt == "own")
        names = ["shotbridge_qt_host"]
        names += ["shotbridge_qt_own"] if wanted.qt != "host" else []
        if wanted.gateway:
            names += ["shotbridge_models"] if wanted.with_models else []
            names += ["shotbridge_gateway"]
        for name in [*names, "shotbridge"]:
            rez.build(name, Path(scratch) / name)
    zips = list((REPO / "dist" / "blender").glob("*.zip"))
    print(f"shotbridge-{version} is in {repository}")
    if not zips:
        print("without Blender's extension: run `make blender-extension` before, to have it in")
    print("try: rez env shotbridge -- shotbridge doctor")


class Rez:
    """rez, working on one repository; what it builds sees that repository first."""

    def __init__(self, repository: Path, wanted: argparse.Namespace) -> None:
        self._rez = shutil.which("rez") or str(tool("rez"))
        self._repository = repository
        self._wheels: Path | None = wanted.wheels
        known = subprocess.run(
            [self._rez, "config", "packages_path"], capture_output=True, text=True, check=True
        ).stdout
        paths = [line.removeprefix("- ").strip() for line in known.splitlines()]
        others = [path for path in paths if path and Path(path) != repository]
        self._variables = {
            "REZ_PACKAGES_PATH": os.pathsep.join([str(repository), *others]),
            "SHOTBRIDGE_REZ_PYTHONS": " ".join(wanted.python),
            "SHOTBRIDGE_REZ_QT": "" if wanted.qt in ("own", "host") else wanted.qt,
            "SHOTBRIDGE_REZ_GATEWAY": "1" if wanted.gateway else "0",
            "SHOTBRIDGE_REZ_MODELS": "1" if wanted.with_models else "0",
            "SHOTBRIDGE_MODELS": str(wanted.models.expanduser().absolute()),
        }
        if self._wheels is not None:
            self._variables["SHOTBRIDGE_WHEELS"] = str(self._wheels.expanduser().absolute())

    def check(self, python: str) -> None:
        """That rez knows this Python, and that it has pip."""
        words = [self._rez, "env", "--quiet", f"python-{python}", "--", "python", "-m", "pip"]
        asked = subprocess.run(
            [*words, "--version"],
            env={**os.environ, **self._variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode or f"(python {python})" not in asked.stdout:
            sys.exit(
                f"rez knows no python-{python} with pip: {(asked.stderr or asked.stdout).strip()}\n"
                "have the package python in that version, or name another with --python"
            )

    def libraries(self, python: str, wheels: Path, *, own_qt: bool) -> None:
        """The client's libraries as packages, out of files with the lock's hashes."""
        source = ("--no-index", "--find-links", str(self._wheels)) if self._wheels else ()
        run(
            *(self._rez, "env", "--quiet", f"python-{python}", "--", "python", "-m", "pip"),
            *("download", "--quiet", "--require-hashes", "--only-binary", ":all:", *source),
            *("--no-deps", "--requirement", str(LOCK), "--dest", str(wheels)),
            variables=self._variables,
        )
        files = [str(path) for path in sorted(wheels.glob("*.whl"))]
        if not own_qt:
            files = [path for path in files if not Path(path).name.lower().startswith(QT_WHEELS)]
        # All in one call: what rez pip calls extra goes to pip as it stands.
        run(
            *(self._rez, "pip", "--install", "--prefix", str(self._repository)),
            *("--python-version", python, files[0]),
            *("--extra", "--no-deps", "--no-index", *files[1:]),
            variables=self._variables,
        )

    def build(self, name: str, scratch: Path) -> None:
        """``scratch`` is where rez works, so that the checkout stays clean."""
        run(
            *(self._rez, "build", "--install", "--prefix", str(self._repository)),
            variables={**self._variables, "REZ_BUILD_DIRECTORY": str(scratch)},
            folder=REPO / "packaging" / "rez" / name,
        )


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Install Shotbridge into a rez repository.")
    parser.add_argument("packages", type=Path, help="the repository")
    parser.add_argument("--python", nargs="+", default=["3.11"], help="versions: 3.11 3.13")
    parser.add_argument(
        "--qt",
        default="own",
        help="own: PySide6 out of the lock (default); host: none at all; else the studio's package",
    )
    parser.add_argument(
        "--no-gateway", dest="gateway", action="store_false", help="a central gateway is there"
    )
    parser.add_argument(
        "--no-models", dest="with_models", action="store_false", help="gateway.models_dir is set"
    )
    parser.add_argument("--models", type=Path, default=REPO / ".cache" / "models")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels: no index is asked")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
