"""The doctor: every kind of trouble has its line, every line says what to do, none tells a
secret."""

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

from bridge_core import resolve_script
from bridge_core.cli.main import main
from bridge_core.config import load
from bridge_core.doctor import hosts, installed, storage, windows
from bridge_core.doctor.gateway import _clock
from bridge_core.doctor.installed import LIBRARIES, Library, _library, numbers
from bridge_core.doctor.line import Line, State, as_text
from bridge_core.doctor.programs import Program, find


def _tree(base: Path, *programs: str) -> None:
    for name in programs:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\nexit 99\n")
        path.chmod(0o755)


def _by_name(lines: list[Line]) -> dict[str, Line]:
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
        library.package.lower(): ([library.oldest], library.broken) for library in LIBRARIES
    }


@pytest.mark.parametrize(
    ("found", "there", "state", "says"),
    [
        ("6.11.3", True, State.OK, "6.11.3"),
        ("6.12.0", True, State.WRONG, "loses references"),
        ("6.4.9", True, State.WRONG, "too old"),
        ("6.10", True, State.OK, "6.10"),
        ("", True, State.NOTE, "does not tell"),
        ("", False, State.NOTE, "hosts bring their own"),
    ],
)
def test_qt_that_does_not_fit_is_told(found: str, there: bool, state: State, says: str) -> None:
    line = _library(LIBRARIES[0], found, there)
    assert line.state is state
    assert says in line.says
    assert bool(line.next_step) == (state is State.WRONG or not there)


def test_a_library_that_is_missing_is_wrong() -> None:
    line = _library(Library("pydantic", "pydantic", "2.10"), "", there=False)
    assert (line.state, line.next_step) == (State.WRONG, "pip install 'pydantic>=2.10'")


