"""``make test-rez``: Shotbridge in a fresh rez repository and a clean environment, for real.

Makes a private folder with a repository, packages of its own for Python, platform and machine, and
one called ``nuke`` that stands for a studio's (a program that prints its environment; it is no Nuke
and proves nothing about one). Then everything that docs/admin.md promises is called as a TD would.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "packaging"), str(REPO)]

from tools import CACHE, emptied, tool  # noqa: E402  found by the line above

import bridge_core  # noqa: E402

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
#: A program that prints its environment, in the place of a host.
PRINTS = "#!/bin/sh\nenv\n"


class Place:
    """A folder with a repository in it, and an environment that has nothing but it."""

    def __init__(self, folder: Path) -> None:
        self.folder = emptied(folder)
        self.packages = folder / "packages"
        (folder / "home").mkdir()
        config = folder / "rezconfig.py"
        config.write_text(
            f"packages_path = [{str(self.packages)!r}]\n"
            f"local_packages_path = {str(self.packages)!r}\n"
        )
        self.clean = {
            "HOME": str(folder / "home"),
            "PATH": os.pathsep.join([str(tool("rez").parent), "/usr/bin", "/bin"]),
            "LANG": "C.UTF-8",
            "REZ_CONFIG_FILE": str(config),
            "REZ_DISABLE_HOME_CONFIG": "1",
        }
        for name in ("platform", "arch", "os"):
            self.call("rez", "bind", name)
        self.python(Path(sys.base_prefix) / "bin" / f"python{PYTHON}")

    def package(self, name: str, version: str) -> Path:
        folder = self.packages / name / version
        (folder / "bin").mkdir(parents=True)
        (folder / "package.py").write_text(
            f"name = {name!r}\nversion = {version!r}\n"
            "def commands():\n    env.PATH.prepend('{root}/bin')\n"
        )
        return folder

    def python(self, program: Path) -> None:
        told = self.call(str(program), "-c", "import platform; print(platform.python_version())")
        (self.package("python", told.strip()) / "bin" / "python").symlink_to(program)

    def host(self, name: str, version: str) -> None:
        program = self.package(name, version) / "bin" / name
        program.write_text(PRINTS)
        program.chmod(0o755)

    def call(self, *words: str, **variables: str) -> str:
        """What a command prints, in the clean environment."""
        done = self._run(words, variables)
        if done.returncode:
            sys.exit(f"{' '.join(words)}: code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def refused(self, *words: str, **variables: str) -> str:
        """What a command says that must fail."""
        done = self._run(words, variables)
        if not done.returncode:
            sys.exit(f"{' '.join(words)} should have been refused\n{done.stdout}")
        return done.stderr

    def _run(
        self, words: tuple[str, ...], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env={**self.clean, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def environment(self, *request: str, program: str, **variables: str) -> dict[str, str]:
        told = self.call("rez", "env", "--quiet", *request, "--", program, **variables)
        return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def main() -> None:
    parser = argparse.ArgumentParser(description="Prove the rez packages with a real rez.")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels; none: the index is asked")
    wheels = parser.parse_args().wheels
    place = Place(CACHE / "rez-proof")
    place.host("nuke", "16.0.4")
    place.host("blender", "4.5.1")
    install(place, place.packages, *(("--wheels", str(wheels.absolute())) if wheels else ()))
    steps = (
        doctor_is_green,
        nuke_keeps_its_own_qt,
        a_studios_variables_stay,
        blender_gets_its_extension,
        tests_pass,
        packages_are_not_overwritten,
        nuke_gets_its_own_python,
        demo_runs,
        an_upgrade_leaves_the_version_before_as_it_was,
    )
    for step in steps:
        started = time.monotonic()
        step(place)
        print(
            f"ok  {step.__name__.replace('_', ' ')}  {time.monotonic() - started:.1f} s", flush=True
        )
    shutil.rmtree(place.folder)


def install(place: Place, packages: Path, *words: str) -> None:
    place.call(*_install(packages), *words, **_index())


def _install(packages: Path, *pythons: str) -> tuple[str, ...]:
    script = str(REPO / "packaging" / "rez" / "install.py")
    return (sys.executable, script, str(packages), "--python", *(pythons or (PYTHON,)))


def _index() -> dict[str, str]:
    """pip's index is the machine's; nothing else of this environment is handed on."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def doctor_is_green(place: Place) -> None:
    told = place.call("rez", "env", "--quiet", "shotbridge", "--", "shotbridge", "doctor", "--json")
    found = json.loads(told)
    assert found["ok"], found
    lines = {line["name"]: line for line in found["lines"]}
    assert str(place.packages) in lines["models"]["says"], lines["models"]
    assert str(place.packages) in lines["plugins"]["says"], lines["plugins"]
    assert lines["PySide6-Essentials"]["state"] == "ok"
    place.call("rez", "env", "--quiet", "shotbridge", "--", "shotbridge", "stop")


