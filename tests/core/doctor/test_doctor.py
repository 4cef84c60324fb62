"""The doctor: each problem is reported with a next step and without secrets."""

from __future__ import annotations

import json
import os
import plistlib
import re
import sys
from collections.abc import Callable
from importlib.metadata import requires
from pathlib import Path

import pytest

from bridge_core.cli.main import main
from bridge_core.config import load_settings
from bridge_core.doctor import host_checks, python_packages, qt_display, storage_checks
from bridge_core.doctor.gateway_checks import _check_clock
from bridge_core.doctor.python_packages import (
    CLIENT_LIBRARIES,
    ClientLibrary,
    _check_library,
)
from bridge_core.hosts.check_result import CheckResult, CheckStatus, format_results
from bridge_core.hosts.descriptor import HostInstallation, HostRuntime
from bridge_core.hosts.installations import find_installations, version_numbers
from bridge_core.hosts.registry import get_host
from bridge_resolve import script_installer


def _make_files(base: Path, *programs: str) -> None:
    for name in programs:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 99\n")
        path.chmod(0o755)


def _by_name(lines: list[CheckResult]) -> dict[str, CheckResult]:
    return {line.name: line for line in lines}


# --- libraries


def test_the_libraries_are_those_of_setup_py() -> None:
    plain = [need for need in requires("shotbridge") or [] if "extra ==" not in need]
    wanted = {}
    for need in plain:
        name = re.match(r"[\w.-]+", need)
        assert name
        wanted[name[0].lower()] = (
            re.findall(r">=([\d.]+)", need),
            tuple(re.findall(r"!=([\d.]+)", need)),
        )
    assert wanted == {
        library.package.lower(): ([library.min_version], library.broken_versions)
        for library in CLIENT_LIBRARIES
    }


@pytest.mark.parametrize(
    ("installed", "is_installed", "status", "message"),
    [
        ("6.11.3", True, CheckStatus.OK, "6.11.3"),
        ("6.12.0", True, CheckStatus.ERROR, "reference counting"),
        ("6.4.9", True, CheckStatus.ERROR, "too old"),
        ("6.10", True, CheckStatus.OK, "6.10"),
        ("", True, CheckStatus.INFO, "version unknown"),
        ("", False, CheckStatus.INFO, "hosts have their own"),
    ],
)
def test_an_unsuitable_qt_is_reported(
    installed: str, is_installed: bool, status: CheckStatus, message: str
) -> None:
    line = _check_library(CLIENT_LIBRARIES[0], installed, is_installed)
    assert line.status is status
    assert message in line.message
    assert bool(line.next_step) == (status is CheckStatus.ERROR or not is_installed)


def test_a_missing_library_is_an_error() -> None:
    line = _check_library(ClientLibrary("pydantic", "pydantic", "2.10"), "", is_installed=False)
    assert (line.status, line.next_step) == (CheckStatus.ERROR, "pip install 'pydantic>=2.10'")