#: A PySide6 whose parts are told by its first lines.
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
    ("more", "says"),
    [
        ("raise ImportError('libEGL.so.1: cannot open shared object file')", "libEGL.so.1"),
        ("", "libqxcb.so"),
        ("import os; os.abort()", "ends with -6"),
    ],
)
def test_a_system_on_which_qt_opens_no_windows_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, says: str
) -> None:
    (tmp_path / "PySide6").mkdir()
    text = _QT.format(plugins=str(tmp_path), more=more)
    (tmp_path / "PySide6" / "__init__.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    [line] = windows.lines("Shotbridge")
    assert line.state is State.WRONG
    assert says in line.says and line.next_step
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert [one.state for one in windows.lines("Shotbridge")] == [State.NOTE]


def test_versions_compare_by_number() -> None:
    assert numbers("16.0v4") == (16, 0, 4)
    assert numbers("6.10.1") > numbers("6.5")
    assert numbers("2.0rc1") == (2, 0)
    assert numbers("unknown") == ()


# --- hosts


def test_hosts_are_found_by_their_files_and_never_started(tmp_path: Path) -> None:
    local, opt = tmp_path / "usr" / "local", tmp_path / "opt"
    _tree(
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
    _tree(opt, "blender-4.5.1-linux-x64/blender", "resolve/bin/resolve")
    _tree(opt, "resolve/ResolvePython/lib/libpython3.14.so.1.0")  # as of 21.1
    (opt / "blender-4.5.1-linux-x64" / "4.5" / "scripts").mkdir(parents=True)
    (opt / "blender-4.5.1-linux-x64" / "4.5" / "python" / "lib" / "python3.11").mkdir(parents=True)

    def found(host: str) -> list[tuple[str, str, str]]:
        programs = find(host, environ={"PATH": ""}, system="linux", bases=[local, opt])
        return [(p.version, p.python, p.qt) for p in programs]

    assert found("nuke") == [("15.1v3", "", ""), ("16.0v4", "3.11", "PySide6 6.5.3")]
    assert found("blender") == [("4.5", "3.11", "")]
    assert found("resolve") == [("", "3.14", "")]


def test_macs_programs_tell_their_version(tmp_path: Path) -> None:
    app = tmp_path / "DaVinci Resolve" / "DaVinci Resolve.app"
    (app / "Contents").mkdir(parents=True)
    with (app / "Contents" / "Info.plist").open("wb") as file:
        plistlib.dump({"CFBundleShortVersionString": "19.1.3"}, file)
    python = tmp_path / "Blender.app/Contents/Resources/5.0/python/lib/python3.11"
    python.mkdir(parents=True)
    (tmp_path / "Blender.app/Contents/Resources/5.0/scripts").mkdir()
    environ = {"PATH": ""}
    [resolve] = find("resolve", environ=environ, system="darwin", bases=[tmp_path])
    [blender] = find("blender", environ=environ, system="darwin", bases=[tmp_path])
    assert resolve.version == "19.1.3"
    assert (blender.version, blender.python) == ("5.0", "3.11")


def test_the_path_goes_first_and_nothing_is_told_twice(tmp_path: Path) -> None:
    _tree(tmp_path, "Nuke16.0v4/Nuke16.0", "Nuke17.0v1/Nuke17.0")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "Nuke17.0").symlink_to(tmp_path / "Nuke17.0v1" / "Nuke17.0")
    # A tool for DNS is called resolve as well, and another one nuked.
    _tree(tmp_path, "bin/resolve", "bin/nuked")
    environ = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{tmp_path / 'gone'}"}
    programs = find("nuke", environ=environ, system="linux", bases=[tmp_path])
    assert [(p.version, p.on_path) for p in programs] == [("17.0v1", True), ("16.0v4", False)]
    assert find("resolve", environ=environ, system="linux", bases=[]) == []


def test_a_wrapper_of_rez_has_its_packages_version(tmp_path: Path) -> None:
    _tree(tmp_path, "bin/nuke")
    environ = {"PATH": str(tmp_path / "bin"), "REZ_NUKE_VERSION": "16.0.4"}
    [found] = find("nuke", environ=environ, system="linux", bases=[])
    assert (found.version, found.python, found.qt) == ("16.0.4", "", "")
    assert (found.likely_python, found.likely_qt) == ("3.11", "PySide6")


def _program(program: Program, needed: bool = False, **environ: str) -> Line:
    return hosts._program(program, environ, needed=needed)


def test_hosts_that_are_too_old_or_of_another_python_are_told() -> None:
    old = Program("nuke", Path("/n"), "15.1v3", "3.10", "PySide2")
    assert (_program(old).state, _program(old).next_step) == (
        State.NOTE,
        "use Nuke 16.0 or newer",
    )
    # A monitor is to see it where it is the one that would be started.
    assert _program(old, needed=True).state is State.WRONG
    other = _program(Program("nuke", Path("/n"), "18.0v1", "3.99", "PySide6"))
    assert other.state is State.NOTE
    assert "installation for Python 3.99" in other.next_step
    fine = _program(Program("blender", Path("/b"), "5.2", "3.13"), needed=True)
    assert fine.state is State.OK
    unknown = _program(Program("resolve", Path("/r")), needed=True)
    assert unknown.state is State.OK
    assert "version unknown" in unknown.says


def test_what_is_guessed_is_told_as_guessed() -> None:
    seen = _program(Program("nuke", Path("/n"), "15.1v3", "3.10", "PySide2"))
    assert "Python 3.10, PySide2" in seen.says and "guessed" not in seen.says
    guessed = _program(Program("nuke", Path("/n"), "15.1v3"))
    for told in ("Python 3.10 (guessed", "PySide2 (guessed"):
        assert told in guessed.says
    assert "Python unknown, Qt unknown" in _program(Program("nuke", Path("/n"), "99.0v1")).says
    assert "guessed" in _program(Program("resolve", Path("/r"))).says
    named = _program(Program("resolve", Path("/r")), PYTHON3HOME="/opt/python3.12")
    assert "/opt/python3.12" in named.says and "guessed" not in named.says
    assert "Python 3.14" in _program(Program("resolve", Path("/r"), "", "3.14")).says


def test_whether_hosts_reach_their_plugin_is_told(plugins: Path, tmp_path: Path) -> None:
    _tree(tmp_path, "bin/nuke", "bin/blender", "suite/bin/resolve")
    (tmp_path / "suite" / "libs" / "Fusion").mkdir(parents=True)
    path = os.pathsep.join([str(tmp_path / "bin"), str(tmp_path / "suite" / "bin")])
    bare = {"PATH": path, "HOME": os.environ["HOME"]}
    lines = _by_name(list(hosts.lines(bare)))
    assert lines["Nuke's plugin"].next_step == f"add {plugins / 'nuke'} to NUKE_PATH"
    assert lines["Blender's extension"].state is State.NOTE
    assert lines["Resolve's script"].next_step == "shotbridge install resolve"

    (tmp_path / "extensions" / "system" / "shotbridge").mkdir(parents=True)
    resolve_script.place(resolve_script.scripts_folder())
    ready = {
        **bare,
        "NUKE_PATH": f"/studio{os.pathsep}{plugins / 'nuke'}",
        "BLENDER_SYSTEM_EXTENSIONS": str(tmp_path / "extensions"),
    }
    nuke = _by_name(list(hosts.lines(ready)))["Nuke's plugin"]
    assert nuke.state is State.WRONG
    assert "find bridge_core, bridge_ui, requests, pydantic, yaml, opentimelineio" in nuke.says
    assert "SHOTBRIDGE_SITE" in nuke.next_step
    for folder, *names in (
        ("client", "bridge_core", "bridge_ui"),
        ("site", "requests", "pydantic", "yaml", "opentimelineio"),
    ):
        for name in names:
            (tmp_path / folder / name).mkdir(parents=True)
    ready["PYTHONPATH"] = str(tmp_path / "client")
    ready["SHOTBRIDGE_SITE"] = str(tmp_path / "site")
    lines = _by_name(list(hosts.lines(ready)))
    assert "Nuke's Qt" not in lines
    for name in ("Nuke's plugin", "Blender's extension", "Resolve's script"):
        assert lines[name].state is State.OK, lines[name]

    (tmp_path / "client" / "PySide6").mkdir()
    assert _by_name(list(hosts.lines(ready)))["Nuke's Qt"].state is State.WRONG
    gone = {**ready, "SHOTBRIDGE_PYTHON": str(tmp_path / "python")}
    assert _by_name(list(hosts.lines(gone)))["Resolve's script"].state is State.WRONG
    assert sys.executable in lines["Resolve's script"].says

    (resolve_script.scripts_folder() / "Shotbridge.py").write_text("# another's\n")
    assert _by_name(list(hosts.lines(ready)))["Resolve's script"].state is State.WRONG


def test_an_extension_that_the_user_installed_is_found(tmp_path: Path) -> None:
    _tree(tmp_path, "bin/blender")
    (tmp_path / "user" / "extensions" / "user_default" / "shotbridge").mkdir(parents=True)
    environ = {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "BLENDER_USER_RESOURCES": str(tmp_path / "user"),
    }
    assert _by_name(list(hosts.lines(environ)))["Blender's extension"].state is State.OK


def test_an_extension_tells_its_qt_and_the_python_that_it_is_for(tmp_path: Path) -> None:
    _tree(tmp_path, "blender/blender", "blender/5.2/python/bin/python3.13")
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

    def told() -> dict[str, Line]:
        lines = [line for line in hosts.lines(environ) if line.name == "Blender's extension"]
        return {line.says.partition("/extensions")[0][-3:]: line for line in lines}

    # The one in 4.5's preferences is none of 5.2's business.
    assert {line.state for line in told().values()} == {State.OK}
    assert "for Python 3.13, with PySide6 6.8.3" in told()["5.2"].says
    (wheels / "pydantic_core-2.50.4-cp313-cp313-manylinux2014_x86_64.whl").rename(
        wheels / "pydantic_core-2.50.4-cp311-cp311-manylinux2014_x86_64.whl"
    )
    assert told()["5.2"].state is State.WRONG
    assert "Blender 5.2 brings Python 3.13" in told()["5.2"].says
    assert told()["5.2"].next_step.startswith("take the extension for Python 3.13")


# --- storage


def _storage(tmp_path: Path, **settings: object) -> dict[str, Line]:
    given = {
        "client.state_dir": tmp_path / "state",
        "gateway.library_dir": tmp_path / "library",
        "gateway.data_dir": tmp_path / "data",
    }
    loaded = load({**given, **settings})
    return _by_name(list(storage.lines(loaded.settings, loaded.files)))


def test_folders_that_are_not_there_yet_are_fine(tmp_path: Path) -> None:
    lines = _storage(tmp_path)
    assert {line.state for line in lines.values()} == {State.OK}
    assert not (tmp_path / "library").exists()


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("")
    line = _storage(tmp_path)["gateway.library_dir"]
    assert line.state is State.WRONG
    assert "set gateway.library_dir" in line.next_step


def test_too_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage._folder, "__defaults__", (1 << 60,))
    lines = _storage(tmp_path)
    assert lines["gateway.library_dir"].state is State.WRONG
    assert lines["gateway.library_dir"].next_step.startswith("make room")
    assert lines["client.state_dir"].state is State.OK


