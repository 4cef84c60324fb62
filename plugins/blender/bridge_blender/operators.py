"""Blender operators. An operator never raises: errors are reported in Blender's interface.

Blender evaluates the annotations of these classes, so this file must not postpone them.
"""

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from bridge_core.errors import ShotbridgeError

from . import sequencer_api as api

_log = logging.getLogger(__name__)
_Execute = Callable[[Any, Any], set[str]]


def _report_errors(execute: _Execute) -> _Execute:
    @wraps(execute)
    def run(self: Any, context: Any) -> set[str]:
        try:
            return execute(self, context)
        except ShotbridgeError as error:
            self.report({"ERROR"}, str(error))
        except Exception as error:
            _log.exception("%s failed", self.bl_idname)
            self.report({"ERROR"}, f"Shotbridge failed: {error}. Next: see the system console")
        return {"CANCELLED"}

    return run


def active_strip() -> Any:
    """The active strip; None if there is none."""
    scene = api.sequencer_scene()
    editor = scene.sequence_editor if scene is not None else None
    return editor.active_strip if editor is not None else None


class SHOTBRIDGE_OT_open_panel(bpy.types.Operator):  # noqa: N801 - Blender's naming
    """Send shots to the studio's AI services, and review versions"""

    bl_idname = "shotbridge.open_panel"
    bl_label = "Open Shotbridge"

    @_report_errors
    def execute(self, context: Any) -> set[str]:
        from .window import open_window

        open_window()
        return {"FINISHED"}


class SHOTBRIDGE_OT_show_version(bpy.types.Operator):  # noqa: N801
    """Show this version in the cut; the others are muted"""

    bl_idname = "shotbridge.show_version"
    bl_label = "Show Version"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    strip: StringProperty(  # type: ignore[valid-type]
        name="Strip", description="The version's; empty for the plate", options={"HIDDEN"}
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        return active_strip() is not None

    @_report_errors
    def execute(self, context: Any) -> set[str]:
        from .version_strips import show_version, version_stack

        stack = version_stack(active_strip())
        if stack is None:
            self.report({"WARNING"}, "This strip has no versions")
            return {"CANCELLED"}
        show_version(stack, self.strip)
        return {"FINISHED"}


class SHOTBRIDGE_OT_export_otio(bpy.types.Operator, ExportHelper):  # noqa: N801
    """Export the sequencer's cut as an OpenTimelineIO file, with the versions of its strips"""

    bl_idname = "shotbridge.export_otio"
    bl_label = "Export Cut as OTIO"

    filename_ext = ".otio"
    filter_glob: StringProperty(default="*.otio", options={"HIDDEN"})  # type: ignore[valid-type]
    check_existing: BoolProperty(default=True, options={"HIDDEN"})  # type: ignore[valid-type]

    @_report_errors
    def execute(self, context: Any) -> set[str]:
        from .otio_export import export_cut

        # Blender's file browser has already confirmed overwriting.
        target = Path(bpy.path.ensure_ext(self.filepath, ".otio"))
        warnings = export_cut(api.sequencer_scene(), target, overwrite=True)
        _report_conversion(self, f"{target.name} written", warnings, "not exported")
        return {"FINISHED"}


class SHOTBRIDGE_OT_import_otio(bpy.types.Operator, ImportHelper):  # noqa: N801
    """Add the strips of an OpenTimelineIO cut to the sequencer, above existing strips"""

    bl_idname = "shotbridge.import_otio"
    bl_label = "Import OTIO Cut"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".otio"
    filter_glob: StringProperty(default="*.otio", options={"HIDDEN"})  # type: ignore[valid-type]

    @_report_errors
    def execute(self, context: Any) -> set[str]:
        from .otio_import import import_cut

        path = Path(self.filepath)
        warnings = import_cut(api.sequencer_scene(), path)
        _report_conversion(self, f"{path.name} imported", warnings, "not imported")
        return {"FINISHED"}


def _report_conversion(operator: Any, summary: str, warnings: list[Any], consequence: str) -> None:
    """Report a summary in the status bar, and each warning in the Info editor."""
    for warning in warnings:
        operator.report({"WARNING"}, str(warning))
    if warnings:
        count = f"{len(warnings)} items {consequence}"
        operator.report({"WARNING"}, f"{summary}; {count}, see the Info editor")
    else:
        operator.report({"INFO"}, summary)


_CLASSES = (
    SHOTBRIDGE_OT_open_panel,
    SHOTBRIDGE_OT_show_version,
    SHOTBRIDGE_OT_export_otio,
    SHOTBRIDGE_OT_import_otio,
)


def register() -> None:
    for operator in _CLASSES:
        bpy.utils.register_class(operator)


def unregister() -> None:
    for operator in reversed(_CLASSES):
        bpy.utils.unregister_class(operator)
