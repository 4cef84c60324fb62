"""The scripts of packaging/ are no package: they are found as they find each other."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGING = Path(__file__).parents[2] / "packaging"
for folder in (PACKAGING, PACKAGING / "bundle"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
