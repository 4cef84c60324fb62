"""Hosts are registered by a folder or an entry point; nothing in the client names one."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_core.cli.main import main
from bridge_core.doctor import host_checks
from bridge_core.errors import ConfigError
from bridge_core.hosts.check_result import CheckStatus
from bridge_core.hosts.registry import get_host, registered_hosts

REPO = Path(__file__).parents[3]

_DESCRIPTOR = """
import re
import sys
from bridge_core.hosts.check_result import CheckResult, CheckStatus
from bridge_core.hosts.descriptor import *

def install(folder):
    return InstallReport(folder / "paint.cfg", True, ("Start Paint again.",))

def check(section, installations, environ):
    yield CheckResult(section, "Paint's plugin", CheckStatus.OK, f"for {len(installations)}")

def add_commands(commands, common):
    command = commands.add_parser("paint-layers", parents=[common], help="list layers")
    command.set_defaults(run=lambda context: print("two layers") or 0)

HOST = HostDescriptor(
    name="paint",
    title="Paint",
    min_version="3.0",
    search=ProgramSearch(
        executable=re.compile("paint[.0-9]*"),
        patterns={},
        inspect=lambda path: HostRuntime(path.name.removeprefix("paint")),
    ),
    check_plugin=check,
    selftest=selftest_in_python,
    installer=HostInstaller(install, install),
    add_commands=add_commands,
)
"""
_SELFTEST = """
import sys
import bridge_paint
from bridge_core.hosts.selftest import SelfTestCheck, main
checks = [SelfTestCheck("paint.one", "One.", lambda: "fine")]
sys.exit(main("paint", lambda: "Paint 3", checks, sys.argv[1:]))
"""


@pytest.fixture
def forget_modules() -> Iterator[None]:
    """Modules of made-up packages are not kept for other tests."""
    yield
    for name in [name for name in sys.modules if re.match(r"bridge_(paint|broken)\b", name)]:
        del sys.modules[name]


@pytest.fixture
def paint(plugins: Path, forget_modules: None) -> Path:
    """The folder of a plugin for the host Paint."""
    return _write_plugin(plugins / "paint" / "bridge_paint", _DESCRIPTOR)


def _write_plugin(package: Path, descriptor: str) -> Path:
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "descriptor.py").write_text(descriptor)
    return package


def _register(site: Path, name: str, value: str) -> None:
    """Metadata of an installed package with an entry point."""
    folder = site / f"studio_{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: studio-{name}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[bridge_core.hosts]\n{name} = {value}\n")


def test_the_plugins_of_the_checkout_are_registered() -> None:
    registered = registered_hosts()
    folders = {path.name for path in (REPO / "plugins").iterdir() if path.is_dir()}
    assert set(registered.hosts) == folders - {"__pycache__"}
    assert registered.problems == ()
    for name, host in registered.hosts.items():
        assert host.package_folder == REPO / "plugins" / name / f"bridge_{name}"


def test_a_folder_registers_a_host_without_changing_pythons_path(paint: Path) -> None:
    path = list(sys.path)
    host = get_host("paint")
    assert (host.title, host.package_folder) == ("Paint", paint)
    assert sys.path == path


def test_an_entry_point_registers_a_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget_modules: None
) -> None:
    package = _write_plugin(tmp_path / "site" / "bridge_paint", _DESCRIPTOR)
    _register(tmp_path / "site", "paint", "bridge_paint.descriptor:HOST")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert get_host("paint").package_folder == package
    assert {"nuke", "blender", "resolve"} < set(registered_hosts().hosts)


def test_the_package_folder_is_where_the_module_was_imported_from(
    paint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = _write_plugin(tmp_path / "site" / "bridge_paint", _DESCRIPTOR)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert get_host("paint").package_folder == installed


def test_doctor_checks_a_registered_host(paint: Path, tmp_path: Path) -> None:
    for version in ("2.9", "3.1"):
        program = tmp_path / "bin" / f"paint{version}"
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\nexit 9\n")
        program.chmod(0o755)
    environ = {"PATH": str(tmp_path / "bin"), "SHOTBRIDGE_PLUGINS": str(paint.parents[1])}
    lines = {line.name: line for line in host_checks.check(environ)}
    assert lines["Paint 2.9"].status is CheckStatus.ERROR
    assert lines["Paint 2.9"].next_step == "use Paint 3.0 or newer"
    assert lines["Paint 3.1"].status is CheckStatus.OK
    assert lines["Paint's plugin"].message == "for 2"


def test_the_command_line_serves_a_registered_host(
    paint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (paint / "selftest.py").write_text(_SELFTEST)
    assert main(["selftest", "paint", "--out", str(tmp_path / "report")]) == 0
    report = json.loads((tmp_path / "report" / "shotbridge_selftest_paint.json").read_text())
    assert [result["outcome"] for result in report["results"]] == ["confirmed"]
    capsys.readouterr()
    assert main(["install", "paint", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"installed: {tmp_path / 'paint.cfg'}\nStart Paint again.\n"
    assert main(["--show", "bunny", "paint-layers"]) == 0
    assert capsys.readouterr().out == "two layers\n"


def test_a_host_without_a_feature_is_an_error_with_a_next_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["selftest", "blender"], ["install", "nuke"], ["install", "maya"]):
        assert main(words) == ConfigError.exit_code
        assert "next:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("raise OSError('no licence')", "OSError: no licence"),
        ("import missing_library", "missing_library"),
        ("HOST = 'broken'", "it is a str, not a HostDescriptor"),
        (_DESCRIPTOR, "it is called 'paint', and is registered as 'broken'"),
    ],
)
def test_a_broken_registration_is_one_line_in_doctor(
    paint: Path, descriptor: str, message: str
) -> None:
    _write_plugin(paint.parents[1] / "broken" / "bridge_broken", descriptor)
    registered = registered_hosts()
    assert "paint" in registered.hosts and "broken" not in registered.hosts
    [problem] = registered.problems
    assert message in problem.message
    lines = [line for line in host_checks.check() if line.name == "registration"]
    assert [line.status for line in lines] == [CheckStatus.ERROR]
    assert lines[0].next_step


def test_two_hosts_of_one_name_are_reported(
    paint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(tmp_path / "site", "paint", "bridge_paint.descriptor:HOST")
    monkeypatch.syspath_prepend(tmp_path / "site")
    registered = registered_hosts()
    assert registered.hosts["paint"].package_folder == paint
    assert "two hosts called paint" in registered.problems[0].message


def test_commands_load_no_plugin_that_they_do_not_need(paint: Path) -> None:
    (paint / "descriptor.py").write_text("raise SystemExit('loaded')")
    assert main(["--json", "config", "show"]) == 0
    with pytest.raises(SystemExit, match="loaded"):
        main(["--help"])


def test_no_module_of_the_client_names_a_host() -> None:
    """Except export profiles, which are for readers of OTIO."""
    name = re.compile(r"(bridge_)?(nuke|blender|resolve)")
    found = {
        path.relative_to(REPO).as_posix()
        for path in (REPO / "bridge_core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and name.fullmatch(str(node.value))
    }
    assert found == {"bridge_core/timeline/export_profiles.py"}
