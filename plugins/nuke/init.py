"""Nuke runs this whenever it starts, in a terminal and on a farm as well: no interface, no Qt."""

import sys

try:
    from bridge_nuke import startup

    startup.register_callbacks()
except Exception as error:
    print(
        f"Shotbridge is not available in this Nuke: {error}. Next: ask whoever installed it; "
        "docs/guide/nuke.md tells what has to be on NUKE_PATH and in SHOTBRIDGE_SITE",
        file=sys.stderr,
    )
