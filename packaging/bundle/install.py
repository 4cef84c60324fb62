"""Installs Shotbridge from this folder, without a network.

::

    python3.11 install.py /opt/shotbridge
    python3.11 install.py --verify            check every file, install nothing
    python3.11 install.py /opt/shotbridge --expect SHA256-OF-SHA256SUMS

Every file is compared with SHA256SUMS before anything is written, and again by pip with the hashes
in the lock. ``--expect`` compares SHA256SUMS itself with a hash that was sent separately.

::

    /opt/shotbridge/current              the version in use: a link, changed by the next install
    /opt/shotbridge/0.1.0/bin/shotbridge
    /opt/shotbridge/0.1.0/environment.sh for hosts: NUKE_PATH and other variables
    /opt/shotbridge/0.1.0/{venv,host,models,blender,docs}  and shotbridge.yaml

Standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
#: A file in a version's folder until the version is complete.
UNFINISHED = "unfinished"

COMMAND = """#!/bin/sh
. {environment}
exec {program} "$@"
"""
ENVIRONMENT = """# Shotbridge {version}, for shells and hosts. Written by install.py.
# Existing values are kept, in front.
SHOTBRIDGE_CONFIG={config}"${{SHOTBRIDGE_CONFIG:+:$SHOTBRIDGE_CONFIG}}"
NUKE_PATH="${{NUKE_PATH:+$NUKE_PATH:}}"{nuke}
SHOTBRIDGE_PLUGINS={plugins}
SHOTBRIDGE_PYTHON={python}
SHOTBRIDGE_SITE={site}
export SHOTBRIDGE_CONFIG NUKE_PATH SHOTBRIDGE_PLUGINS SHOTBRIDGE_PYTHON SHOTBRIDGE_SITE
"""
CONFIG = """# Written by install.py; the configurations of studio and user override it.
client:
  gateway_command: {command}
gateway:
  models_dir: models
