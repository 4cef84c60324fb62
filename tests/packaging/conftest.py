"""Puts the scripts in packaging/, which are no package, on the path as they find each other."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGING = Path(__file__).parents[2] / "packaging"
for folder in (PACKAGING, PACKAGING / "bundle"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
