"""Qt of one's own: for a panel in a window of its own, and for Resolve's companion window.

``shotbridge_qt-own`` is taken wherever it may; a host that brings its own Qt rules it out, and
``shotbridge_qt-host`` remains (rez takes the later name first). ``SHOTBRIDGE_REZ_QT`` names a
package of the studio's own instead, such as ``pyside6-6.5+``. Each version of Shotbridge has its
own, so that another choice at an upgrade leaves the older version's environments alone.
"""

name = "shotbridge_qt"


@early()
def version():
    import os
    import re

    with open(os.path.join("..", "..", "..", "bridge_core", "__init__.py")) as file:
        return "own." + re.search(r'__version__ = "(.+)"', file.read()).group(1)


description = "Shotbridge with a PySide6 of its own, or of the studio's"

build_command = False


@early()
def requires():
    import os

    # 6.12.0 drops a reference to None in every void call on Python 3.11 and aborts the host.
    ours = "PySide6_Essentials-6.5+<6.12|6.12.1+"
    return [os.environ.get("SHOTBRIDGE_REZ_QT") or ours, "!nuke", "!blender"]