"""


class InstallRefused(Exception):
    """The bundle cannot be installed; the message says why and what to do."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Install Shotbridge from this folder.")
    parser.add_argument("folder", type=Path, nargs="?", help="folder of all versions")
    parser.add_argument("--expect", help="SHA-256 of SHA256SUMS, as sent separately")
    parser.add_argument("--verify", action="store_true", help="check every file, install nothing")
    arguments = parser.parse_args(argv)
    if arguments.folder is None and not arguments.verify:
        parser.error("name the folder to install into, such as /opt/shotbridge")
    try:
        count = verify(BUNDLE, arguments.expect)
        print(f"{count} files verified", flush=True)
        if not arguments.verify:
            install(BUNDLE, arguments.folder.expanduser().absolute())
    except InstallRefused as error:
        print(f"install.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = error.filename or arguments.folder
        print(
            f"install.py: {where}: {error.strerror or error}. Free some space, have the "
            "permissions changed, or name another folder; the next run removes what this one left",
            file=sys.stderr,
        )
        return 1
    return 0


def verify(bundle: Path, expected: str | None = None) -> int:
    """Compare every file with SHA256SUMS and return their number.

    :raises InstallRefused: a file was changed, removed, added, or replaced by a link.
    """
    sums = bundle / SUMS
    if not sums.is_file():
        raise InstallRefused(f"there is no {SUMS}: this bundle is incomplete. Copy it again")
    if expected is not None and _hash(sums) != expected.lower():
        raise InstallRefused(
            f"{SUMS} is not the expected one: {_hash(sums)}. Nothing was installed; ask "
            "whoever sent the bundle"
        )
    listed: dict[str, str] = {}
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name.startswith("/") or ".." in Path(name).parts:
            raise InstallRefused(f"{SUMS} has an invalid line: {line!r}. Copy the bundle again")
        listed[name] = digest
    found = {
        path.relative_to(bundle).as_posix(): path
        for path in bundle.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    found.pop(SUMS)
    missing = sorted(set(listed) - set(found))
    added = sorted(set(found) - set(listed))
    links = sorted(name for name, path in found.items() if path.is_symlink())
    changed = sorted(
        name for name in set(listed) & set(found) - set(links) if _hash(found[name]) != listed[name]
    )
    for names, what in (
        (links, "are links"),
        (changed, "are changed"),
        (missing, "are missing"),
        (added, "were added"),
    ):
        if names:
            raise InstallRefused(
                f"{len(names)} of its files {what}: {', '.join(names[:5])}"
                f"{', ...' if len(names) > 5 else ''}. Nothing was installed; copy the bundle "
                "again, and if that does not help, ask whoever sent it"
            )
    return len(listed)


def install(bundle: Path, folder: Path) -> None:
    """Install the bundle's version beside existing ones, and activate it.

    :raises InstallRefused: the bundle is for another Python or platform, or the version exists.
    """
    about = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    _check_platform(about)
    target = folder / about["version"]
    if target.exists():
        if not (target / UNFINISHED).exists():
            raise InstallRefused(
                f"{target} is there already. To install it again, stop its programs and remove "
                "that folder first"
            )
        shutil.rmtree(target)
    target.mkdir(parents=True)
    (target / UNFINISHED).touch()
    print(f"installing Shotbridge {about['version']} into {target}", flush=True)
    python = _environment(bundle, target / "venv")
    _pip(bundle, python, "--target", str(target / "host"), lock="requirements-host.lock")
    for name in ("models", "blender", "docs"):
        if (bundle / name).is_dir():
            shutil.copytree(bundle / name, target / name)
    plugins = target / "venv" / "share" / "shotbridge" / "plugins"
    shutil.copytree(bundle / "source" / "plugins", plugins)
    _write(target, python, plugins, about["version"])
    (target / UNFINISHED).unlink()
    _activate(folder, about["version"])
    print(
        f"done. Next:\n  {folder}/current/bin/shotbridge doctor\n"
        f"  {folder}/current/bin/shotbridge demo --out /tmp/shotbridge_demo\n"
        f"For hosts: . {folder}/current/environment.sh"
    )


def _check_platform(about: dict[str, str]) -> None:
    running_python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if running_python != about["python"]:
        raise InstallRefused(
            f"this bundle is for Python {about['python']}, and this is {running_python}. Run it "
            f"with python{about['python']}, or make a bundle with Python {running_python}"
        )
    machine = f"{sys.platform}-{platform.machine()}"
    if machine != about["platform"]:
        raise InstallRefused(
            f"this bundle is for {about['platform']}, and this machine is {machine}. Make one there"
        )


def _environment(bundle: Path, folder: Path) -> Path:
    try:
        venv.create(folder, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise InstallRefused(
            "this Python cannot make virtual environments; on Debian install python3-venv"
        ) from error
    python = folder / "bin" / "python"
    _pip(bundle, python, lock="requirements-gateway.lock")
    return python


def _pip(bundle: Path, python: Path, *where: str, lock: str) -> None:
    """Install the lock's files, by hash, and Shotbridge itself; no index is asked."""
    words = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *where]
    words += ["--disable-pip-version-check", "--find-links", str(bundle / "wheels")]
    own = [str(path) for path in (bundle / "wheels").glob("shotbridge-*.whl")]
    for what in (["--require-hashes", "--requirement", str(bundle / lock)], own):
        # Without the user's pip configuration, variables and packages.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        clean["PIP_CONFIG_FILE"] = os.devnull
        done = subprocess.run([*words, *what], env=clean, check=False)
        if done.returncode:
            raise InstallRefused("pip could not install it; see its output above")


def _write(target: Path, python: Path, plugins: Path, version: str) -> None:
    config = target / "shotbridge.yaml"
    command = json.dumps([str(python), "-m", "bridge_gateway"])
    config.write_text(CONFIG.format(command=command), encoding="utf-8")
    environment = target / "environment.sh"
    quoted = {
        "config": config,
        "nuke": plugins / "nuke",
        "plugins": plugins,
        "python": python,
        "site": target / "host",
    }
    shell_values = {name: shlex.quote(str(path)) for name, path in quoted.items()}
    environment.write_text(ENVIRONMENT.format(version=version, **shell_values), encoding="utf-8")
    program = target / "bin" / "shotbridge"
    program.parent.mkdir()
    program.write_text(
        COMMAND.format(
            environment=shlex.quote(str(environment)),
            program=shlex.quote(str(target / "venv" / "bin" / "shotbridge")),
        ),
        encoding="utf-8",
    )
    program.chmod(0o755)


def _activate(folder: Path, version: str) -> None:
    """Move the link ``current`` atomically: programs start in the old version or in the new one."""
    link = folder / f".current.{os.getpid()}"
    link.symlink_to(version)
    link.replace(folder / "current")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
