"""Requires Qt, for the standalone panel and for Resolve's companion window.

rez prefers ``shotbridge_qt-own``, as the later name. It conflicts with hosts that have their own
Qt, for which ``shotbridge_qt-host`` remains. ``SHOTBRIDGE_REZ_QT`` names a package of the studio
instead, such as ``pyside6-6.5+``. Each version of Shotbridge has its own ``shotbridge_qt``, so that
another choice at an upgrade does not change the older version's environments.
"""

name = "shotbridge_qt"


@early()
def version():
    import os
    import re

    with open(os.path.join("..", "..", "..", "bridge_core", "__init__.py")) as file:
        return "own." + re.search(r'__version__ = "(.+)"', file.read()).group(1)


description = "Shotbridge with its own PySide6, or the studio's"

build_command = False


@early()
def requires():
    import os

    # 6.12.0 drops a reference to None in every void call on Python 3.11 and aborts the host.
    ours = "PySide6_Essentials-6.5.3+<6.12|6.12.1+"
    return [os.environ.get("SHOTBRIDGE_REZ_QT") or ours, "!nuke", "!blender"]
