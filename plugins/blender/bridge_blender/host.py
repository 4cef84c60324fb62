"""Blender as a host; see :mod:`bridge_core.hosts.base`.

Everything here runs on Blender's main thread. Shots are read in :mod:`.shots`, versions are placed
in :mod:`.placement`, plates are rendered in :mod:`.rendering`, and changes are detected in
:mod:`.selection_sync`.

These modules need the client's models, which take a third of a second to import. The panel imports
them on a thread before it calls the host, so they are imported inside methods here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from bridge_core.hosts.base import (
    INTERACTIVE_CAPABILITIES,
    Host,
    HostScene,
    Placement,
    PlacementMode,
    PlacementResult,
    RenderStep,
)

from . import sequencer_api as api
from .selection_sync import watch_scene

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

    from .shots import BlenderShotList


class BlenderHost(Host):
    """Works on the file that is open in Blender.

    :param settings: returns the settings, which were loaded on another thread by then.
    """

    capabilities = INTERACTIVE_CAPABILITIES

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings

    @property
    def title(self) -> str:
        return f"Blender {bpy.app.version_string}"

    def scene(self) -> HostScene:
        listing = self._collect_shots()
        shots, is_selection = tuple(shot.host_shot for shot in listing.shots), listing.is_selection
        return HostScene(listing.title, listing.show, shots, listing.problems, None, is_selection)

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        return watch_scene(on_change)

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        from .placement_checks import PLACEMENT_MODES

        return PLACEMENT_MODES

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        from .placement import place

        return place(self._collect_shots(everything=True), placements)

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        from .rendering import render

        yield from render(self._collect_shots(everything=True), item_id, folder, frames)

    def current_frame(self) -> int | None:
        scene = api.sequencer_scene()
        return None if scene is None else int(scene.frame_current)

    def go_to_frame(self, frame: int) -> None:
        scene = api.sequencer_scene()
        if scene is not None:
            scene.frame_current = frame

    def _collect_shots(self, *, everything: bool = False) -> BlenderShotList:
        from .shots import collect_shots

        return collect_shots(self._settings().work, ignore_selection=everything)
