"""Measurements, printed as ratios to a named rival or limit of the same run."""

from __future__ import annotations

import os
from pathlib import Path

REPO = Path(__file__).parents[1]
#: Where ``make models`` puts weights and footage.
MODELS = Path(os.environ.get("SHOTBRIDGE_TEST_MODELS") or REPO / ".cache" / "models")