@pytest.mark.parametrize("kind", ["nfs4", "beegfs", "lustre", "gpfs"])
@pytest.mark.parametrize("name", ["home", "Küche\u3000von Jörg", "with a space", "back\\slash"])
def test_a_database_on_a_network_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    disk = tmp_path / name
    disk.mkdir()
    (tmp_path / "data").symlink_to(disk / "data")  # as /home is one in many studios
    point = str(disk).replace("\\", "\\134").replace(" ", "\\040")
    mounts = f"tmpfs / tmpfs rw 0 0\nserver:/share {point} {kind} rw,vers=4.2 0 0\n"
    real = Path.read_text

    def read(self: Path, *words: str, **named: str) -> str:
        return mounts if self == Path("/proc/mounts") else real(self, *words, **named)

    monkeypatch.setattr(Path, "read_text", read)
    line = _storage(tmp_path)["gateway.data_dir"]
    assert line.state is State.WRONG
    assert f"({kind})" in line.says


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_rights_that_are_too_wide_are_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    name = "client.state_dir's rights"
    assert _storage(tmp_path)[name].next_step == f"chmod 700 {state}"
    state.chmod(0o700)
    assert _storage(tmp_path)[name].state is State.OK
    (state / "gateway.token").write_text("t")
    (state / "gateway.token").chmod(0o644)
    assert "chmod 600" in _storage(tmp_path)[name].next_step


