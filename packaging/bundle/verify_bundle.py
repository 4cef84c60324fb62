"""``make test-bundle``: installs the bundle and runs the demo without any network.

It runs in a network namespace of its own (Linux, ``unshare``) with a loopback and nothing else, and
checks first that nothing can be reached. A bundle that was tampered with is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path[:0] = [str(REPO / "packaging"), str(REPO / "packaging" / "blender")]

from targets import TARGETS, this_platform  # noqa: E402  found by the line above
from tools import CACHE, captured, make_empty_folder  # noqa: E402

#: ioctl(2) numbers of Linux: get and set an interface's flags; the flag that it is up.
_GET, _SET, _UP = 0x8913, 0x8914, 0x1
WORK_DIR = CACHE / "bundle-test"


def main() -> None:
    bundles = sorted((REPO / "dist" / "bundle").glob("shotbridge-*/"))
    if not bundles:
        sys.exit("there is no bundle in dist/bundle: make bundle")
    if sys.argv[1:] == ["--inside"]:
        check_without_network(bundles[-1])
        return
    make_empty_folder(WORK_DIR)
    check_tampering(bundles[-1])
    namespace = ["unshare", "--map-root-user", "--net", sys.executable, __file__, "--inside"]
    if subprocess.run(namespace, check=False).returncode:
        sys.exit("the bundle failed its test; see the output above")
    shutil.rmtree(WORK_DIR)


def check_tampering(bundle: Path) -> None:
    """Changed, removed, added or linked files: each is refused with a message, and nothing is
    written."""

    def changed(copy: Path) -> None:
        path = next((copy / "wheels").glob("shotbridge-*.whl"))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.unlink()  # the copy shares its files with the bundle
        path.write_bytes(content)

    def removed(copy: Path) -> None:
        next((copy / "models").rglob("*.onnx")).unlink()

    def added(copy: Path) -> None:
        (copy / "source" / "plugins" / "nuke" / "init_more.py").write_text("print('mine')\n")

    def linked(copy: Path) -> None:
        path = copy / "bundle.json"
        path.rename(WORK_DIR / "elsewhere.json")
        path.symlink_to(WORK_DIR / "elsewhere.json")

    ways: dict[str, Callable[[Path], None]] = {
        "are changed": changed,
        "are missing": removed,
        "were added": added,
        "are links": linked,
    }
    for message_part, tamper in ways.items():
        copy = WORK_DIR / "tampered"
        shutil.copytree(bundle, copy, copy_function=os.link)
        tamper(copy)
        target = WORK_DIR / "refused"
        message = _refused(copy, str(target))
        assert message_part in message and "Nothing was installed" in message, message
        assert not target.exists()
        shutil.rmtree(copy)
        print(f"ok  refused: files that {message_part}", flush=True)
    message = _refused(bundle, str(WORK_DIR / "refused"), "--expect", "0" * 64)
    assert "not the expected one" in message, message
    print("ok  refused: another SHA256SUMS than expected", flush=True)


def _refused(bundle: Path, *words: str) -> str:
    done = captured(sys.executable, bundle / "install.py", *words)
    assert done.returncode == 1, done.stdout
    return done.stderr


def check_without_network(bundle: Path) -> None:
    _loopback_up()
    _check_no_network()
    home = WORK_DIR / "home"
    home.mkdir()
    clean = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    target = WORK_DIR / "opt shotbridge"  # a folder name with a space
    _timed("installed", clean, sys.executable, str(bundle / "install.py"), str(target))
    shotbridge = str(target / "current" / "bin" / "shotbridge")
    report = json.loads(_timed("doctor is green", clean, shotbridge, "doctor", "--json"))
    checks = {check["name"]: check for check in report["checks"]}
    assert report["ok"] and str(target) in checks["models"]["message"], report
    _call(clean, shotbridge, "stop")
    hosts = _call(clean, "sh", "-c", f". '{target}/current/environment.sh' && env")
    variables = dict(line.split("=", 1) for line in hosts.splitlines() if "=" in line)
    assert (Path(variables["NUKE_PATH"]) / "bridge_nuke").is_dir()
    # What a host adds to its path: the client and its libraries, without Qt.
    program = "import bridge_core.client, bridge_ui, pydantic, yaml, requests, opentimelineio"
    alone = {**clean, "PYTHONPATH": variables["SHOTBRIDGE_SITE"]}
    _call(alone, sys.executable, "-S", "-c", program)
    assert not (Path(variables["SHOTBRIDGE_SITE"]) / "PySide6").exists()
    print("ok  hosts find their plugins and libraries", flush=True)
    extensions = sorted(path.name for path in (target / "current" / "blender").glob("*.zip"))
    ours = sorted(one.name for one in TARGETS if one.platform == this_platform())
    assert [name.split("-", 2)[2] for name in extensions] == [f"{name}.zip" for name in ours]
    assert (target / "current" / "docs" / "admin.md").is_file()
    # rez packages can be built from it, and it is not changed by that.
    recipes = str(bundle / "source" / "packaging" / "rez" / "install.py")
    assert "--extensions" in _call(clean, sys.executable, recipes, "--help")
    _call(clean, sys.executable, str(bundle / "install.py"), "--verify")
    print("ok  extension, documents and the sources of rez packages are in it", flush=True)
    out = WORK_DIR / "demo"
    _timed("demo has run", clean, shotbridge, "demo", "--out", str(out))
    summary = json.loads((out / "summary.json").read_text())
    assert [job["state"] for job in summary["jobs"]] == ["succeeded"] * 3, summary
    assert (out / "contact_sheet.png").stat().st_size > 10_000


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        name = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(one, _GET, name))[1]
        fcntl.ioctl(one, _SET, struct.pack("16sH14x", b"lo", flags | _UP))


def _check_no_network() -> None:
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    with socket.socket() as one:
        one.settimeout(5)
        try:
            one.connect(("192.0.2.1", 443))  # RFC 5737: reserved for documentation
        except OSError as error:
            print(f"ok  no network: {error.strerror}", flush=True)
            return
    sys.exit("there is a network here: the test means nothing")


def _timed(what: str, variables: dict[str, str], *words: str) -> str:
    started = time.monotonic()
    output = _call(variables, *words)
    print(f"ok  {what}  {time.monotonic() - started:.1f} s", flush=True)
    return output


def _call(variables: dict[str, str], *words: str) -> str:
    done = captured(*words, variables=variables, folder=WORK_DIR)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