def nuke_keeps_its_own_qt(place: Place) -> None:
    found = place.environment("shotbridge", "nuke", program="nuke")
    assert "PySide6" not in found["PYTHONPATH"] and "shiboken6" not in found["PYTHONPATH"]
    assert "pydantic" in found["PYTHONPATH"]
    assert "onnxruntime" not in found["PYTHONPATH"] and "numpy" not in found["PYTHONPATH"]
    assert found["REZ_SHOTBRIDGE_QT_VERSION"] == f"host.{bridge_core.__version__}"
    assert (Path(found["NUKE_PATH"]) / "bridge_nuke").is_dir()
    assert (Path(found["SHOTBRIDGE_PLUGINS"]) / "resolve").is_dir()
    assert found["RESOLVE_SCRIPT_API"] and found["RESOLVE_SCRIPT_LIB"]


def a_studios_variables_stay(place: Place) -> None:
    site = place.folder / "site.yaml"
    site.write_text("gateway:\n  models_dir: /studio/models\n")
    own = {
        "NUKE_PATH": "/studio/nuke",
        "SHOTBRIDGE_CONFIG": str(site),
        "RESOLVE_SCRIPT_API": "/studio/resolve",
    }
    found = place.environment("shotbridge", "nuke", program="nuke", **own)
    assert found["NUKE_PATH"].startswith("/studio/nuke:")
    assert found["RESOLVE_SCRIPT_API"] == "/studio/resolve"
    request = ("rez", "env", "--quiet", "shotbridge", "--", "shotbridge")
    told = json.loads(place.call(*request, "config", "show", "--json", **own))
    assert told["gateway.models_dir"]["value"] == "/studio/models"
    assert told["client.gateway_command"]["value"] == ["shotbridge-gateway"]


def blender_gets_its_extension(place: Place) -> None:
    if not any((REPO / "dist" / "blender").glob("*-linux-x64-*.zip")):
        print("    left out: no extension in dist/blender; make blender-extension")
        return
    found = place.environment("shotbridge", "blender", program="blender")
    folder = Path(found["BLENDER_SYSTEM_EXTENSIONS"])
    assert folder.name == "cp311"
    assert (folder / "system" / "shotbridge" / "blender_manifest.toml").is_file()
    assert (Path(found["BLENDER_SYSTEM_SCRIPTS"]) / "startup" / "shotbridge_enable.py").is_file()
    kept = place.environment(
        "shotbridge", "blender", program="blender", BLENDER_SYSTEM_EXTENSIONS="/studio/ext"
    )
    assert kept["BLENDER_SYSTEM_EXTENSIONS"] == "/studio/ext"


def tests_pass(place: Place) -> None:
    place.call("rez", "test", "shotbridge")
    place.call("rez", "test", "shotbridge_gateway")
    place.call("rez", "env", "--quiet", "shotbridge", "--", "shotbridge", "stop")


