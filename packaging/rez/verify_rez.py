"""``make test-rez``: tests Shotbridge in a new rez repository and a clean environment.

Creates a private folder with a repository, with packages of Python, platform and machine, and with
packages ``nuke`` and ``blender`` whose programs only print their environment. Then runs every
command of docs/admin.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "packaging"), str(REPO)]

from tools import (  # noqa: E402  found by the line above
    CACHE,
    PYTHON,
    captured,
    copy_sources,
    make_empty_folder,
    tool_program,
    write_program,
)

import bridge_core  # noqa: E402

#: A program that prints its environment, in place of a host.
PRINT_ENVIRONMENT = "#!/bin/sh\nenv\n"


class RezTestEnvironment:
    """A folder with a rez repository, and an environment without any other packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = make_empty_folder(folder)
        self.packages = folder / "packages"
        (folder / "home").mkdir()
        config = folder / "rezconfig.py"
        config.write_text(
            f"packages_path = [{str(self.packages)!r}]\n"
            f"local_packages_path = {str(self.packages)!r}\n"
        )
        self.clean = {
            "HOME": str(folder / "home"),
            "PATH": os.pathsep.join([str(tool_program("rez").parent), "/usr/bin", "/bin"]),
            "LANG": "C.UTF-8",
            "REZ_CONFIG_FILE": str(config),
            "REZ_DISABLE_HOME_CONFIG": "1",
        }
        for name in ("platform", "arch", "os"):
            self.call("rez", "bind", name)
        self.add_python(Path(sys.base_prefix) / "bin" / f"python{PYTHON}")

    def add_package(self, name: str, version: str) -> Path:
        folder = self.packages / name / version
        (folder / "bin").mkdir(parents=True)
        (folder / "package.py").write_text(
            f"name = {name!r}\nversion = {version!r}\n"
            "def commands():\n    env.PATH.prepend('{root}/bin')\n"
        )
        return folder

    def add_python(self, program: Path) -> None:
        output = self.call(str(program), "-c", "import platform; print(platform.python_version())")
        (self.add_package("python", output.strip()) / "bin" / "python").symlink_to(program)

    def add_host(self, name: str, version: str) -> None:
        write_program(self.add_package(name, version) / "bin" / name, PRINT_ENVIRONMENT)

    def call(self, *words: str, **variables: str) -> str:
        """The standard output of a command in the clean environment."""
        done = captured(*words, variables={**self.clean, **variables}, folder=self.folder)
        if done.returncode:
            sys.exit(f"{' '.join(words)}: code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def call_refused(self, *words: str, **variables: str) -> str:
        """The standard error of a command that must fail."""
        done = captured(*words, variables={**self.clean, **variables}, folder=self.folder)
        if not done.returncode:
            sys.exit(f"{' '.join(words)} should have been refused\n{done.stdout}")
        return done.stderr

    def shotbridge(self, *words: str, **variables: str) -> str:
        """The standard output of a ``shotbridge`` command in an environment with its package."""
        command = ("rez", "env", "--quiet", "shotbridge", "--", "shotbridge")
        return self.call(*command, *words, **variables)

    def environment(self, *request: str, program: str, **variables: str) -> dict[str, str]:
        output = self.call("rez", "env", "--quiet", *request, "--", program, **variables)
        return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def main() -> None:
    parser = argparse.ArgumentParser(description="Test the rez packages with a real rez.")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels; by default pip's index")
    wheels = parser.parse_args().wheels
    rez = RezTestEnvironment(CACHE / "rez-test")
    rez.add_host("nuke", "16.0.4")
    rez.add_host("blender", "4.5.1")
    source = ("--wheels", str(wheels.absolute())) if wheels else ()
    command = _install_command(rez.packages)
    rez.call(*command, *source, **_pip_variables())
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
        started, name = time.monotonic(), step.__name__.replace("_", " ")
        step(rez)
        print(f"ok  {name}  {time.monotonic() - started:.1f} s", flush=True)
    shutil.rmtree(rez.folder)


def _install_command(packages: Path, *pythons: str) -> tuple[str, ...]:
    script = str(REPO / "packaging" / "rez" / "install.py")
    return (sys.executable, script, str(packages), "--python", *(pythons or (PYTHON,)))


def _pip_variables() -> dict[str, str]:
    """pip uses this machine's index; nothing else of this environment is passed on."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


def doctor_is_green(rez: RezTestEnvironment) -> None:
    report = json.loads(rez.shotbridge("doctor", "--json"))
    assert report["ok"], report
    checks = {check["name"]: check for check in report["checks"]}
    assert str(rez.packages) in checks["models"]["message"], checks["models"]
    assert str(rez.packages) in checks["plugins"]["message"], checks["plugins"]
    assert checks["PySide6-Essentials"]["status"] == "ok"
    rez.shotbridge("stop")


def nuke_keeps_its_own_qt(rez: RezTestEnvironment) -> None:
    variables = rez.environment("shotbridge", "nuke", program="nuke")
    assert "PySide6" not in variables["PYTHONPATH"] and "shiboken6" not in variables["PYTHONPATH"]
    assert "pydantic" in variables["PYTHONPATH"]
    assert "onnxruntime" not in variables["PYTHONPATH"] and "numpy" not in variables["PYTHONPATH"]
    assert variables["REZ_SHOTBRIDGE_QT_VERSION"] == f"host.{bridge_core.__version__}"
    assert (Path(variables["NUKE_PATH"]) / "bridge_nuke").is_dir()
    assert (Path(variables["SHOTBRIDGE_PLUGINS"]) / "resolve").is_dir()
    assert variables["RESOLVE_SCRIPT_API"] and variables["RESOLVE_SCRIPT_LIB"]


def a_studios_variables_stay(rez: RezTestEnvironment) -> None:
    site = rez.folder / "site.yaml"
    site.write_text("gateway:\n  models_dir: /studio/models\n")
    own = {
        "NUKE_PATH": "/studio/nuke",
        "SHOTBRIDGE_CONFIG": str(site),
        "RESOLVE_SCRIPT_API": "/studio/resolve",
    }
    variables = rez.environment("shotbridge", "nuke", program="nuke", **own)
    assert variables["NUKE_PATH"].startswith("/studio/nuke:")
    assert variables["RESOLVE_SCRIPT_API"] == "/studio/resolve"
    settings = json.loads(rez.shotbridge("config", "show", "--json", **own))
    assert settings["gateway.models_dir"]["value"] == "/studio/models"
    assert settings["client.gateway_command"]["value"] == ["shotbridge-gateway"]


def blender_gets_its_extension(rez: RezTestEnvironment) -> None:
    if not any((REPO / "dist" / "blender").glob("*-linux-x64-*.zip")):
        print("    skipped: no extension in dist/blender; run make blender-extension")
        return
    variables = rez.environment("shotbridge", "blender", program="blender")
    folder = Path(variables["BLENDER_SYSTEM_EXTENSIONS"])
    assert folder.name == "cp311"
    assert (folder / "system" / "shotbridge" / "blender_manifest.toml").is_file()
    scripts = Path(variables["BLENDER_SYSTEM_SCRIPTS"])
    assert (scripts / "startup" / "shotbridge_enable.py").is_file()
    kept = rez.environment(
        "shotbridge", "blender", program="blender", BLENDER_SYSTEM_EXTENSIONS="/studio/ext"
    )
    assert kept["BLENDER_SYSTEM_EXTENSIONS"] == "/studio/ext"


def tests_pass(rez: RezTestEnvironment) -> None:
    rez.call("rez", "test", "shotbridge")
    rez.call("rez", "test", "shotbridge_gateway")
    rez.shotbridge("stop")


def packages_are_not_overwritten(rez: RezTestEnvironment) -> None:
    before = {path: path.stat().st_mtime_ns for path in rez.packages.rglob("*")}
    assert "not overwritten" in rez.call_refused(
        *_install_command(rez.packages), **_pip_variables()
    )
    assert {path: path.stat().st_mtime_ns for path in rez.packages.rglob("*")} == before


def nuke_gets_its_own_python(rez: RezTestEnvironment) -> None:
    """With variants for two Pythons rez resolves the newer; with Nuke 16, Nuke's."""
    other, program = shutil.which("python3.13"), "import sys; print(sys.base_prefix)"
    prefix = captured(other, "-c", program).stdout.strip() if other else ""
    if not prefix or PYTHON != "3.11":
        print("    skipped: needs this script to run in Python 3.11, and a python3.13")
        return
    rez.add_python(Path(prefix) / "bin" / "python3.13")
    both = rez.folder / "both"
    rez.call(*_install_command(both, "3.11", "3.13"), "--no-gateway", **_pip_variables())
    paths = os.pathsep.join([str(both), str(rez.packages)])
    rez.shotbridge("--version", REZ_PACKAGES_PATH=paths)
    for request, python in ((("shotbridge", "blender"), "3.13"), (("shotbridge", "nuke"), "3.11")):
        variables = rez.environment(*request, program=request[1], REZ_PACKAGES_PATH=paths)
        assert variables["REZ_PYTHON_VERSION"].startswith(python), variables["REZ_PYTHON_VERSION"]
        assert variables["REZ_PYDANTIC_CORE_ROOT"] in variables["PYTHONPATH"]


def demo_runs(rez: RezTestEnvironment) -> None:
    out = rez.folder / "demo"
    rez.shotbridge("demo", "--out", str(out))
    summary = json.loads((out / "summary.json").read_text())
    assert [job["state"] for job in summary["jobs"]] == ["succeeded"] * 3, summary
    assert (out / "contact_sheet.png").stat().st_size > 10_000


def an_upgrade_leaves_the_version_before_as_it_was(rez: RezTestEnvironment) -> None:
    """The next version is installed into the same repository, with a studio package in place of
    PySide6 and a central gateway; the version before keeps its Qt and its gateway."""
    upgraded = rez.folder / "next"
    for source_folder in ("bridge_core", "gateway", "packaging", "plugins", "ui"):
        copy_sources(REPO / source_folder, upgraded / source_folder)
    about = upgraded / "bridge_core" / "__init__.py"
    before, version = bridge_core.__version__, "99.0.0"
    about.write_text(about.read_text().replace(f'"{before}"', f'"{version}"'))
    rez.add_package("studioqt", "6.5.3")
    files = (path for path in rez.packages.rglob("*") if path.is_file())
    there = {path: path.stat().st_mtime_ns for path in files}
    script = str(upgraded / "packaging" / "rez" / "install.py")
    words = ("--python", PYTHON, "--qt", "studioqt-6.5+", "--no-gateway")
    rez.call(sys.executable, script, str(rez.packages), *words, **_pip_variables())
    assert {path: path.stat().st_mtime_ns for path in there} == there
    newest = rez.environment("shotbridge", program="env")
    assert newest["REZ_SHOTBRIDGE_VERSION"] == version
    assert newest["REZ_STUDIOQT_VERSION"] == "6.5.3"
    assert "REZ_PYSIDE6_ESSENTIALS_VERSION" not in newest
    assert "REZ_SHOTBRIDGE_GATEWAY_VERSION" not in newest
    older = rez.environment(f"shotbridge-{before}", program="env")
    assert older["REZ_SHOTBRIDGE_QT_VERSION"] == f"own.{before}"
    assert older["REZ_SHOTBRIDGE_GATEWAY_VERSION"] == before
    assert older["REZ_PYSIDE6_ESSENTIALS_VERSION"]
    assert "REZ_STUDIOQT_VERSION" not in older


if __name__ == "__main__":
    main()
