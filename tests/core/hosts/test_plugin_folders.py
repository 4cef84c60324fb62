"""The locations of the plugins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge_core.errors import ConfigError
from bridge_core.hosts.plugin_folders import plugin_folder, plugins_folder

REPO = Path(__file__).parents[3]


def test_a_checkout_has_plugins_beside_the_client() -> None:
    assert plugins_folder() == REPO / "plugins"


def test_the_variable_overrides_other_locations(plugins: Path) -> None:
    assert plugins_folder() == plugins
    assert plugin_folder("nuke") == plugins / "nuke"


def test_a_wrong_variable_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SHOTBRIDGE_PLUGINS is set to a folder without plugins"):
        plugins_folder({"SHOTBRIDGE_PLUGINS": str(tmp_path)})


def test_a_host_without_a_plugin_is_reported(plugins: Path) -> None:
    with pytest.raises(ConfigError, match="no plugin for maya"):
        plugin_folder("maya")


def test_the_bundle_installs_plugins_in_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is installed in site-packages, without a checkout."""
    site = tmp_path / "lib" / "python3.11" / "site-packages" / "bridge_core"
    site.mkdir(parents=True)
    monkeypatch.setattr("bridge_core.__file__", str(site / "__init__.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(ConfigError, match="not installed"):
        plugins_folder({})
    put = tmp_path / "share" / "shotbridge" / "plugins"
    (put / "nuke" / "bridge_nuke").mkdir(parents=True)
    assert plugins_folder({}) == put
