"""Real files for the tests of pixels; their makers are importable as ``media_synthetic``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from bridge_core.models.settings import ColourSettings
from bridge_gateway.media.colour import ColourManager

_spec = importlib.util.spec_from_file_location(
    "media_synthetic", Path(__file__).with_name("media_synthetic.py")
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
sys.modules["media_synthetic"] = _module
_spec.loader.exec_module(_module)


@pytest.fixture
def colour() -> ColourManager:
    """The built-in ACES config."""
    return ColourManager(ColourSettings())
