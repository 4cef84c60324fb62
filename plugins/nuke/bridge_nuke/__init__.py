"""Shotbridge inside Nuke: what is selected, what is rendered, what comes back.

``init.py`` and ``menu.py`` beside this package hold a guarded call of :mod:`bridge_nuke.startup` and
nothing else. All of it runs on Nuke's main thread; nothing here waits for a network.

Where the client is not on ``PYTHONPATH``, ``SHOTBRIDGE_SITE`` names the folder that holds it, or
several, separated as in ``PATH``. They go to the end of Python's path, so that whatever Nuke or the
studio bring goes before them.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - Nuke 15 and older find this folder as well
    raise ImportError(
        f"it needs Python 3.11, which comes with Nuke 16; this is Python {sys.version.split()[0]}"
    )

for _site in os.environ.get("SHOTBRIDGE_SITE", "").split(os.pathsep):
    if _site and _site not in sys.path:
        sys.path.append(_site)
