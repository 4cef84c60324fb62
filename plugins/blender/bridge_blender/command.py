"""``blender --command shotbridge``: OTIO out of a .blend and into a new one, without a window.

``shotbridge blender`` runs this and reads the last line, which is JSON: ``{"shotbridge": ...}``
with the file that was written and what it could not carry, or with the error.
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

NAME = "shotbridge"
_registered: list[Any] = []


def run(words: Sequence[str]) -> int:
    """The exit code; 0 where it was done."""
    parser = argparse.ArgumentParser(prog=f"blender --command {NAME}", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, does in (
        ("export", "write the cut of a .blend as OTIO"),
        ("import", "make a .blend of an OTIO cut"),
    ):
        action = actions.add_parser(name, help=does)
        action.add_argument("source", type=Path)
        action.add_argument("output", type=Path)
        action.add_argument("--overwrite", action="store_true")
        action.add_argument("--scene", default="", help="its name; none: the one that is open")
    said = parser.parse_args(list(words))
    try:
        lost = (_export if said.action == "export" else _import)(said)
    except ShotbridgeError as error:
        from bridge_core.models.problems import Problem

        _say({"error": Problem.of(error).model_dump(mode="json")})
        return error.exit_code
    _say({"file": str(said.output), "losses": [str(one) for one in lost]})
    return 0


def _export(said: argparse.Namespace) -> list[Any]:
    from .otio_out import write_cut

    try:
        bpy.ops.wm.open_mainfile(filepath=str(said.source.absolute()))
    except RuntimeError as error:
        raise HostError(
            f"Blender cannot open this file: {str(error).strip()}",
            where=str(said.source),
            next_step="check the path, and that this Blender is as new as the one that saved it",
        ) from error
    scene = bpy.data.scenes.get(said.scene) if said.scene else _edited()
    if scene is None:
        names = ", ".join(one.name for one in bpy.data.scenes)
        raise HostError(
            f"the file has no scene {said.scene!r}",
            where=str(said.source),
            next_step=f"name one that it has: {names}",
        )
    return write_cut(scene, said.output, overwrite=said.overwrite)


def _edited() -> Any:
    """The scene that the file was saved with, or the only one that has strips."""
    open_one = api.sequencer_scene()
    cuts = [
        one
        for one in bpy.data.scenes
        if one.sequence_editor is not None and len(api.strips_of(one.sequence_editor))
    ]
    return cuts[0] if len(cuts) == 1 else open_one


def _import(said: argparse.Namespace) -> list[Any]:
    from .otio_in import read_into

    if said.output.exists() and not said.overwrite:
        raise TimelineError(
            "this file exists and would be overwritten",
            where=str(said.output),
            next_step="choose another name, or ask for overwriting (--overwrite)",
        )
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    lost = read_into(bpy.context.scene, said.source)
    bpy.ops.wm.save_as_mainfile(filepath=str(said.output.absolute()))
    if bpy.context.preferences.filepaths.use_relative_paths:
        # Only a file that has a place can have paths relative to it.
        bpy.ops.file.make_paths_relative()
        bpy.ops.wm.save_mainfile()
    return lost


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps({NAME: answer}), flush=True)


def register() -> None:
    _registered.append(bpy.utils.register_cli_command(NAME, run))


def unregister() -> None:
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