#: A fake PySide6.
_QT = """
import sys, types
class QtCore:
    class QLibraryInfo:
        path = staticmethod(lambda which: {plugins!r})
        class LibraryPath:
            PluginsPath = 0
QtGui = QtWidgets = None
{more}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="others bring all that Qt needs")
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("raise ImportError('libEGL.so.1: cannot open shared object file')", "libEGL.so.1"),
        ("", "libqxcb.so"),
        ("import os; os.abort()", "exit code -6"),
    ],
)
def test_a_system_without_qts_libraries_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, message: str
) -> None:
    (tmp_path / "PySide6").mkdir()
    text = _QT.format(plugins=str(tmp_path), more=more)
    (tmp_path / "PySide6" / "__init__.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    [line] = qt_display.check("Shotbridge")
    assert line.status is CheckStatus.ERROR
    assert message in line.message and line.next_step
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert [one.status for one in qt_display.check("Shotbridge")] == [CheckStatus.INFO]


def test_versions_compare_by_number() -> None:
    assert version_numbers("16.0v4") == (16, 0, 4)
    assert version_numbers("6.10.1") > version_numbers("6.5")
    assert version_numbers("2.0rc1") == (2, 0)
    assert version_numbers("unknown") == ()


# --- hosts


def test_hosts_are_found_by_their_files_and_never_started(tmp_path: Path) -> None:
    local, opt = tmp_path / "usr" / "local", tmp_path / "opt"
    _make_files(
        local,
        "Nuke16.0v4/Nuke16.0",
        "Nuke16.0v4/libNuke.so",
        "Nuke15.1v3/Nuke15.1",
        "Nuke15.1v3/Nuke15.1.crash",
    )
    (local / "Nuke16.0v4" / "libpython3.11.so.1.0").write_text("")
    qt = local / "Nuke16.0v4" / "pythonextensions" / "site-packages" / "PySide6"
    qt.mkdir(parents=True)
    (qt / "__init__.py").write_text('__version__ = "6.5.3"\n')
    _make_files(opt, "blender-4.5.1-linux-x64/blender", "resolve/bin/resolve")
    _make_files(opt, "resolve/ResolvePython/lib/libpython3.14.so.1.0")  # since 21.1
    (opt / "blender-4.5.1-linux-x64" / "4.5" / "scripts").mkdir(parents=True)
    (opt / "blender-4.5.1-linux-x64" / "4.5" / "python" / "lib" / "python3.11").mkdir(parents=True)

    def programs_of(host: str) -> list[tuple[str, str, str]]:
        programs = find_installations(
            get_host(host), environ={"PATH": ""}, system="linux", search_folders=[local, opt]
        )
        return [(p.version, p.runtime.python, p.runtime.qt) for p in programs]

    assert programs_of("nuke") == [("15.1v3", "", ""), ("16.0v4", "3.11", "PySide6 6.5.3")]
    assert programs_of("blender") == [("4.5", "3.11", "")]
    assert programs_of("resolve") == [("", "3.14", "")]


def test_macos_applications_report_their_version(tmp_path: Path) -> None:
    app = tmp_path / "DaVinci Resolve" / "DaVinci Resolve.app"
    (app / "Contents").mkdir(parents=True)
    with (app / "Contents" / "Info.plist").open("wb") as file:
        plistlib.dump({"CFBundleShortVersionString": "19.1.3"}, file)
    python = tmp_path / "Blender.app/Contents/Resources/5.0/python/lib/python3.11"
    python.mkdir(parents=True)
    (tmp_path / "Blender.app/Contents/Resources/5.0/scripts").mkdir()
    environ = {"PATH": ""}
    [resolve] = find_installations(
        get_host("resolve"), environ=environ, system="darwin", search_folders=[tmp_path]
    )
    [blender] = find_installations(
        get_host("blender"), environ=environ, system="darwin", search_folders=[tmp_path]
    )
    assert resolve.version == "19.1.3"
    assert (blender.version, blender.runtime.python) == ("5.0", "3.11")


def test_the_path_comes_first_without_duplicates(tmp_path: Path) -> None:
    _make_files(tmp_path, "Nuke16.0v4/Nuke16.0", "Nuke17.0v1/Nuke17.0")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "Nuke17.0").symlink_to(tmp_path / "Nuke17.0v1" / "Nuke17.0")
    # Other tools are called resolve and nuked.
    _make_files(tmp_path, "bin/resolve", "bin/nuked")
    environ = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{tmp_path / 'gone'}"}
    programs = find_installations(
        get_host("nuke"), environ=environ, system="linux", search_folders=[tmp_path]
    )
    assert [(p.version, p.on_path) for p in programs] == [("17.0v1", True), ("16.0v4", False)]
    assert (
        find_installations(get_host("resolve"), environ=environ, system="linux", search_folders=[])
        == []
    )


def test_a_rez_wrapper_has_its_packages_version(tmp_path: Path) -> None:
    _make_files(tmp_path, "bin/nuke")
    environ = {"PATH": str(tmp_path / "bin"), "REZ_NUKE_VERSION": "16.0.4"}
    [installation] = find_installations(
        get_host("nuke"), environ=environ, system="linux", search_folders=[]
    )
    assert installation.runtime == HostRuntime("16.0.4")
    assert "Python 3.11 (assumed" in _check_program("nuke", "16.0.4").message


def _check_program(host: str, *runtime: str, needed: bool = False, **environ: str) -> CheckResult:
    program = HostInstallation(Path("/program"), HostRuntime(*runtime))
    return host_checks._check_installation(get_host(host), program, environ, needed=needed)


def test_unsuitable_hosts_are_reported() -> None:
    old = ("nuke", "15.1v3", "3.10", "PySide2")
    assert (_check_program(*old).status, _check_program(*old).next_step) == (
        CheckStatus.INFO,
        "use Nuke 16.0 or newer",
    )
    # It is an error if it is the one on the PATH.
    assert _check_program(*old, needed=True).status is CheckStatus.ERROR
    other = _check_program("nuke", "18.0v1", "3.99", "PySide6")
    assert other.status is CheckStatus.INFO
    assert "install Shotbridge for Python 3.99" in other.next_step
    fine = _check_program("blender", "5.2", "3.13", needed=True)
    assert fine.status is CheckStatus.OK
    unknown = _check_program("resolve", needed=True)
    assert unknown.status is CheckStatus.OK
    assert "version unknown" in unknown.message


def test_assumptions_are_reported_as_such() -> None:
    measured = _check_program("nuke", "15.1v3", "3.10", "PySide2")
    assert "Python 3.10, PySide2" in measured.message and "assumed" not in measured.message
    guessed = _check_program("nuke", "15.1v3")
    for expected in ("Python 3.10 (assumed", "PySide2 (assumed"):
        assert expected in guessed.message
    assert "Python unknown, Qt unknown" in _check_program("nuke", "99.0v1").message
    assert "assumed" in _check_program("resolve").message
    named = _check_program("resolve", PYTHON3HOME="/opt/python3.12")
    assert "/opt/python3.12" in named.message and "assumed" not in named.message
    assert "Python 3.14" in _check_program("resolve", "", "3.14").message


def test_missing_plugins_are_reported(plugins: Path, tmp_path: Path) -> None:
    _make_files(tmp_path, "bin/nuke", "bin/blender", "suite/bin/resolve")
    (tmp_path / "suite" / "libs" / "Fusion").mkdir(parents=True)
    path = os.pathsep.join([str(tmp_path / "bin"), str(tmp_path / "suite" / "bin")])
    bare = {"PATH": path, "HOME": os.environ["HOME"]}
    lines = _by_name(list(host_checks.check(bare)))
    assert lines["Nuke's plugin"].next_step == f"add {plugins / 'nuke'} to NUKE_PATH"
    assert lines["Blender's extension"].status is CheckStatus.INFO
    assert lines["Resolve's script"].next_step == "shotbridge install resolve"

    (tmp_path / "extensions" / "system" / "shotbridge").mkdir(parents=True)
    script_installer.install_script(script_installer.scripts_folder())
    ready = {
        **bare,
        "NUKE_PATH": f"/studio{os.pathsep}{plugins / 'nuke'}",
        "BLENDER_SYSTEM_EXTENSIONS": str(tmp_path / "extensions"),
    }
    nuke = _by_name(list(host_checks.check(ready)))["Nuke's plugin"]
    assert nuke.status is CheckStatus.ERROR
    assert "find bridge_core, bridge_ui, requests, pydantic, yaml, opentimelineio" in nuke.message
    assert "SHOTBRIDGE_SITE" in nuke.next_step
    for folder, *names in (
        ("client", "bridge_core", "bridge_ui"),
        ("site", "requests", "pydantic", "yaml", "opentimelineio"),
    ):
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
    ready["PYTHONPATH"] = str(tmp_path / "client")
    ready["SHOTBRIDGE_SITE"] = str(tmp_path / "site")
    lines = _by_name(list(host_checks.check(ready)))
    assert "Nuke's Qt" not in lines
    for name in ("Nuke's plugin", "Blender's extension", "Resolve's script"):
        assert lines[name].status is CheckStatus.OK, lines[name]

    (tmp_path / "client" / "PySide6").mkdir()
    assert _by_name(list(host_checks.check(ready)))["Nuke's Qt"].status is CheckStatus.ERROR
    gone = {**ready, "SHOTBRIDGE_PYTHON": str(tmp_path / "python")}
    assert _by_name(list(host_checks.check(gone)))["Resolve's script"].status is CheckStatus.ERROR
    assert sys.executable in lines["Resolve's script"].message

    (script_installer.scripts_folder() / "Shotbridge.py").write_text("# foreign\n")
    assert _by_name(list(host_checks.check(ready)))["Resolve's script"].status is CheckStatus.ERROR


def test_a_user_extension_is_found(tmp_path: Path) -> None:
    _make_files(tmp_path, "bin/blender")
    (tmp_path / "user" / "extensions" / "user_default" / "shotbridge").mkdir(parents=True)
    environ = {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
    }
    assert (
        _by_name(list(host_checks.check(environ)))["Blender's extension"].status is CheckStatus.OK
    )


def test_an_extension_reports_its_qt_and_python(tmp_path: Path) -> None:
    _make_files(tmp_path, "blender/blender", "blender/5.2/python/bin/python3.13")
    (tmp_path / "blender" / "5.2" / "scripts").mkdir()
    environ = {
        "PATH": str(tmp_path / "blender"),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    for version, tag in (("4.5", "cp311"), ("5.2", "cp313")):
        wheels = tmp_path / f"config/blender/{version}/extensions/user_default/shotbridge/wheels"
        wheels.mkdir(parents=True)
        (wheels / f"pydantic_core-2.50.4-{tag}-{tag}-manylinux2014_x86_64.whl").touch()
        (wheels / "PySide6_Essentials-0+shotbridge.6.8.3-cp39-abi3-linux_x86_64.whl").touch()

    def extension_checks() -> dict[str, CheckResult]:
        lines = [line for line in host_checks.check(environ) if line.name == "Blender's extension"]
        return {line.message.partition("/extensions")[0][-3:]: line for line in lines}

    # The extension of 4.5 does not concern 5.2.
    assert {line.status for line in extension_checks().values()} == {CheckStatus.OK}
    assert "for Python 3.13, with PySide6 6.8.3" in extension_checks()["5.2"].message
    (wheels / "pydantic_core-2.50.4-cp313-cp313-manylinux2014_x86_64.whl").rename(
        wheels / "pydantic_core-2.50.4-cp311-cp311-manylinux2014_x86_64.whl"
    )
    assert extension_checks()["5.2"].status is CheckStatus.ERROR
    assert "Blender 5.2 has Python 3.13" in extension_checks()["5.2"].message
    assert extension_checks()["5.2"].next_step.startswith("install the extension for Python 3.13")


# --- storage


def _storage(tmp_path: Path, **settings: object) -> dict[str, CheckResult]:
    given = {
        "client.state_dir": tmp_path / "state",
        "gateway.library_dir": tmp_path / "library",
        "gateway.data_dir": tmp_path / "data",
    }
    loaded = load_settings({**given, **settings})
    return _by_name(list(storage_checks.check(loaded.settings, loaded.files)))


def test_missing_folders_are_fine(tmp_path: Path) -> None:
    lines = _storage(tmp_path)
    assert {line.status for line in lines.values()} == {CheckStatus.OK}
    assert not (tmp_path / "library").exists()


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("")
    line = _storage(tmp_path)["gateway.library_dir"]
    assert line.status is CheckStatus.ERROR
    assert "set gateway.library_dir" in line.next_step


def test_too_little_disk_space_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_checks._check_folder, "__defaults__", (1 << 60,))
    lines = _storage(tmp_path)
    assert lines["gateway.library_dir"].status is CheckStatus.ERROR
    assert lines["gateway.library_dir"].next_step.startswith("free disk space")
    assert lines["client.state_dir"].status is CheckStatus.OK


@pytest.mark.parametrize("kind", ["nfs4", "beegfs", "lustre", "gpfs"])
@pytest.mark.parametrize("name", ["home", "Küche\u3000von Jörg", "with a space", "back\\slash"])
def test_a_database_on_a_network_disk_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    disk = tmp_path / name
    disk.mkdir()
    (tmp_path / "data").symlink_to(disk / "data")  # as /home often is in studios
    point = str(disk).replace("\\", "\\134").replace(" ", "\\040")
    mounts = f"tmpfs / tmpfs rw 0 0\nserver:/share {point} {kind} rw,vers=4.2 0 0\n"
    real = Path.read_text

    def read(self: Path, *words: str, **named: str) -> str:
        return mounts if self == Path("/proc/mounts") else real(self, *words, **named)

    monkeypatch.setattr(Path, "read_text", read)
    line = _storage(tmp_path)["gateway.data_dir"]
    assert line.status is CheckStatus.ERROR
    assert f"({kind})" in line.message


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_permissive_modes_are_reported(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    name = "client.state_dir permissions"
    assert _storage(tmp_path)[name].next_step == f"chmod 700 {state}"
    state.chmod(0o700)
    assert _storage(tmp_path)[name].status is CheckStatus.OK
    (state / "gateway.token").write_text("t")
    (state / "gateway.token").chmod(0o644)
    assert "chmod 600" in _storage(tmp_path)[name].next_step


def test_a_world_writable_configuration_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("client: {retries: 3}\n")
    site.chmod(0o666)
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(site))
    line = _storage(tmp_path)["configuration"]
    assert (line.status, line.next_step) == (CheckStatus.ERROR, f"chmod o-w {site}")


# --- the gateway


def test_clocks_that_disagree_are_reported() -> None:
    assert _check_clock(2.0).status is CheckStatus.OK
    assert "120 s ahead of" in _check_clock(120.0).message
    assert "behind" in _check_clock(-3600.0).message
    assert _check_clock(-3600.0).status is CheckStatus.ERROR
    assert _check_clock(None).status is CheckStatus.INFO


# --- the command


def _run_doctor(
    capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, dict[str, object]]]:
    code = main(["doctor", "--json", *words])
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] == (code == 0)
    return code, {line["name"]: line for line in report["checks"]}


def test_a_configuration_error_does_not_stop_other_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__RETRYS", "2")
    code, lines = _run_doctor(capsys)
    assert code == 1
    assert "retrys" in str(lines["configuration"]["message"])
    assert "SHOTBRIDGE__CLIENT__RETRYS" in str(lines["configuration"]["message"])
    assert lines["configuration"]["next_step"]
    assert "Nuke" in lines and "gateway" not in lines


def test_an_unreachable_gateway_is_reported_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("very-secret-token\n")
    token.chmod(0o600)
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__URL", "http://anna:hunter22@127.0.0.1:9")
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__TOKEN_FILE", str(token))
    assert main(["doctor"]) == 1
    captured = capsys.readouterr()
    assert "very-secret-token" not in captured.out + captured.err
    assert "hunter22" not in captured.out + captured.err
    assert "next:" in captured.out
    _, lines = _run_doctor(capsys)
    assert lines["gateway"]["status"] == "error"
    # The folders and models of the studio's gateway are not checked.
    assert "gateway.data_dir" not in lines and "models" not in lines


def test_a_complete_installation_has_no_errors(
    tmp_path: Path, models_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--set", f"gateway.models_dir={models_dir}"]
    try:
        code, lines = _run_doctor(capsys, *words)
    finally:
        assert main(["stop"]) == 0
    assert code == 0, [line for line in lines.values() if not line["ok"]]
    assert str(lines["models"]["message"]).endswith(f"installed and intact in {models_dir}")
    assert "OpenColorIO" in str(lines["colour"]["message"])
    assert lines["clock"]["message"] == "agrees with the gateway's"


def test_errors_are_reported_with_their_location(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone.yaml"
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(gone))
    _, lines = _run_doctor(capsys)
    assert str(gone) in str(lines["configuration"]["message"])
    monkeypatch.delenv("SHOTBRIDGE_CONFIG")
    token = tmp_path / "token"
    token.write_text("t\n")
    token.chmod(0o644)
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__TOKEN_FILE", str(token))
    _, lines = _run_doctor(capsys)
    assert str(token) in str(lines["gateway"]["message"])
    # A group may read a studio's token, see docs/admin.md.
    assert f"chmod 640 {token}" in str(lines["gateway"]["next_step"])


def test_missing_weights_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--set", f"gateway.models_dir={tmp_path / 'none'}"]
    try:
        code, lines = _run_doctor(capsys, *words)
    finally:
        main(["stop"])
    assert code == 1
    assert lines["models"]["next_step"] == "shotbridge models install"
    assert "u2netp" in str(lines["models"]["message"])


def test_every_error_has_a_next_step(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("")
    (tmp_path / "data").write_text("")
    wrong: list[Callable[[], list[CheckResult]]] = [
        lambda: list(_storage(tmp_path).values()),
        lambda: list(python_packages.check()),
        lambda: list(host_checks.check({"PATH": "", "HOME": str(tmp_path)})),
    ]
    for lines in wrong:
        for line in lines():
            assert line.next_step or line.status is not CheckStatus.ERROR, line


def test_results_are_grouped_by_section() -> None:
    lines = [
        CheckResult("One", "a", CheckStatus.OK, "fine"),
        CheckResult("Two", "longer", CheckStatus.ERROR, "broken", "mend it"),
    ]
    assert format_results(lines).splitlines() == [
        "One",
        "  ok  a       fine",
        "",
        "Two",
        "  NO  longer  broken",
        "              next: mend it",
    ]
