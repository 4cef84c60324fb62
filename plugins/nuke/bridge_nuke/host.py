"""Nuke as a host."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import nuke

from bridge_core.errors import HostError
from bridge_core.host import Capability, Host, PlaceAs, Placed, Placement, Rendered, Scene
from bridge_nuke.following import Following

# What knows the models is imported where it is used: the panel loads the models on a thread of its
# own before it asks for anything, so that Nuke never waits for them.
if TYPE_CHECKING:
    from bridge_core.models.settings import Settings
    from bridge_nuke.names import Told
    from bridge_nuke.script import Script
    from bridge_nuke.sources import Found

Later = Callable[[Callable[[], None]], None]


class NukeHost(Host):
    """Works on the script that is open; every function is called on Nuke's main thread.

    ``settings`` is called when they are needed, which is after they were read elsewhere. ``later``
    does a call soon on the main thread; without a window there, Nuke's own queue does. ``told``
    remembers shots' names for another host in the same Nuke.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        later: Later | None = None,
        told: Told | None = None,
    ) -> None:
        self._settings = settings
        self._following = Following(later or nuke.executeInMainThread)
        self._told: Told = {} if told is None else told

    @property
    def title(self) -> str:
        return f"Nuke {nuke.NUKE_VERSION_STRING}"

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
    def place_as(self) -> tuple[PlaceAs, ...]:
        from bridge_nuke.placing import WAYS

        return WAYS

    def scene(self) -> Scene:
        """The selected nodes; with nothing selected, every plate's Read."""
        from bridge_nuke import sources
        from bridge_nuke.names import namer

        script = self._script()
        selected = sources.nodes_selected()
        name = namer(script, self._told)
        found = sources.look(selected or sources.plates(), script, name)
        return Scene(
            script.title,
            script.show,
            tuple(one.item for one in found.found),
            found.problems,
            selected=bool(selected),
        )

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        return self._following.watch(changed)

    def place(self, placements: Sequence[Placement]) -> Placed:
        from bridge_nuke.placing import place

        with self._following.muted():
            return place(self._finder(), self._script().show, placements)

    def render(
        self, handle: str, folder: Path, frames: Sequence[int] = ()
    ) -> Generator[Rendered, None, None]:
        from bridge_nuke.rendering import render

        found = self._finder()(handle)
        if not found.item.to_render:
            raise HostError(
                f"{handle} reads files, which are sent as they are",
                where=found.item.shot.plate.path,
                next_step="send the shot without rendering it",
            )
        yield from render(
            lambda: self._node(handle), found.item.shot, folder, frames, self._following.muted
        )

    def frame(self) -> int | None:
        return nuke.frame()

    def go_to(self, frame: int) -> None:
        nuke.frame(frame)

    def _script(self) -> Script:
        from bridge_nuke.script import script_now

        try:
            return script_now(self._settings().work)
        except ValueError as error:
            raise HostError(
                f"the script's range or rate cannot be used: {error}",
                where="Project Settings",
                next_step="mend the frame range and fps in the project settings",
            ) from error

    def _node(self, handle: str) -> nuke.Node:
        node = nuke.toNode(handle)
        if node is None:
            raise HostError(
                f"the script has no node {handle} any more",
                where=f"host {type(self).__name__}",
                next_step="select the node again",
            )
        return node

    def _finder(self) -> Callable[[str], Found]:
        """Finds shots by their handles as they stand now, whatever is selected: a panel may speak
        of what was selected before. It raises :class:`HostError` where there is no such node, or
        it is no shot."""
        from bridge_nuke import sources
        from bridge_nuke.names import namer

        script = self._script()
        name = namer(script, self._told)

        def find(handle: str) -> Found:
            found = sources.look([self._node(handle)], script, name)
            if found.problems:
                problem = found.problems[0]
                raise HostError(problem.what, where=handle, next_step=problem.next_step)
            return found.found[0]

        return find
