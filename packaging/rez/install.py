"""Installs Shotbridge into a rez repository.

::

    python packaging/rez/install.py /studio/packages
    python packaging/rez/install.py /studio/packages --python 3.11 3.13 --qt pyside6-6.5+
    python packaging/rez/install.py /studio/packages --no-gateway      for a central gateway

and without an index, in the folder of an unpacked bundle::

    python source/packaging/rez/install.py /studio/packages \\
        --wheels wheels --models models --extensions blender

The repository, or another that rez is configured for, must have ``python`` in these versions, with
pip. ``rez pip`` makes a package of each library, so that they resolve together with the studio's;
their files are those of the lock, by hash. Existing packages are never overwritten: if one of ours
exists, nothing is installed; existing libraries are kept.
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

# Do not add files to a bundle.
sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))
sys.path.insert(0, str(REPO / "packaging"))

from tools import captured, run, tool_program  # noqa: E402

import bridge_core  # noqa: E402  needs the lines above

LOCK = REPO / "packaging" / "requirements-client.lock"
#: Qt's wheels, not installed if Qt comes from the host or the studio.
QT_WHEELS = ("pyside6_essentials-", "shiboken6-")


def main(argv: list[str] | None = None) -> None:
    arguments = _arguments(argv)
    if sys.platform == "win32":
        sys.exit(
            "rez packages are built and used on Linux and macOS only, as their commands are shell "
            "scripts. On Windows install by pip (docs/admin.md)"
        )
    repository: Path = arguments.packages
    version = bridge_core.__version__
    recipes = _recipes(arguments)
    _refuse_existing(repository, recipes.values())
    repository.mkdir(parents=True, exist_ok=True)
    rez = RezRepository(repository, arguments)
    with tempfile.TemporaryDirectory() as scratch:
        for python in arguments.python:
            rez.check_python(python)
            rez.install_libraries(python, Path(scratch) / python, own_qt=arguments.qt == "own")
        for name in recipes:
            rez.build(name, Path(scratch) / name)
    print(f"shotbridge-{version} is in {repository}")
    if not list(arguments.extensions.glob("*.zip")):
        print("without Blender's extension: to include it, run `make blender-extension` first")
    print("next: rez env shotbridge -- shotbridge doctor")


def _recipes(arguments: argparse.Namespace) -> dict[str, str]:
    """The recipes to build, in order, each with the package that it makes."""
    version = bridge_core.__version__
    packages = {"shotbridge_qt_host": f"shotbridge_qt-host.{version}"}
    if arguments.qt != "host":
        packages["shotbridge_qt_own"] = f"shotbridge_qt-own.{version}"
    if arguments.gateway and arguments.with_models:
        packages["shotbridge_models"] = f"shotbridge_models-{version}"
    if arguments.gateway:
        packages["shotbridge_gateway"] = f"shotbridge_gateway-{version}"
    return {**packages, "shotbridge": f"shotbridge-{version}"}


def _refuse_existing(repository: Path, packages: Iterable[str]) -> None:
    """rez would replace them while somebody works with them."""
    recipes = {name: repository / Path(*name.split("-", 1)) / "package.py" for name in packages}
    existing = [name for name, recipe in recipes.items() if recipe.exists()]
    if existing:
        commands = "".join(f"\n  rez rm --package {name} {repository}" for name in existing)
        sys.exit(
            f"{repository} already has {', '.join(existing)}, and packages are not overwritten. To "
            f"build them again, remove them when nobody works with them:{commands}"
        )


class RezRepository:
    """Calls rez for one repository, which its builds search first."""

    def __init__(self, repository: Path, arguments: argparse.Namespace) -> None:
        self._rez = shutil.which("rez") or str(tool_program("rez"))
        self._repository = repository
        self._wheels: Path | None = arguments.wheels
        known = subprocess.run(
            [self._rez, "config", "packages_path"], capture_output=True, text=True, check=True
        ).stdout
        paths = [line.removeprefix("- ").strip() for line in known.splitlines()]
        others = [path for path in paths if path and Path(path) != repository]
        self._variables = {
            "REZ_PACKAGES_PATH": os.pathsep.join([str(repository), *others]),
            "SHOTBRIDGE_REZ_PYTHONS": " ".join(arguments.python),
            "SHOTBRIDGE_REZ_QT": "" if arguments.qt in ("own", "host") else arguments.qt,
            "SHOTBRIDGE_REZ_GATEWAY": "1" if arguments.gateway else "0",
            "SHOTBRIDGE_REZ_MODELS": "1" if arguments.with_models else "0",
            "SHOTBRIDGE_MODELS": str(arguments.models),
            "SHOTBRIDGE_EXTENSIONS": str(arguments.extensions),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if self._wheels is not None:
            self._variables["SHOTBRIDGE_WHEELS"] = str(self._wheels)

    def check_python(self, python: str) -> None:
        """Check that rez finds this Python, and that it has pip."""
        command = (self._rez, "env", "--quiet", f"python-{python}", "--", "python", "-m", "pip")
        variables = {**os.environ, **self._variables}
        completed = captured(*command, "--version", variables=variables)
        if completed.returncode or f"(python {python})" not in completed.stdout:
            sys.exit(
                f"rez finds no python-{python} with pip: "
                f"{(completed.stderr or completed.stdout).strip()}\n"
                "add a package python of that version, with a program called python and with pip; "
                "or name another version with --python"
            )

    def install_libraries(self, python: str, wheels: Path, *, own_qt: bool) -> None:
        """Install the client's libraries as packages, from files with the lock's hashes."""
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
        # In one call: rez pip passes its extra arguments to pip unchanged.
        run(
            *(self._rez, "pip", "--install", "--prefix", str(built)),
            *("--python-version", python, files[0]),
            *("--extra", "--no-deps", "--no-index", *files[1:]),
            variables=self._variables,
        )
        self._copy_packages(built)

    def _copy_packages(self, built: Path) -> None:
        """Copy the packages that rez pip made, except existing ones. In the repository itself it
        would write some again, because it compares requirements in a varying order."""
        for folder in sorted(definition.parent for definition in built.glob("*/*/package.py")):
            existing = self._repository / folder.relative_to(built)
            variants = [path.name for path in folder.iterdir() if path.is_dir()]
            if (existing / "package.py").exists() and all(
                (existing / v).is_dir() for v in variants
            ):
                continue
            run(
                *(self._rez, "cp", "--allow-empty", "--dest-path", str(self._repository)),
                f"{folder.parent.name}-{folder.name}",
                variables={**self._variables, "REZ_PACKAGES_PATH": str(built)},
            )

    def build(self, name: str, scratch: Path) -> None:
        """Build a recipe; ``scratch`` is the build folder, so that the checkout stays clean."""
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
        help="own: PySide6 from the lock (default); host: none; otherwise the studio's package",
    )
    parser.add_argument(
        "--no-gateway", dest="gateway", action="store_false", help="for a central gateway"
    )
    parser.add_argument(
        "--no-models", dest="with_models", action="store_false", help="gateway.models_dir is set"
    )
    parser.add_argument("--models", type=_folder, default=REPO / ".cache" / "models")
    parser.add_argument("--extensions", type=_folder, default=REPO / "dist" / "blender")
    parser.add_argument(
        "--wheels", type=_folder, help="a folder of wheels, used instead of an index"
    )
    return parser.parse_args(argv)


def _folder(text: str) -> Path:
    """An absolute path, as the commands run in other folders."""
    return Path(text).expanduser().absolute()


if __name__ == "__main__":
    main()
