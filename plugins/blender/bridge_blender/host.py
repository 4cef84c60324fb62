"""Blender as a host: see :mod:`bridge_core.host`.

Everything here runs on Blender's main thread. What a strip or a scene is in words of shots stands
in :mod:`.shots`, how versions are placed in :mod:`.placing`, how plates are rendered in
:mod:`.rendering`, and how changes are noticed in :mod:`.following`.

Those need the client's models, which take a third of a second to import. The panel has imported
them on a thread before it asks anything, so they are imported here when something is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from bridge_core.errors import HostError
from bridge_core.host import Capability, Host, PlaceAs, Placed, Placement, Rendered, Scene

from . import sequencer_api as api
from .following import follow

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings

    from .shots import Survey


class BlenderHost(Host):
    """The file that is open in this Blender."""

    def __init__(self, settings: Settings | Callable[[], Settings]) -> None:
        self._given = settings

    @property
    def title(self) -> str:
        return f"Blender {bpy.app.version_string}"

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset(
            {
                Capability.SELECTION,
                Capability.FOLLOW,
                Capability.PLACE,
                Capability.RENDER,
                Capability.PLAYHEAD,
            }
        )

    def scene(self) -> Scene:
        seen = self._survey()
        shots = tuple(one.item for one in seen.found)
        return Scene(seen.title, seen.show, shots, seen.problems, selected=seen.selected)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        return follow(changed)

    @property
    def place_as(self) -> tuple[PlaceAs, ...]:
        from .plans import WAYS

        return WAYS

    def place(self, placements: Sequence[Placement]) -> Placed:
        from .placing import place

        return place(self._survey(everything=True), placements)

    def render(
        self, handle: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[Rendered, None, None]:
        from .rendering import render

        found = self._survey(everything=True).by_handle(handle)
        if found is None:
            raise HostError(
                f"the file has no {handle!r} any more",
                where=bpy.data.filepath or "the unsaved file",
                next_step="it was renamed or removed, or another scene is open: choose it again in "
                "the panel's list",
            )
        yield from render(found, folder, frames)

    def frame(self) -> int | None:
        scene = api.sequencer_scene()
        return None if scene is None else int(scene.frame_current)

    def go_to(self, frame: int) -> None:
        scene = api.sequencer_scene()
        if scene is not None:
            scene.frame_current = frame

    def _survey(self, *, everything: bool = False) -> Survey:
        from .shots import survey

        settings = self._given() if callable(self._given) else self._given
        return survey(settings.work, everything=everything)