def packages_are_not_overwritten(place: Place) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.packages.rglob("*")}
    assert "not overwritten" in place.refused(*_install(place.packages), **_index())
    assert {path: path.stat().st_mtime_ns for path in place.packages.rglob("*")} == before


def nuke_gets_its_own_python(place: Place) -> None:
    """With variants for two Pythons rez takes the newer; with Nuke 16, its own."""
    told = subprocess.run(
        ["python3.13", "-c", "import sys; print(sys.base_prefix)"],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode or PYTHON != "3.11":
        print("    left out: it takes a python3.11 that runs this, and a python3.13")
        return
    place.python(Path(told.stdout.strip()) / "bin" / "python3.13")
    both = place.folder / "both"
    place.call(*_install(both, "3.11", "3.13"), "--no-gateway", **_index())
    paths = os.pathsep.join([str(both), str(place.packages)])
    plain = ("rez", "env", "--quiet", "shotbridge", "--", "shotbridge", "--version")
    place.call(*plain, REZ_PACKAGES_PATH=paths)
    for request, python in ((("shotbridge", "blender"), "3.13"), (("shotbridge", "nuke"), "3.11")):
        found = place.environment(*request, program=request[1], REZ_PACKAGES_PATH=paths)
        assert found["REZ_PYTHON_VERSION"].startswith(python), found["REZ_PYTHON_VERSION"]
        assert found["REZ_PYDANTIC_CORE_ROOT"] in found["PYTHONPATH"]


def demo_runs(place: Place) -> None:
    out = place.folder / "demo"
    request = ("rez", "env", "--quiet", "shotbridge", "--", "shotbridge")
    place.call(*request, "demo", "--out", str(out))
    summary = json.loads((out / "summary.json").read_text())
    assert [job["state"] for job in summary["jobs"]] == ["succeeded"] * 3, summary
    assert (out / "contact_sheet.png").stat().st_size > 10_000


def an_upgrade_leaves_the_version_before_as_it_was(place: Place) -> None:
    """The next version into the same repository, with a package of the studio's in the place of
    PySide6 and a central gateway: the version before has the Qt and the gateway that it had."""
    upgraded = place.folder / "next"
    leave = shutil.ignore_patterns("__pycache__")
    for room in ("bridge_core", "gateway", "packaging", "plugins", "ui"):
        shutil.copytree(REPO / room, upgraded / room, ignore=leave)
    about = upgraded / "bridge_core" / "__init__.py"
    before, version = bridge_core.__version__, "99.0.0"
    about.write_text(about.read_text().replace(f'"{before}"', f'"{version}"'))
    place.package("studioqt", "6.5.3")
    there = {path: path.stat().st_mtime_ns for path in place.packages.rglob("*") if path.is_file()}
    script = str(upgraded / "packaging" / "rez" / "install.py")
    words = ("--python", PYTHON, "--qt", "studioqt-6.5+", "--no-gateway")
    place.call(sys.executable, script, str(place.packages), *words, **_index())
    assert {path: path.stat().st_mtime_ns for path in there} == there
    newest = place.environment("shotbridge", program="env")
    assert newest["REZ_SHOTBRIDGE_VERSION"] == version
    assert newest["REZ_STUDIOQT_VERSION"] == "6.5.3"
    assert "REZ_PYSIDE6_ESSENTIALS_VERSION" not in newest
    assert "REZ_SHOTBRIDGE_GATEWAY_VERSION" not in newest
    older = place.environment(f"shotbridge-{before}", program="env")
    assert older["REZ_SHOTBRIDGE_QT_VERSION"] == f"own.{before}"
    assert older["REZ_SHOTBRIDGE_GATEWAY_VERSION"] == before
    assert older["REZ_PYSIDE6_ESSENTIALS_VERSION"]
    assert "REZ_STUDIOQT_VERSION" not in older


if __name__ == "__main__":
    main()
