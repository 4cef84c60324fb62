"""Isolates every test from the user's configuration and from the network outside this machine."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# Tests do not depend on the machine's speed, and use the same seeds each time.
# `make test-properties` uses the other profile.
hypothesis.settings.register_profile("everyday", deadline=None, derandomize=True)
hypothesis.settings.register_profile("properties", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile("everyday")

REPO = Path(__file__).parents[1]
_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _isolated_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("SHOTBRIDGE_")]:
        if not name.startswith("SHOTBRIDGE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("OCIO", raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))


@pytest.fixture
def collector_off() -> Iterator[None]:
    """Python's garbage collector is off: what it frees while a test recurses to the limit fails to
    close, and is reported in the name of that test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test connected to {address}, outside this machine")
        real(self, address)  # type: ignore[arg-type]

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", connect)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of the installed weights and footage."""
    folder = Path(os.environ.get("SHOTBRIDGE_TEST_MODELS", REPO / ".cache" / "models")).absolute()
    if not (folder / "installed.json").exists() and not any(folder.glob("*/installed.json")):
        pytest.skip(f"no weights in {folder}: run `make models`")
    return folder


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plugins with the script for Resolve, set in the environment. Modules of the
    plugins are those of the checkout, which are on Python's path."""
    from bridge_resolve.script_installer import MARKER

    script = f'"""Shotbridge, {MARKER}."""\n\nPYTHON = ""\nPLUGINS = ""\n\nprint("started")\n'
    folder = tmp_path / "plugins of the studio"
    for host in ("nuke", "blender", "resolve"):
        (folder / host / f"bridge_{host}").mkdir(parents=True)
    (folder / "resolve" / "Utility").mkdir()
    (folder / "resolve" / "Utility" / "Shotbridge.py").write_text(script)
    monkeypatch.setenv("SHOTBRIDGE_PLUGINS", str(folder))
    monkeypatch.delenv("REZ_SHOTBRIDGE_ROOT", raising=False)
    return folder
