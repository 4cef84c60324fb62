"""Shotbridge's entries in Blender's menus."""

import logging
from collections.abc import Callable
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
    unmuted = (version for version in stack.versions if not version.mute)
    shown = max(unmuted, key=lambda version: version.channel, default=None)
    entries = [(f"Plate: {stack.plate.name}", "", shown is None)]
    for version in reversed(stack.versions):
        if properties := version_properties(version):
            suffix = " (in its place)" if properties.mode_id == SWAP else ""
            entries.append((f"{properties.title}{suffix}", version.name, version == shown))
    for text, strip_name, is_shown in entries:
        icon = "RADIOBUT_ON" if is_shown else "RADIOBUT_OFF"
        layout.operator("shotbridge.show_version", text=text, icon=icon).strip = strip_name


def _draw_sequencer_entries(menu: Any, context: Any) -> None:
    menu.layout.separator()
    menu.layout.operator("shotbridge.open_panel", text="Send to Shotbridge")
    menu.layout.menu(SHOTBRIDGE_MT_versions.bl_idname)


def _entry(operator: str, text: str, *, separated: bool = False) -> Callable[[Any, Any], None]:
    """A function that draws an operator in a menu, after a separator if it is ``separated``."""

    def draw(menu: Any, context: Any) -> None:
        if separated:
            menu.layout.separator()
        menu.layout.operator(f"shotbridge.{operator}", text=text)

    return draw


_MENU_ENTRIES = (
    ("SEQUENCER_MT_strip", _draw_sequencer_entries),
    ("SEQUENCER_MT_context_menu", _draw_sequencer_entries),
    ("IMAGE_MT_image", _entry("open_panel", "Send to Shotbridge", separated=True)),
    ("TOPBAR_MT_window", _entry("open_panel", "Open Shotbridge", separated=True)),
    ("TOPBAR_MT_file_export", _entry("export_otio", "Cut of the Sequencer (.otio)")),
    ("TOPBAR_MT_file_import", _entry("import_otio", "Cut for the Sequencer (.otio)")),
)


def register() -> None:
    bpy.utils.register_class(SHOTBRIDGE_MT_versions)
    for name, draw in _MENU_ENTRIES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    for name, draw in reversed(_MENU_ENTRIES):
        getattr(bpy.types, name).remove(draw)
    bpy.utils.unregister_class(SHOTBRIDGE_MT_versions)
