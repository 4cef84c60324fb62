"""Inside ``bpy``: enables the installed extension, then runs ``-c TEXT`` or a file with arguments.

The program gets ``extension``, the extension's own module: ``extension.bridge_blender.host``.
"""

import runpy
import sys
from importlib import import_module

import bpy  # noqa: F401 - brings its own modules along

# isort: split
import addon_utils

MODULE = "bl_ext.user_default.shotbridge"
addon_utils.enable("bl_pkg")
if addon_utils.enable(MODULE, default_set=True) is None:
    sys.exit("the extension cannot be enabled")
extension = {"extension": import_module(MODULE)}
what, *sys.argv[1:] = sys.argv[1:]
if what == "-c":
    text, *sys.argv[1:] = sys.argv[1:]
    exec(compile(text, "<inside Blender>", "exec"), {"__name__": "__main__", **extension})
else:
    sys.argv[0] = what
    runpy.run_path(what, extension, "__main__")
