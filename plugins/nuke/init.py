"""Nuke runs this at every start, also in a terminal and on a farm: no interface, no Qt."""

import sys

try:
    from bridge_nuke import startup

    startup.register_callbacks()
except Exception as error:
    print(
        f"Shotbridge is not available in this Nuke: {error}. Next: ask whoever installed it; "
        "docs/guide/nuke.md says what NUKE_PATH and SHOTBRIDGE_SITE have to name",
        file=sys.stderr,
    )
