"""Installs Shotbridge into a rez repository: one line for a TD.

::

    python packaging/rez/install.py /studio/packages
    python packaging/rez/install.py /studio/packages --python 3.11 3.13 --qt pyside6-6.5+
    python packaging/rez/install.py /studio/packages --no-gateway      a central gateway is there

and without an index, in the folder of an unpacked bundle::

    python source/packaging/rez/install.py /studio/packages \\
        --wheels wheels --models models --extensions blender

The repository, or another that rez knows, has to have ``python`` in these versions, with pip. The
libraries become packages of their own by ``rez pip``, so that they resolve together with what else
a studio has; their files are those of the lock, by hash. Packages that are there are never
overwritten: ours are refused, libraries stay as they are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

# A bundle is to stay as it was bundled.
sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))
sys.path.insert(0, str(REPO / "packaging"))

from tools import run, tool_program  # noqa: E402

import bridge_core  # noqa: E402  found by the lines above

LOCK = REPO / "packaging" / "requirements-client.lock"
#: Wheels of Qt, left out where Qt is somebody else's.
QT_WHEELS = ("pyside6_essentials-", "shiboken6-")


def main(argv: list[str] | None = None) -> None:
    wanted = _arguments(argv)
    if sys.platform == "win32":
        sys.exit(
            "rez packages are made and used on Linux and macOS: their commands are shell scripts. "
            "On Windows install by pip (docs/admin.md)"
        )
    repository: Path = wanted.packages
    version = bridge_core.__version__
    recipes = _recipes(wanted)
    _refuse_existing(repository, recipes.values())
    repository.mkdir(parents=True, exist_ok=True)
    rez = RezRepository(repository, wanted)
    with tempfile.TemporaryDirectory() as scratch:
        for python in wanted.python:
            rez.check_python(python)
            rez.install_libraries(python, Path(scratch) / python, own_qt=wanted.qt == "own")
        for name in recipes:
            rez.build(name, Path(scratch) / name)
    print(f"shotbridge-{version} is in {repository}")
    if not list(wanted.extensions.glob("*.zip")):
        print("without Blender's extension: run `make blender-extension` before, to have it in")
    print("try: rez env shotbridge -- shotbridge doctor")


def _recipes(wanted: argparse.Namespace) -> dict[str, str]:
    """The recipes to build, in order, and what each makes."""
    version = bridge_core.__version__
    packages = {"shotbridge_qt_host": f"shotbridge_qt-host.{version}"}
    if wanted.qt != "host":
        packages["shotbridge_qt_own"] = f"shotbridge_qt-own.{version}"
    if wanted.gateway and wanted.with_models:
        packages["shotbridge_models"] = f"shotbridge_models-{version}"
    if wanted.gateway:
        packages["shotbridge_gateway"] = f"shotbridge_gateway-{version}"
    return {**packages, "shotbridge": f"shotbridge-{version}"}


def _refuse_existing(repository: Path, packages: Iterable[str]) -> None:
    """rez would build them anew in their places, under whoever works with them."""
    there = [
        name
        for name in packages
        if (repository / Path(*name.split("-", 1)) / "package.py").exists()
    ]
    if there:
        commands = "".join(f"\n  rez rm --package {name} {repository}" for name in there)
        sys.exit(
            f"in {repository} there is already {', '.join(there)}, and packages are not "
            f"overwritten. To make them anew, take them out when nobody works with them:{commands}"
        )


class RezRepository:
    """rez, working on one repository; what it builds sees that repository first."""

    def __init__(self, repository: Path, wanted: argparse.Namespace) -> None:
        self._rez = shutil.which("rez") or str(tool_program("rez"))
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
            "SHOTBRIDGE_MODELS": str(wanted.models),
            "SHOTBRIDGE_EXTENSIONS": str(wanted.extensions),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if self._wheels is not None:
            self._variables["SHOTBRIDGE_WHEELS"] = str(self._wheels)

    def check_python(self, python: str) -> None:
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
                "have a package python in that version which brings a program called python, with "
                "pip; or name another version with --python"
            )

    def install_libraries(self, python: str, wheels: Path, *, own_qt: bool) -> None:
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
        built = wheels.with_name(f"{python}-packages")
        # All in one call: what rez pip calls extra goes to pip as it stands.
        run(
            *(self._rez, "pip", "--install", "--prefix", str(built)),
            *("--python-version", python, files[0]),
            *("--extra", "--no-deps", "--no-index", *files[1:]),
            variables=self._variables,
        )
        self._copy_packages(built)

    def _copy_packages(self, built: Path) -> None:
        """Copy the packages that rez pip made, but for those that are there: in the repository
        itself it would write some anew, for it compares requirements in an order that varies."""
        for folder in sorted(definition.parent for definition in built.glob("*/*/package.py")):
            there = self._repository / folder.relative_to(built)
            variants = [path.name for path in folder.iterdir() if path.is_dir()]
            if (there / "package.py").exists() and all((there / v).is_dir() for v in variants):
                continue
            run(
                *(self._rez, "cp", "--allow-empty", "--dest-path", str(self._repository)),
                f"{folder.parent.name}-{folder.name}",
                variables={**self._variables, "REZ_PACKAGES_PATH": str(built)},
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
    parser.add_argument("packages", type=_folder, help="the repository")
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
    parser.add_argument("--models", type=_folder, default=REPO / ".cache" / "models")
    parser.add_argument("--extensions", type=_folder, default=REPO / "dist" / "blender")
    parser.add_argument("--wheels", type=_folder, help="a folder of wheels: no index is asked")
    return parser.parse_args(argv)


def _folder(text: str) -> Path:
    """Whole: what is called from here works in folders of its own."""
    return Path(text).expanduser().absolute()


if __name__ == "__main__":
    main()
