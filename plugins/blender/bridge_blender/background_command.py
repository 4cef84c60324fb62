"""``blender --command shotbridge``: exports OTIO from a .blend and imports it into a new one.

``shotbridge blender`` runs this and reads the last line of JSON: ``{"shotbridge": ...}`` with the
file that was written and the warnings, or with the error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from bridge_core.errors import HostError, ShotbridgeError, TimelineError

from . import sequencer_api as api

COMMAND_NAME = "shotbridge"
_registrations: list[Any] = []


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"blender --command {COMMAND_NAME}", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, help_text in (
        ("export", "write the cut of a .blend as OTIO"),
        ("import", "make a .blend of an OTIO cut"),
    ):
        action = actions.add_parser(name, help=help_text)
        action.add_argument("source", type=Path)
        action.add_argument("output", type=Path)
        action.add_argument("--overwrite", action="store_true")
        scene_help = "name of the scene; by default the open one"
        action.add_argument("--scene", default="", help=scene_help)
    arguments = parser.parse_args(list(argv))
    try:
        warnings = (_export if arguments.action == "export" else _import)(arguments)
    except ShotbridgeError as error:
        from bridge_core.models.problems import Problem

        _print_result({"error": Problem.from_error(error).model_dump(mode="json")})
        return error.exit_code
    _print_result({"file": str(arguments.output), "warnings": list(map(str, warnings))})
    return 0


def _export(arguments: argparse.Namespace) -> list[Any]:
    from .otio_export import export_cut

    try:
        bpy.ops.wm.open_mainfile(filepath=str(arguments.source.absolute()))
    except RuntimeError as error:
        message = f"Blender cannot open this file: {str(error).strip()}"
        next_step = "check the path, and that this Blender is as new as the one that saved it"
        raise HostError(message, where=str(arguments.source), next_step=next_step) from error
    scene = bpy.data.scenes.get(arguments.scene) if arguments.scene else _edited_scene()
    if scene is None:
        names = ", ".join(scene.name for scene in bpy.data.scenes)
        message = f"the file has no scene {arguments.scene!r}"
        next_step = f"choose one of its scenes: {names}"
        raise HostError(message, where=str(arguments.source), next_step=next_step)
    return export_cut(scene, arguments.output, overwrite=arguments.overwrite)


def _edited_scene() -> Any:
    """The only scene with strips, or else the one that the file was saved with."""
    editing = (scene for scene in bpy.data.scenes if scene.sequence_editor is not None)
    scenes_with_strips = [scene for scene in editing if len(api.strips_of(scene.sequence_editor))]
    return scenes_with_strips[0] if len(scenes_with_strips) == 1 else api.sequencer_scene()


def _import(arguments: argparse.Namespace) -> list[Any]:
    from .otio_import import import_cut

    if arguments.output.exists() and not arguments.overwrite:
        message = "this file exists and would be overwritten"
        next_step = "choose another name, or use --overwrite"
        raise TimelineError(message, where=str(arguments.output), next_step=next_step)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    warnings = import_cut(bpy.context.scene, arguments.source)
    bpy.ops.wm.save_as_mainfile(filepath=str(arguments.output.absolute()))
    if bpy.context.preferences.filepaths.use_relative_paths:
        # Relative paths are only possible once the file is saved.
        bpy.ops.file.make_paths_relative()
        bpy.ops.wm.save_mainfile()
    return warnings


def _print_result(result: dict[str, Any]) -> None:
    print(json.dumps({COMMAND_NAME: result}), flush=True)


def register() -> None:
    _registrations.append(bpy.utils.register_cli_command(COMMAND_NAME, run))


def unregister() -> None:
    while _registrations:
        bpy.utils.unregister_cli_command(_registrations.pop())
