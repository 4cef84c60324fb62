"""Blender runs this at its start, found by BLENDER_SYSTEM_SCRIPTS: enables the extension that
BLENDER_SYSTEM_EXTENSIONS brought, for this session. The user's preferences stay as they are saved.
"""

import bpy

NAME = "bl_ext.system.shotbridge"


@bpy.app.handlers.persistent
def enable(*_: object) -> None:
    """Once, when the first file is there: scripts like this one run before extensions can."""
    import addon_utils

    bpy.app.handlers.load_post.remove(enable)
    preferences = bpy.context.preferences
    if NAME in preferences.addons:
        return
    changed = preferences.is_dirty
    addon_utils.enable(NAME, default_set=True)
    # What is not changed by a person is not saved when Blender ends.
    preferences.is_dirty = changed


def register() -> None:
    bpy.app.handlers.load_post.append(enable)


def unregister() -> None:
    """Blender asks for both; a session that ends needs nothing."""
