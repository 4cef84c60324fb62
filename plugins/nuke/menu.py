"""Nuke runs this after ``init.py`` if it has an interface: the menu and the pane."""

import sys

try:
    from bridge_nuke import startup
except Exception:
    startup = None  # init.py has printed why

if startup is not None:
    try:
        startup.register_interface()
    except Exception as error:
        print(f"Shotbridge has no panel in this Nuke: {error}", file=sys.stderr)
