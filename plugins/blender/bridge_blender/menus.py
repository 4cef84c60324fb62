"""Where Shotbridge stands in Blender's menus."""

import logging
from typing import Any

import bpy

from .operators import active_strip

_log = logging.getLogger(__name__)


class SHOTBRIDGE_MT_versions(bpy.types.Menu):  # noqa: N801 - as Blender wants them named
    bl_idname = "SHOTBRIDGE_MT_versions"
    bl_label = "Versions"

    def draw(self, context: Any) -> None:
        try:
            _list_versions(self.layout)
        except Exception:
            # A menu that raises is drawn again and again.
            _log.exception("listing versions failed")
            self.layout.label(text="The versions cannot be listed")


def _list_versions(layout: Any) -> None:
    from .remembered import SWAP, version_mark
    from .strips import stack_of

    strip = active_strip()
    stack = stack_of(strip) if strip is not None else None
    if stack is None:
        layout.label(text="No versions yet")
        return
    unmuted = (one for one in stack.versions if not one.mute)
    seen = max(unmuted, key=lambda one: one.channel, default=None)
    entry = layout.operator(
        "shotbridge.show_version",
        text=f"Plate: {stack.plate.name}",
        icon="RADIOBUT_OFF" if seen else "RADIOBUT_ON",
    )
    entry.strip = ""
    for one in reversed(stack.versions):
        mark = version_mark(one)
        if mark is None:
            continue
        icon = "RADIOBUT_ON" if one == seen else "RADIOBUT_OFF"
        text = f"{mark.title} (in its place)" if mark.way == SWAP else mark.title
        entry = layout.operator("shotbridge.show_version", text=text, icon=icon)
        entry.strip = one.name


def _in_sequencer(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel", text="Send to Shotbridge")
    menu.layout.menu(SHOTBRIDGE_MT_versions.bl_idname)


def _in_image_editor(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel", text="Send to Shotbridge")


def _in_window_menu(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel")


def _in_export(menu: Any, context: Any) -> None:
    menu.layout.operator("shotbridge.export_otio", text="Cut of the Sequencer (.otio)")


def _in_import(menu: Any, context: Any) -> None:
    menu.layout.operator("shotbridge.import_otio", text="Cut for the Sequencer (.otio)")


_ENTRIES = (
    ("SEQUENCER_MT_strip", _in_sequencer),
    ("SEQUENCER_MT_context_menu", _in_sequencer),
    ("IMAGE_MT_image", _in_image_editor),
    ("TOPBAR_MT_window", _in_window_menu),
    ("TOPBAR_MT_file_export", _in_export),
    ("TOPBAR_MT_file_import", _in_import),
)


def register() -> None:
    bpy.utils.register_class(SHOTBRIDGE_MT_versions)
    for name, draw in _ENTRIES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    for name, draw in reversed(_ENTRIES):
        getattr(bpy.types, name).remove(draw)
    bpy.utils.unregister_class(SHOTBRIDGE_MT_versions)
