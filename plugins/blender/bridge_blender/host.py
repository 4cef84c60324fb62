"""Blender as a host: see :mod:`bridge_core.host`.

Everything here runs on Blender's main thread. What a strip or a scene is in words of shots stands
in :mod:`.shots`, how versions are placed in :mod:`.placing`, how plates are rendered in
:mod:`.rendering`, and how changes are noticed in :mod:`.following`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from bridge_core.errors import HostError
from bridge_core.host import Capability, Host, PlaceAs, Placed, Placement, Rendered, Scene

from . import sequencer_api as api
from .following import follow
from .placing import place
from .plans import WAYS
from .rendering import render
from .shots import survey

if TYPE_CHECKING:
    from bridge_core.models.settings import Settings, WorkSettings


class BlenderHost(Host):
    """The file that is open in this Blender."""

    def __init__(self, settings: Settings | Callable[[], Settings]) -> None:
        self._given = settings

    @cached_property
    def _settings(self) -> Settings:
        return self._given() if callable(self._given) else self._given

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

    @property
    def _work(self) -> WorkSettings:
        return (self._given() if callable(self._given) else self._given).work

    def scene(self) -> Scene:
        seen = survey(self._work)
        shots = tuple(one.item for one in seen.found)
        return Scene(seen.title, seen.show, shots, seen.problems)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        return follow(changed)

    @property
    def place_as(self) -> tuple[PlaceAs, ...]:
        return WAYS

    def place(self, placements: Sequence[Placement]) -> Placed:
        return place(survey(self._work, everything=True), placements)

    def render(
        self, handle: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[Rendered, None, None]:
        found = survey(self._work, everything=True).by_handle(handle)
        if found is None:
            raise HostError(
                f"the file has no {handle!r} any more",
                where=bpy.data.filepath or "the unsaved file",
                next_step="it was renamed or removed: choose it again in the panel's list",
            )
        yield from render(found, folder, frames)

    def frame(self) -> int | None:
        scene = api.sequencer_scene()
        return None if scene is None else int(scene.frame_current)

    def go_to(self, frame: int) -> None:
        scene = api.sequencer_scene()
        if scene is not None:
            scene.frame_current = frame
