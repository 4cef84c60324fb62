"""Shotbridge's entries in Blender's menus."""

import logging
from typing import Any

import bpy

from .operators import active_strip

_log = logging.getLogger(__name__)


class SHOTBRIDGE_MT_versions(bpy.types.Menu):  # noqa: N801 - Blender's naming
    bl_idname = "SHOTBRIDGE_MT_versions"
    bl_label = "Versions"

    def draw(self, context: Any) -> None:
        try:
            _draw_versions(self.layout)
        except Exception:
            # A menu that raises is drawn repeatedly.
            _log.exception("listing versions failed")
            self.layout.label(text="The versions cannot be listed")


def _draw_versions(layout: Any) -> None:
    from .custom_properties import SWAP, version_properties
    from .version_strips import version_stack

    strip = active_strip()
    stack = version_stack(strip) if strip is not None else None
    if stack is None:
        layout.label(text="No versions yet")
        return
    unmuted = (one for one in stack.versions if not one.mute)
    shown = max(unmuted, key=lambda one: one.channel, default=None)
    entry = layout.operator(
        "shotbridge.show_version",
        text=f"Plate: {stack.plate.name}",
        icon="RADIOBUT_OFF" if shown else "RADIOBUT_ON",
    )
    entry.strip = ""
    for one in reversed(stack.versions):
        properties = version_properties(one)
        if properties is None:
            continue
        icon = "RADIOBUT_ON" if one == shown else "RADIOBUT_OFF"
        text = (
            f"{properties.title} (in its place)" if properties.mode_id == SWAP else properties.title
        )
        entry = layout.operator("shotbridge.show_version", text=text, icon=icon)
        entry.strip = one.name


def _draw_sequencer_entries(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel", text="Send to Shotbridge")
    menu.layout.menu(SHOTBRIDGE_MT_versions.bl_idname)


def _draw_image_editor_entry(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel", text="Send to Shotbridge")


def _draw_window_entry(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel")


def _draw_export_entry(menu: Any, context: Any) -> None:
    menu.layout.operator("shotbridge.export_otio", text="Cut of the Sequencer (.otio)")


def _draw_import_entry(menu: Any, context: Any) -> None:
    menu.layout.operator("shotbridge.import_otio", text="Cut for the Sequencer (.otio)")


_MENU_ENTRIES = (
    ("SEQUENCER_MT_strip", _draw_sequencer_entries),
    ("SEQUENCER_MT_context_menu", _draw_sequencer_entries),
    ("IMAGE_MT_image", _draw_image_editor_entry),
    ("TOPBAR_MT_window", _draw_window_entry),
    ("TOPBAR_MT_file_export", _draw_export_entry),
    ("TOPBAR_MT_file_import", _draw_import_entry),
)


def register() -> None:
    bpy.utils.register_class(SHOTBRIDGE_MT_versions)
    for name, draw in _MENU_ENTRIES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    for name, draw in reversed(_MENU_ENTRIES):
        getattr(bpy.types, name).remove(draw)
    bpy.utils.unregister_class(SHOTBRIDGE_MT_versions)
