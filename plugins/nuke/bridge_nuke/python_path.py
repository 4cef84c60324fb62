"""Makes the client importable in Nuke; imported before everything else.

If the client is not on ``PYTHONPATH``, ``SHOTBRIDGE_SITE`` names the folder that holds it, or
several folders, separated as in ``PATH``. They are appended to Python's path, so that packages of
Nuke and of the studio take precedence.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - Nuke 15 and older find this folder as well
    raise ImportError(
        f"it needs Python 3.11, which Nuke 16 brings; this is Python {sys.version.split()[0]}"
    )

for _site in os.environ.get("SHOTBRIDGE_SITE", "").split(os.pathsep):
    if _site and _site not in sys.path:
        sys.path.append(_site)
