"""The extension's trimmed wheels, and lists that must agree."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trimming

import bridge_core

if TYPE_CHECKING:
    from real_blender import BlenderInstallation

REPO = Path(__file__).parents[3]
LOCK = REPO / "packaging" / "blender" / "wheels.lock"


def _wheel(folder: Path, files: dict[str, bytes]) -> Path:
    """A wheel as written on Windows."""
    path = folder / "Some_Kit-6.8.3-cp39-abi3-win_amd64.whl"
    info = "Some_Kit-6.8.3.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
        wheel.writestr(
            f"{info}/METADATA", b"Metadata-Version: 2.1\r\nVersion: 6.8.3\r\n\r\nText\r\n"
        )
        wheel.writestr(f"{info}/WHEEL", b"Wheel-Version: 1.0\r\n")
        wheel.writestr(f"{info}/entry_points.txt", b"[console_scripts]\r\n")
        wheel.writestr(f"{info}/RECORD", b"")
    return path


def test_a_trimmed_wheel_is_valid_and_lists_what_was_removed(tmp_path: Path) -> None:
    whole = _wheel(
        tmp_path, {"kit/a.py": b"a = 1\r\n", "kit/tool.exe": b"MZ tool", "kit/b.py": b""}
    )
    out = tmp_path / "out"
    out.mkdir()
    made = trimming.trim(whole, out, lambda name: name.endswith(".py"), "0+ours.6.8.3", "no tools")
    assert made.name == "Some_Kit-0+ours.6.8.3-cp39-abi3-win_amd64.whl"
    with zipfile.ZipFile(made) as wheel:
        names = wheel.namelist()
        info = "Some_Kit-0+ours.6.8.3.dist-info"
        assert wheel.read(f"{info}/METADATA").count(b"Version: 0+ours.6.8.3\r\n") == 1
        assert f"{info}/entry_points.txt" not in names
        assert "kit/tool.exe" in wheel.read(f"{info}/TRIMMED.txt").decode().splitlines()
        assert wheel.read("kit/a.py") == b"a = 1\r\n"
        rows = list(csv.reader(io.StringIO(wheel.read(f"{info}/RECORD").decode())))
        assert sorted(row[0] for row in rows) == sorted(names)
        for name, digest, size in rows[:-1]:
            data = wheel.read(name)
            found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={found}", len(data))


@pytest.mark.parametrize(
    ("library", "binary"),
    [
        ("PySide6/Qt/lib/libQt6Quick.so.6", b"\x7fELF ... libQt6Quick.so.6\0"),
        ("PySide6/Qt6Quick.dll", b"MZ ... Qt6Quick.dll\0"),
        (
            "PySide6/Qt/lib/QtQuick.framework/Versions/A/QtQuick",
            b"\xca\xfe\xba\xbe @rpath/QtQuick.framework/Versions/A/QtQuick\0",
        ),
    ],
)
def test_a_removed_library_that_is_needed_is_an_error(
    tmp_path: Path, library: str, binary: bytes
) -> None:
    whole = _wheel(tmp_path, {library: b"", "PySide6/QtGui.bin": binary})
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ValueError, match=r"QtGui\.bin stays and needs"):
        trimming.trim(whole, out, lambda name: name.endswith(".bin"), "0", "")


def test_manifest_and_client_have_one_version() -> None:
    manifest = REPO / "plugins" / "blender" / "blender_manifest.toml"
    assert tomllib.loads(manifest.read_text("utf-8"))["version"] == bridge_core.__version__


def test_every_dependency_is_locked_by_hash() -> None:
    pins = re.findall(
        r"(?m)^([a-z0-9-]+)==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+$", LOCK.read_text()
    )
    locked = [name for name, _ in pins]
    asked = [line for line in metadata.requires("shotbridge") or () if "extra ==" not in line]
    wanted = {re.split(r"[<>=!~ ;]", line)[0].lower().replace("_", "-") for line in asked}
    assert len(wanted) == 5
    assert wanted <= set(locked)
    assert len(locked) == len(set(locked)), "one version of each"


def test_a_complete_qt_of_another_extension_is_preferred(blender: BlenderInstallation) -> None:
    """By Blender's own rule, whatever the other version is."""
    with zipfile.ZipFile(blender.package) as package:
        ours = [n.rpartition("/")[2] for n in package.namelist() if n.endswith(".whl")]
    for name in ("PySide6_Essentials", "shiboken6"):
        [mine] = [wheel for wheel in ours if wheel.startswith(f"{name}-")]
        other = f"/other/{name}-6.5.0-cp37-abi3-manylinux_2_28_x86_64.whl"
        answer = blender.run(
            "from _bpy_internal.extensions import wheel_manager as w\n"
            f"print(w.wheel_list_deduplicate_as_skip_set([('', ['/ours/{mine}', {other!r}])]))"
        )
        assert answer.stdout.splitlines()[-1] == f"{{'/ours/{mine}'}}"
