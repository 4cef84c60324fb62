"""No Qt from here: Nuke's own PySide6 is used, and Blender's extension carries one."""

name = "shotbridge_qt"

version = "host"

description = "Shotbridge with the PySide6 that the host brings"

build_command = False
