"""The bundled catalogue is complete; invalid catalogues are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge_core.errors import ConfigError, NotFound
from bridge_gateway.inference.catalogue import CATALOGUE_PATH, bundled_catalogue, load_catalogue


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(CATALOGUE_PATH.read_text(encoding="utf-8"))
    return loaded


def test_the_catalogue_has_the_models_and_footage_in_use() -> None:
    entries = {entry.id: entry for entry in bundled_catalogue().entries}
    assert entries["span-x2"].network is not None
    assert entries["span-x2"].network.scale == 2
    assert entries["realesr-animevideo-x4"].network is not None
    assert entries["realesr-animevideo-x4"].network.scale == 4
    assert entries["u2netp"].kind == "weights"
    assert {e.id for e in entries.values() if e.kind == "footage"} == {"big-buck-bunny", "bikes"}


def test_only_the_named_files_of_the_span_package_are_used() -> None:
    """The package also contains models of other authors under other licences."""
    names = [file.name for file in bundled_catalogue().get_entry("span-x2").files]
    assert all(name.startswith("spanx2_ch48.") for name in names)


def test_the_error_for_an_unknown_id_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match="span-x2"):
        bundled_catalogue().get_entry("span-x3")


def _unknown_key(entry: dict[str, Any]) -> None:
    entry["licence_url"] = "https://example.org"


def _no_hash(entry: dict[str, Any]) -> None:
    del entry["package"]["sha256"]


def _short_hash(entry: dict[str, Any]) -> None:
    entry["files"][0]["sha256"] = "abc"


def _outside(entry: dict[str, Any]) -> None:
    entry["files"][0]["path"] = "../../etc/spanx2_ch48.param"


def _absolute(entry: dict[str, Any]) -> None:
    entry["files"][0]["path"] = "/etc/spanx2_ch48.param"


def _folder_as_id(entry: dict[str, Any]) -> None:
    entry["id"] = "../span"


def _half_a_network(entry: dict[str, Any]) -> None:
    del entry["files"][1]


def _no_licence(entry: dict[str, Any]) -> None:
    entry["licence"] = ""


def _number_as_version(entry: dict[str, Any]) -> None:
    entry["package"]["version"] = 1.2


@pytest.mark.parametrize(
    "corrupt",
    [
        _unknown_key,
        _no_hash,
        _short_hash,
        _outside,
        _absolute,
        _folder_as_id,
        _half_a_network,
        _no_licence,
        _number_as_version,
    ],
)
def test_an_invalid_entry_is_refused(corrupt: Any, tmp_path: Path) -> None:
    content = document()
    corrupt(content["entries"][0])
    file = tmp_path / "catalogue.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_catalogue(file)
    assert str(file) in str(caught.value)


def test_duplicate_ids_are_refused(tmp_path: Path) -> None:
    content = document()
    content["entries"].append(content["entries"][0])
    file = tmp_path / "catalogue.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="duplicate ids: span-x2"):
        load_catalogue(file)
