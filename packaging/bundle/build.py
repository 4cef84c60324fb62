"""``make bundle``: an installer for machines without network, for this platform and Python.

    dist/bundle/shotbridge-0.1.0-linux-x86_64-py3.11/      the folder
    dist/bundle/shotbridge-0.1.0-linux-x86_64-py3.11.tar   the same as one file
    dist/bundle/...tar.sha256, ...cdx.json                 its checksum, its bill of materials

Built from the last commit, for the Python that runs this, with Blender's extension. It contains
``install.py``, which installs it, and the documents.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
PACKAGING = REPO / "packaging"
sys.path[:0] = [str(PACKAGING), str(PACKAGING / "blender"), str(HERE), str(REPO)]
sys.path.append(str(REPO / "gateway"))

import sbom  # noqa: E402  needs the lines above
from install import SUMS  # noqa: E402
from targets import TARGETS, this_platform  # noqa: E402
from tools import (  # noqa: E402
    PYTHON,
    copy_models,
    environment_program,
    make_empty_folder,
    pip,
    run,
)

import bridge_core  # noqa: E402

LOCKS = ("requirements-gateway.lock", "requirements-host.lock")
#: The sources of rez packages, and the plugins.
SOURCES = ("bridge_core", "gateway", "packaging", "plugins", "ui")
README = """Shotbridge {version}, for {platform} with Python {python}. No network is needed.

    python{python} install.py /opt/shotbridge

It checks every file first. The contents, with licences and hashes: {sbom}.
The hash to compare with the one that was sent separately (install.py --expect):
    sha256sum SHA256SUMS
Administration: docs/admin.md. For directors and artists: docs/guide.
With your own rez, rez packages instead:
    python{python} source/packaging/rez/install.py /studio/packages \\
        --wheels wheels --models models --extensions blender
"""


def main() -> None:
    if sys.platform == "win32":
        sys.exit(
            "bundles are built and installed on Linux and macOS only, as they contain shell "
            "scripts and links. On Windows install by pip (docs/admin.md)"
        )
    models = Path(os.environ.get("SHOTBRIDGE_MODELS") or REPO / ".cache" / "models")
    system = f"{sys.platform}-{platform.machine()}"
    about = {"version": bridge_core.__version__, "python": PYTHON, "platform": system}
    name = f"shotbridge-{about['version']}-{system}-py{PYTHON}"
    bundle = make_empty_folder(REPO / "dist" / "bundle" / name)
    with tempfile.TemporaryDirectory() as scratch:
        # Only what is committed: no leftovers of builds.
        source = Path(scratch) / "source"
        run("git", "clone", "--quiet", "--local", str(REPO), str(source))
        for lock in LOCKS:
            shutil.copy(source / "packaging" / lock, bundle)
        _wheels(source, bundle)
        _extensions(source, bundle / "blender")
        for source_folder in SOURCES:
            shutil.copytree(source / source_folder, bundle / "source" / source_folder)
        shutil.copytree(source / "docs", bundle / "docs")
        shutil.copy(source / "packaging" / "bundle" / "install.py", bundle)
        shutil.copy(source / "LICENSE", bundle)
    copy_models(models, bundle / "models")
    (bundle / "bundle.json").write_text(json.dumps(about, indent=1) + "\n")
    described = f"{name}.cdx.json"
    (bundle / "README.txt").write_text(README.format(**about, sbom=described))
    _sbom(bundle, bundle / described)
    shutil.copy(bundle / described, bundle.parent)
    sums = write_sums(bundle)
    tar = _tar(bundle)
    print(f"{tar.relative_to(REPO)}: {tar.stat().st_size / 1e6:.0f} MB")
    print(f"{SUMS}: {hashlib.sha256(sums.read_bytes()).hexdigest()}")


def _wheels(source: Path, bundle: Path) -> None:
    """The lock's wheels for this platform and Python, and that of Shotbridge."""
    wheels = bundle / "wheels"
    pip(
        sys.executable,
        *("download", "--require-hashes", "--only-binary", ":all:", "--no-deps"),
        *("--dest", str(wheels), "--requirement", str(bundle / "requirements-gateway.lock")),
    )
    # --no-isolation: uses the setuptools of this environment.
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation"),
        *("--outdir", str(wheels), str(source)),
        variables={"PYTHONWARNINGS": "ignore"},
    )


def _extensions(source: Path, target: Path) -> None:
    """Build Blender's extension for this platform, a zip for each of Blender's Pythons."""
    ours = [one.name for one in TARGETS if one.platform == this_platform()]
    if not ours:
        print(f"without Blender's extension, which is not built for {this_platform()}")
        return
    # Blender's tool and the extension's wheels are downloaded once, into the checkout's cache.
    (source / ".cache").symlink_to(REPO / ".cache")
    folder = source / "packaging" / "blender"
    run(sys.executable, str(folder / "bpy_environment.py"))
    only = [word for name in ours for word in ("--only", name)]
    run(sys.executable, str(folder / "build_extension.py"), *only, "--out", str(target))
    # Running Python in it has left files that are not committed.
    for left in source.rglob("__pycache__"):
        shutil.rmtree(left)


def _sbom(bundle: Path, target: Path) -> None:
    from bridge_gateway.inference.catalogue import bundled_catalogue

    entries = [entry.model_dump(mode="json") for entry in bundled_catalogue().entries]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "venv"
        venv.create(folder, with_pip=True)
        python = environment_program(folder, "python")
        wheels = [str(path) for path in sorted((bundle / "wheels").glob("*.whl"))]
        pip(python, "install", "--no-index", "--no-deps", *wheels)
        sbom.write(bundle, python, entries, target)


def write_sums(bundle: Path) -> Path:
    """Write ``SHA256SUMS`` for every file in the folder, in the format of ``sha256sum``."""
    lines = []
    for path in sorted(bundle.rglob("*")):
        if path.is_file() and path.name != SUMS:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{digest}  {path.relative_to(bundle).as_posix()}\n")
    sums = bundle / SUMS
    sums.write_text("".join(lines), encoding="utf-8")
    return sums


def _tar(bundle: Path) -> Path:
    """Not compressed, as wheels and weights already are; without owners."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    tar = bundle.with_name(f"{bundle.name}.tar")
    with tarfile.open(tar, "w") as archive:
        archive.add(bundle, arcname=bundle.name, filter=plain)
    with tar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    tar.with_name(f"{tar.name}.sha256").write_text(f"{digest}  {tar.name}\n")
    return tar


if __name__ == "__main__":
    main()
