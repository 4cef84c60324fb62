"""The script in Resolve's scripts folder: installed, updated, removed; nothing else is changed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge_core.cli.main import main
from bridge_core.errors import ConfigError, HostError, NotWritable
from bridge_core.hosts.plugin_folders import plugin_folder
from bridge_resolve import script_installer
from bridge_resolve.script_installer import (
    ScriptStatus,
    install_script,
    remove_script,
    script_status,
    scripts_folder,
)

_PYTHON = sys.executable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scripts folder with other scripts and folders."""
    utility = tmp_path / "Resolve" / "Fusion" / "Scripts" / "Utility"
    (utility / "Tools").mkdir(parents=True)
    (utility / "Other.py").write_text("print('mine')\n")
    (utility / "Tools" / "Shotbridge.py").write_text("print('also mine')\n")
    return utility


def _all_files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_installing_and_removing_changes_one_file(plugins: Path, folder: Path) -> None:
    before = _all_files(folder)
    assert install_script(folder)
    after = _all_files(folder)
    assert set(after) - set(before) == {"Shotbridge.py"}
    assert {name: after[name] for name in before} == before
    assert remove_script(folder)
    assert _all_files(folder) == before


def test_installing_and_removing_can_be_repeated(plugins: Path, folder: Path) -> None:
    install_script(folder)
    placed = _all_files(folder)
    assert not install_script(folder)
    assert _all_files(folder) == placed
    assert remove_script(folder)
    assert not remove_script(folder)


def test_the_script_has_the_paths_of_python_and_plugins(plugins: Path, folder: Path) -> None:
    install_script(folder)
    placed = (folder / "Shotbridge.py").read_text()
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(placed).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert values == {"PYTHON": sys.executable, "PLUGINS": str(plugins)}


def test_in_rez_the_environment_provides_the_paths(
    plugins: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REZ_SHOTBRIDGE_ROOT", "/packages/shotbridge/0.1.0")
    install_script(folder)
    assert "PYTHON = ''\nPLUGINS = ''" in (folder / "Shotbridge.py").read_text()


def test_an_older_script_is_updated(plugins: Path, folder: Path) -> None:
    install_script(folder)
    source = plugins / "resolve" / "Utility" / "Shotbridge.py"
    source.write_text(source.read_text() + "print('newer')\n")
    assert script_status(folder) is ScriptStatus.OUTDATED
    assert install_script(folder)
    assert "newer" in (folder / "Shotbridge.py").read_text()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling link"])
def test_a_foreign_file_is_not_changed(
    plugins: Path, folder: Path, tmp_path: Path, kind: str
) -> None:
    target = folder / "Shotbridge.py"
    elsewhere = tmp_path / "elsewhere.py"
    if kind == "file":
        target.write_text("# another script\n")
    elif kind == "folder":
        target.mkdir()
    else:
        if kind == "link":
            elsewhere.write_text(script_installer.script_text())
        target.symlink_to(elsewhere)
    before = target.lstat()
    for act in (install_script, remove_script):
        with pytest.raises(HostError, match="did not install") as excinfo:
            act(folder)
        assert excinfo.value.next_step
    assert target.lstat() == before
    assert script_status(folder) is ScriptStatus.FOREIGN


def test_a_missing_folder_is_created(plugins: Path, tmp_path: Path) -> None:
    new = tmp_path / "never" / "started"
    assert install_script(new)
    assert [path.name for path in new.iterdir()] == ["Shotbridge.py"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_reported(plugins: Path, folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(NotWritable, match="scripts folder"):
            install_script(folder)
    finally:
        folder.chmod(0o700)


def test_a_file_in_place_of_the_folder_is_reported(plugins: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(NotWritable, match="scripts folder"):
        install_script(tmp_path / "taken" / "Utility")


@pytest.mark.parametrize("line", ["PYTHON", "PLUGINS", "installed by"])
def test_an_incompatible_plugin_is_reported(plugins: Path, folder: Path, line: str) -> None:
    source = plugins / "resolve" / "Utility" / "Shotbridge.py"
    source.write_text(source.read_text().replace(line, "x"))
    with pytest.raises(ConfigError, match="the plugin's file"):
        install_script(folder)
    assert not (folder / "Shotbridge.py").exists()


def test_the_real_plugin_is_compatible(folder: Path) -> None:
    """Uses the real plugin of the checkout."""
    assert install_script(folder)
    placed = (folder / "Shotbridge.py").read_text()
    assert f"PYTHON = {sys.executable!r}" in placed
    assert f"PLUGINS = {str(plugin_folder('resolve').parent)!r}" in placed
    assert script_status(folder) is ScriptStatus.INSTALLED


@pytest.mark.parametrize("in_rez", [True, False])
def test_the_scripts_python_gets_the_environments_libraries(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_rez: bool
) -> None:
    """rez sets PYTHONPATH for its Python; otherwise PYTHONPATH is for Resolve's Python."""
    output = tmp_path / "output"
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nprintf %s "$PYTHONPATH" > "{output}.new"; mv "{output}.new" "{output}"\n'
    )
    python.chmod(0o755)
    if in_rez:
        monkeypatch.setenv("SHOTBRIDGE_PYTHON", str(python))
    else:
        monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PYTHONPATH", "/rez/libraries")
    install_script(folder)
    # A Python without Shotbridge, as Resolve may use.
    words = [_PYTHON, "-I", "-S", str(folder / "Shotbridge.py")]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b""
    deadline = time.monotonic() + 30
    while not output.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    expected = [str(plugin_folder("resolve")), *(["/rez/libraries"] if in_rez else [])]
    assert output.read_text().split(os.pathsep) == expected


def test_each_system_has_its_folder() -> None:
    windows = scripts_folder({"APPDATA": "/r"}, system="win32")
    assert windows.as_posix() == (
        "/r/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts/Utility"
    )
    mac = scripts_folder({"HOME": "/h"}, system="darwin")
    assert mac.as_posix() == (
        "/h/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility"
    )
    linux = scripts_folder({"HOME": "/h"}, system="linux")
    assert linux.as_posix() == "/h/.local/share/DaVinciResolve/Fusion/Scripts/Utility"


def test_the_command_installs_and_removes(
    plugins: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _all_files(folder)
    assert main(["install", "resolve", "--folder", str(folder)]) == 0
    assert "installed: " in capsys.readouterr().out
    assert main(["install", "resolve", "--folder", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {"file": str(folder / "Shotbridge.py"), "changed": False}
    assert main(["uninstall", "resolve", "--folder", str(folder)]) == 0
    assert _all_files(folder) == before


def test_the_default_is_this_users_folder(
    plugins: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    scripts_folder().parents[2].mkdir(parents=True)
    assert main(["install", "resolve"]) == 0
    assert script_status(scripts_folder()) is ScriptStatus.INSTALLED
    assert scripts_folder().is_relative_to(tmp_path)


def test_without_resolve_no_folder_is_created(
    plugins: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert main(["install", "resolve"]) == HostError.exit_code
    assert "never started" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("in_rez", [True, False])
def test_installing_from_rez_says_how_to_start_resolve(
    plugins: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    in_rez: bool,
) -> None:
    if in_rez:
        monkeypatch.setenv("REZ_SHOTBRIDGE_ROOT", "/packages/shotbridge/0.1.0")
    assert main(["install", "resolve", "--folder", str(folder)]) == 0
    assert ("rez env shotbridge -- " in capsys.readouterr().out) is in_rez
