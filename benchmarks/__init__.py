"""Benchmarks. Results are ratios to a reference that is measured in the same run."""

from __future__ import annotations

import os
from pathlib import Path

REPO = Path(__file__).parents[1]
#: The folder that ``make models`` installs weights and footage to.
MODELS = Path(os.environ.get("SHOTBRIDGE_TEST_MODELS") or REPO / ".cache" / "models")
