"""Inside ``bpy``: installs a zip as the menu *Install from Disk* does, and enables it."""

import sys

import bpy

# isort: split
import addon_utils

# Blender enables its own add-on for extensions at its start; the module ``bpy`` does not.
addon_utils.enable("bl_pkg")
answer = bpy.ops.extensions.package_install_files(
    filepath=sys.argv[1], repo="user_default", enable_on_install=True
)
print(answer)
enabled = "bl_ext.user_default.shotbridge" in bpy.context.preferences.addons
if answer != {"FINISHED"} or not enabled:
    sys.exit("the extension was not installed and enabled")
bpy.ops.wm.save_userpref()