def test_a_configuration_that_anybody_may_change_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("client: {retries: 3}\n")
    site.chmod(0o666)
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(site))
    line = _storage(tmp_path)["configuration"]
    assert (line.state, line.next_step) == (State.WRONG, f"chmod o-w {site}")


# --- the gateway


def test_clocks_that_disagree_are_told() -> None:
    assert _clock(2.0).state is State.OK
    assert "120 s ahead of" in _clock(120.0).says
    assert "behind" in _clock(-3600.0).says
    assert _clock(-3600.0).state is State.WRONG
    assert _clock(None).state is State.NOTE


# --- the command


def _examine(
    capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, dict[str, object]]]:
    code = main(["doctor", "--json", *words])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] == (code == 0)
    return code, {line["name"]: line for line in told["lines"]}


def test_a_configuration_with_a_mistake_does_not_stop_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__RETRYS", "2")
    code, lines = _examine(capsys)
    assert code == 1
    assert "retrys" in str(lines["configuration"]["says"])
    assert "SHOTBRIDGE__CLIENT__RETRYS" in str(lines["configuration"]["says"])
    assert lines["configuration"]["next_step"]
    assert "Nuke" in lines and "gateway" not in lines


def test_a_studios_gateway_that_is_gone_is_told_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("very-secret-token\n")
    token.chmod(0o600)
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__URL", "http://anna:hunter22@127.0.0.1:9")
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__TOKEN_FILE", str(token))
    assert main(["doctor"]) == 1
    told = capsys.readouterr()
    assert "very-secret-token" not in told.out + told.err
    assert "hunter22" not in told.out + told.err
    assert "next:" in told.out
    _, lines = _examine(capsys)
    assert lines["gateway"]["state"] == "wrong"
    # The studio's gateway keeps its own folders and models.
    assert "gateway.data_dir" not in lines and "models" not in lines


def test_an_installation_that_is_whole_is_green(
    tmp_path: Path, models_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--set", f"gateway.models_dir={models_dir}"]
    try:
        code, lines = _examine(capsys, *words)
    finally:
        assert main(["stop"]) == 0
    assert code == 0, [line for line in lines.values() if not line["ok"]]
    assert str(lines["models"]["says"]).endswith(f"installed and intact in {models_dir}")
    assert "OpenColorIO" in str(lines["colour"]["says"])
    assert lines["clock"]["says"] == "agrees with the gateway's"


def test_what_is_wrong_is_told_with_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "gone.yaml"
    monkeypatch.setenv("SHOTBRIDGE_CONFIG", str(gone))
    _, lines = _examine(capsys)
    assert str(gone) in str(lines["configuration"]["says"])
    monkeypatch.delenv("SHOTBRIDGE_CONFIG")
    token = tmp_path / "token"
    token.write_text("t\n")
    token.chmod(0o644)
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SHOTBRIDGE__CLIENT__TOKEN_FILE", str(token))
    _, lines = _examine(capsys)
    assert str(token) in str(lines["gateway"]["says"])
    # A group may read a studio's token, as docs/admin.md says.
    assert f"chmod 640 {token}" in str(lines["gateway"]["next_step"])


def test_weights_that_are_missing_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--set", f"gateway.models_dir={tmp_path / 'none'}"]
    try:
        code, lines = _examine(capsys, *words)
    finally:
        main(["stop"])
    assert code == 1
    assert lines["models"]["next_step"] == "shotbridge models install"
    assert "u2netp" in str(lines["models"]["says"])


def test_every_line_that_is_wrong_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("")
    (tmp_path / "data").write_text("")
    wrong: list[Callable[[], list[Line]]] = [
        lambda: list(_storage(tmp_path).values()),
        lambda: list(installed.lines()),
        lambda: list(hosts.lines({"PATH": "", "HOME": str(tmp_path)})),
    ]
    for lines in wrong:
        for line in lines():
            assert line.next_step or line.state is not State.WRONG, line


def test_lines_stand_under_their_sections() -> None:
    lines = [
        Line("One", "a", State.OK, "fine"),
        Line("Two", "longer", State.WRONG, "broken", "mend it"),
    ]
    assert as_text(lines).splitlines() == [
        "One",
        "  ok  a       fine",
        "",
        "Two",
        "  NO  longer  broken",
        "              next: mend it",
    ]
