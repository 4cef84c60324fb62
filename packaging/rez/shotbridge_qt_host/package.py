"""No Qt from here: Nuke's own PySide6 is used, and Blender's extension carries one."""

name = "shotbridge_qt"


@early()
def version():
    import os
    import re

    with open(os.path.join("..", "..", "..", "bridge_core", "__init__.py")) as file:
        return "host." + re.search(r'__version__ = "(.+)"', file.read()).group(1)


description = "Shotbridge with the PySide6 that the host brings"

build_command = False
