"""Enables the extension of BLENDER_SYSTEM_EXTENSIONS for this session. Blender runs this at its
start, because of BLENDER_SYSTEM_SCRIPTS. The user's saved preferences are not changed.
"""

import bpy

NAME = "bl_ext.system.shotbridge"


@bpy.app.handlers.persistent
def enable(*_: object) -> None:
    """Runs once, when the first file is loaded: start-up scripts run before extensions exist."""
    import addon_utils

    bpy.app.handlers.load_post.remove(enable)
    preferences = bpy.context.preferences
    if NAME in preferences.addons:
        return
    changed = preferences.is_dirty
    addon_utils.enable(NAME, default_set=True)
    # Keep Blender from saving this change when it ends.
    preferences.is_dirty = changed


def register() -> None:
    bpy.app.handlers.load_post.append(enable)


def unregister() -> None:
    """Required by Blender; there is nothing to undo at the end of a session."""
