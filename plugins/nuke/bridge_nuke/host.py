"""Nuke as a host."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import nuke

from bridge_core.errors import HostError
from bridge_core.hosts.base import (
    INTERACTIVE_CAPABILITIES,
    Host,
    HostScene,
    Placement,
    PlacementMode,
    PlacementResult,
    RenderStep,
)
from bridge_nuke.selection_sync import SelectionSync

# Modules that need the models are imported where they are used: the panel loads the models on its
# own thread before it calls the host, so that Nuke never waits for them.
if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_nuke.script_context import ScriptContext
    from bridge_nuke.shot_names import ShotNameCache
    from bridge_nuke.shots import NukeShot

CallLater = Callable[[Callable[[], None]], None]


class NukeHost(Host):
    """Works on the open script; every method is called on Nuke's main thread.

    :param settings: returns the settings, which were loaded on another thread by then.
    :param call_later: calls a function soon on the main thread; Nuke's own queue by default.
    :param name_cache: shot names that several hosts in the same Nuke share.
    """

    capabilities = INTERACTIVE_CAPABILITIES

    def __init__(
        self,
        settings: Callable[[], Settings],
        call_later: CallLater | None = None,
        name_cache: ShotNameCache | None = None,
    ) -> None:
        self._settings = settings
        self._selection_sync = SelectionSync(call_later or nuke.executeInMainThread)
        self._name_cache: ShotNameCache = {} if name_cache is None else name_cache

    @property
    def title(self) -> str:
        return f"Nuke {nuke.NUKE_VERSION_STRING}"

    @property
    def placement_modes(self) -> tuple[PlacementMode, ...]:
        from bridge_nuke.placement import PLACEMENT_MODES

        return PLACEMENT_MODES

    def scene(self) -> HostScene:
        """The selected nodes; without a selection, the Reads of all plates."""
        from bridge_nuke import shots
        from bridge_nuke.shot_names import shot_namer

        script = self._script_context()
        selected = shots.selected_nodes()
        name, nodes = shot_namer(script, self._name_cache), selected or shots.plate_reads()
        listing = shots.collect_shots(nodes, script, name, shots.versions_by_shot())
        items = tuple(shot.host_shot for shot in listing.shots)
        is_selection = bool(selected)
        return HostScene(script.title, script.show, items, listing.problems, None, is_selection)

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        return self._selection_sync.watch(on_change)

    def place(self, placements: Sequence[Placement]) -> PlacementResult:
        from bridge_nuke.placement import place

        with self._selection_sync.muted():
            script = self._script_context()
            return place(self._shot_finder(), script.show, placements, where=script.title)

    def render(
        self, item_id: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[RenderStep, None, None]:
        from bridge_core.hosts.plate_rendering import shot_to_render
        from bridge_nuke.rendering import render

        item = self._shot_finder()(item_id).host_shot
        shot = shot_to_render(item, item_id, where=self._script_context().title)
        muted = self._selection_sync.muted
        yield from render(lambda: self._node(item_id), shot, folder, frames, muted)

    def current_frame(self) -> int | None:
        return nuke.frame()

    def go_to_frame(self, frame: int) -> None:
        nuke.frame(frame)

    def _script_context(self) -> ScriptContext:
        from bridge_nuke.script_context import read_script_context

        try:
            return read_script_context(self._settings().work)
        except ValueError as error:
            message = f"the script's range or rate cannot be used: {error}"
            next_step = "correct the frame range and fps in the project settings"
            raise HostError(message, where="Project Settings", next_step=next_step) from error

    def _node(self, item_id: str) -> nuke.Node:
        node = nuke.toNode(item_id)
        if node is None:
            message = f"the script no longer has a node {item_id}"
            next_step = "select the node again"
            raise HostError(message, where=f"host {type(self).__name__}", next_step=next_step)
        return node

    def _shot_finder(self) -> Callable[[str], NukeShot]:
        """A function that returns the current shot of an item id, whatever is selected by now. It
        raises :class:`HostError` if the node is gone or is not a shot."""
        from bridge_nuke import shots
        from bridge_nuke.shot_names import shot_namer

        script = self._script_context()
        name = shot_namer(script, self._name_cache)
        placed = shots.versions_by_shot()

        def find(item_id: str) -> NukeShot:
            listing = shots.collect_shots([self._node(item_id)], script, name, placed)
            if listing.problems:
                problem = listing.problems[0]
                raise HostError(problem.message, where=item_id, next_step=problem.next_step)
            return listing.shots[0]

        return find
