"""``python -m bridge_ui [cut]``: the panel as a program of its own."""

import sys

from bridge_ui.app.window import main

if __name__ == "__main__":
    sys.exit(main())
