"""The bundle's installer refuses what is not as it was bundled, and its bill of materials knows
what no Python tool does. ``make test-bundle`` installs a whole one without a network."""

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
from sbom import completed, model_components

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
    """A small one, as build.py lays it out; it would only install on another Python."""
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


def _install(bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(bundle / "install.py"), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_whole_bundle_is_reported(bundle: Path) -> None:
    done = _install(bundle, "--verify")
    assert (done.returncode, done.stdout) == (0, "5 files are as they were bundled\n")


def _change(bundle: Path) -> None:
    with (bundle / "models/span/span.onnx").open("r+b") as file:
        file.write(b"M")


def _link(bundle: Path) -> None:
    path = bundle / "bundle.json"
    path.rename(bundle.parent / "elsewhere")
    path.symlink_to(bundle.parent / "elsewhere")


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (_change, "1 of its files are changed: models/span/span.onnx"),
        (lambda b: (b / "wheels/one-1.0-py3-none-any.whl").unlink(), "are missing: wheels/one"),
        (lambda b: (b / "source/more.py").write_text("x"), "were added: source/more"),
        (_link, "are links: bundle.json"),
        (lambda b: (b / "SHA256SUMS").unlink(), "there is no SHA256SUMS"),
        (lambda b: (b / "SHA256SUMS").write_text("0" * 64 + "  ../x\n"), "means nothing"),
    ],
)
def test_a_bundle_that_was_tampered_with_is_refused(
    bundle: Path, tmp_path: Path, tamper: Callable[[Path], object], words: str
) -> None:
    tamper(bundle)
    done = _install(bundle, str(tmp_path / "opt"))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "opt").exists()


def test_checksums_that_were_exchanged_as_well_are_found_by_the_number(
    bundle: Path, tmp_path: Path
) -> None:
    true = hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()
    assert _install(bundle, "--verify", "--expect", true.upper()).returncode == 0
    _change(bundle)
    _write_sums(bundle)
    assert _install(bundle, "--verify").returncode == 0
    done = _install(bundle, str(tmp_path / "opt"), "--expect", true)
    assert done.returncode == 1
    assert "not the expected one" in done.stderr


def test_another_python_is_refused_before_anything_is_written(bundle: Path, tmp_path: Path) -> None:
    done = _install(bundle, str(tmp_path / "opt"))
    assert done.returncode == 1
    assert "this bundle is for Python 3.99" in done.stderr
    assert not (tmp_path / "opt").exists()


def test_on_windows_none_is_made_and_the_words_say_what_to_do() -> None:
    folder = str(INSTALLER.parent)
    program = f"import sys; sys.path[:0] = [{folder!r}]; import build; sys.platform = 'win32'; "
    done = subprocess.run(
        [sys.executable, "-c", program + "build.main()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "On Windows install by pip" in done.stderr


def test_a_folder_that_cannot_be_made_is_reported(bundle: Path, tmp_path: Path) -> None:
    _for_this_machine(bundle)
    (tmp_path / "taken").write_text("")
    done = _install(bundle, str(tmp_path / "taken" / "opt"))
    assert done.returncode == 1
    assert "Not a directory" in done.stderr and "name another folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_version_that_is_there_stays(bundle: Path, tmp_path: Path) -> None:
    _for_this_machine(bundle)
    (tmp_path / "opt" / "9.9.9").mkdir(parents=True)
    (tmp_path / "opt" / "9.9.9" / "mine").write_text("mine")
    done = _install(bundle, str(tmp_path / "opt"))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert [path.name for path in (tmp_path / "opt" / "9.9.9").iterdir()] == ["mine"]


# --- the bill of materials


def test_models_and_footage_are_in_it_with_licence_and_hash(tmp_path: Path) -> None:
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


def test_a_licence_that_is_not_known_is_not_made_up(tmp_path: Path) -> None:
    entry = bundled_catalogue().get_entry("bikes").model_dump(mode="json")
    (tmp_path / "bikes").mkdir()
    record = {"package": "p", "version": "1", "package_sha256": "b", "file": "f", "sha256": "a"}
    (tmp_path / "bikes" / "installed.json").write_text(json.dumps(record))
    [component] = model_components([entry], tmp_path)
    assert component["licenses"] == [{"license": {"name": "unknown"}}]


def test_packages_get_their_wheels_hash_and_no_place_of_download(tmp_path: Path) -> None:
    wheel = tmp_path / "one-1.0-py3-none-any.whl"
    wheel.write_bytes(b"content")
    references = [
        {"type": "distribution", "url": "https://index/one"},
        {"type": "website", "url": "https://one"},
    ]
    found = completed({"name": "one", "externalReferences": references}, wheel)
    digest = hashlib.sha256(b"content").hexdigest()
    assert found["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert found["externalReferences"] == references[1:]
    assert "licenses" not in found


# --- the lock's entries


def test_entries_are_taken_out_of_a_lock_with_all_their_hashes() -> None:
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
