"""The bundle's installer, which refuses a changed bundle, and its bill of materials.
``make test-bundle`` installs a complete bundle without a network."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pins import lock_entries, without_packages
from sbom import complete_component, model_components

from bridge_gateway.inference.catalogue import bundled_catalogue

REPO = Path(__file__).parents[2]
INSTALLER = REPO / "packaging" / "bundle" / "install.py"


def _write_sums(folder: Path) -> str:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A small bundle as build.py lays it out, for another Python than this one."""
    folder = tmp_path / "bundle"
    for name in (
        "wheels/one-1.0-py3-none-any.whl",
        "models/span/span.onnx",
        "source/plugins/nuke/init.py",
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(name.encode() * 100)
    about = {"version": "9.9.9", "python": "3.99", "platform": sys.platform}
    (folder / "bundle.json").write_text(json.dumps(about))
    shutil.copy(INSTALLER, folder)
    _write_sums(folder)
    return folder


def _for_this_machine(bundle: Path) -> None:
    about = {
        "version": "9.9.9",
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "platform": f"{sys.platform}-{platform.machine()}",
    }
    (bundle / "bundle.json").write_text(json.dumps(about))
    _write_sums(bundle)


def _install(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(bundle / "install.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_complete_bundle_is_verified(bundle: Path) -> None:
    completed = _install(bundle, "--verify")
    assert (completed.returncode, completed.stdout) == (0, "5 files verified\n")


def _change(bundle: Path) -> None:
    with (bundle / "models/span/span.onnx").open("r+b") as file:
        file.write(b"M")


def _link(bundle: Path) -> None:
    path = bundle / "bundle.json"
    path.rename(bundle.parent / "elsewhere")
    path.symlink_to(bundle.parent / "elsewhere")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (_change, "1 of its files are changed: models/span/span.onnx"),
        (lambda b: (b / "wheels/one-1.0-py3-none-any.whl").unlink(), "are missing: wheels/one"),
        (lambda b: (b / "source/more.py").write_text("x"), "were added: source/more"),
        (_link, "are links: bundle.json"),
        (lambda b: (b / "SHA256SUMS").unlink(), "there is no SHA256SUMS"),
        (lambda b: (b / "SHA256SUMS").write_text("0" * 64 + "  ../x\n"), "has an invalid line"),
    ],
)
def test_bundle_that_was_tampered_with_is_refused(
    bundle: Path, tmp_path: Path, tamper: Callable[[Path], object], message: str
) -> None:
    tamper(bundle)
    completed = _install(bundle, str(tmp_path / "opt"))
    assert completed.returncode == 1
    assert message in completed.stderr
    assert "Traceback" not in completed.stderr
    assert not (tmp_path / "opt").exists()


def test_replaced_checksums_are_found_by_the_expected_hash(bundle: Path, tmp_path: Path) -> None:
    expected = hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()
    assert _install(bundle, "--verify", "--expect", expected.upper()).returncode == 0
    _change(bundle)
    _write_sums(bundle)
    assert _install(bundle, "--verify").returncode == 0
    completed = _install(bundle, str(tmp_path / "opt"), "--expect", expected)
    assert completed.returncode == 1
    assert "not the expected one" in completed.stderr


def test_another_python_is_refused_before_anything_is_written(bundle: Path, tmp_path: Path) -> None:
    completed = _install(bundle, str(tmp_path / "opt"))
    assert completed.returncode == 1
    assert "this bundle is for Python 3.99" in completed.stderr
    assert not (tmp_path / "opt").exists()


def test_on_windows_build_is_refused_with_advice() -> None:
    folder = str(INSTALLER.parent)
    program = f"import sys; sys.path[:0] = [{folder!r}]; import build; sys.platform = 'win32'; "
    completed = subprocess.run(
        [sys.executable, "-c", program + "build.main()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 1
    assert "On Windows install by pip" in completed.stderr


def test_folder_that_cannot_be_created_is_reported(bundle: Path, tmp_path: Path) -> None:
    _for_this_machine(bundle)
    (tmp_path / "taken").write_text("")
    completed = _install(bundle, str(tmp_path / "taken" / "opt"))
    assert completed.returncode == 1
    assert "Not a directory" in completed.stderr and "name another folder" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_installed_version_is_not_overwritten(bundle: Path, tmp_path: Path) -> None:
    _for_this_machine(bundle)
    (tmp_path / "opt" / "9.9.9").mkdir(parents=True)
    (tmp_path / "opt" / "9.9.9" / "mine").write_text("mine")
    completed = _install(bundle, str(tmp_path / "opt"))
    assert completed.returncode == 1
    assert "is there already" in completed.stderr
    assert [path.name for path in (tmp_path / "opt" / "9.9.9").iterdir()] == ["mine"]


# --- the bill of materials


def test_bill_of_materials_has_models_and_footage_with_licence_and_hash(tmp_path: Path) -> None:
    known = [entry.model_dump(mode="json") for entry in bundled_catalogue().entries]
    for entry in known[:-1]:  # the last is not installed
        (tmp_path / entry["id"]).mkdir()
        (tmp_path / entry["id"] / "installed.json").write_text(
            json.dumps(
                {
                    "package": entry["package"]["name"],
                    "version": entry["package"]["version"],
                    "package_sha256": entry["package"]["sha256"],
                    "file": "file",
                    "sha256": "a" * 64,
                }
            )
        )
    components = model_components(known, tmp_path)
    assert [component["name"] for component in components] == [e["id"] for e in known[:-1]]
    kinds = {component["name"]: component["type"] for component in components}
    assert kinds["u2netp"] == "machine-learning-model"
    assert kinds["big-buck-bunny"] == "data"
    for component in components:
        assert component["licenses"] and component["hashes"][0]["content"] == "a" * 64


def test_unknown_licence_is_listed_as_unknown(tmp_path: Path) -> None:
    entry = bundled_catalogue().get_entry("bikes").model_dump(mode="json")
    (tmp_path / "bikes").mkdir()
    record = {"package": "p", "version": "1", "package_sha256": "b", "file": "f", "sha256": "a"}
    (tmp_path / "bikes" / "installed.json").write_text(json.dumps(record))
    [component] = model_components([entry], tmp_path)
    assert component["licenses"] == [{"license": {"name": "unknown"}}]


def test_packages_have_the_hash_of_their_wheel_and_no_download_url(tmp_path: Path) -> None:
    wheel = tmp_path / "one-1.0-py3-none-any.whl"
    wheel.write_bytes(b"content")
    references = [
        {"type": "distribution", "url": "https://index/one"},
        {"type": "website", "url": "https://one"},
    ]
    component = complete_component({"name": "one", "externalReferences": references}, wheel)
    digest = hashlib.sha256(b"content").hexdigest()
    assert component["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert component["externalReferences"] == references[1:]
    assert "licenses" not in component


# --- the lock's entries


def test_entries_are_removed_from_a_lock_with_all_their_hashes() -> None:
    lock = (
        "# a head\none==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "two-more==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\n"
    )
    assert list(lock_entries(lock)) == ["one", "two-more"]
    assert without_packages(lock, "two-more") == (
        "one==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    )
    with pytest.raises(KeyError):
        without_packages(lock, "three")
