"""``python -m bridge_ui [cut]``: the standalone panel."""

import sys

from bridge_ui.app.window import main

if __name__ == "__main__":
    sys.exit(main())
