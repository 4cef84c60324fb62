"""Without Qt: Nuke has its own PySide6, and Blender's extension contains one."""

name = "shotbridge_qt"


@early()
def version():
    import os
    import re

    with open(os.path.join("..", "..", "..", "bridge_core", "__init__.py")) as file:
        return "host." + re.search(r'__version__ = "(.+)"', file.read()).group(1)


description = "Shotbridge with the PySide6 of the host"

build_command = False
