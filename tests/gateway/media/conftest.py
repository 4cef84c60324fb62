"""Makes ``synthetic_media`` (real media files) and ``colour_accuracy`` importable."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from bridge_core.models.settings import ColourSettings
from bridge_gateway.media.colour import ColourManager

for _name in ("colour_accuracy", "synthetic_media"):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_name])


@pytest.fixture
def colour() -> ColourManager:
    """The built-in ACES config."""
    return ColourManager(ColourSettings())
