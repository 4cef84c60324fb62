"""Shotbridge inside Nuke: what is selected, what is rendered, what comes back.

``init.py`` and ``menu.py`` beside this package hold a guarded call of :mod:`bridge_nuke.start` and
nothing else. All of it runs on Nuke's main thread; nothing here waits for a network.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - Nuke 15 and older find this folder as well
    raise ImportError(
        f"it needs Python 3.11, which comes with Nuke 16; this is Python {sys.version.split()[0]}"
    )
