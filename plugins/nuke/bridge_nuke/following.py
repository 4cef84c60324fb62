"""Tells when what is selected, or what a node stands for, has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import nuke

#: Knobs that a shot is read from; everything else, and playing most of all, changes no shot.
_OF_EVERY_NODE = frozenset({"selected", "name"})
_OF_READS = frozenset(
    {"file", "first", "last", "origfirst", "origlast", "frame_mode", "frame", "on_error"}
    | {"format", "colorspace", "raw"}
)
_OF_ROOT = frozenset(
    {"name", "first_frame", "last_frame", "fps", "format", "colorManagement", "workingSpaceLUT"}
)


class Following:
    """``later`` does a call on the main thread soon, and not at once: Nuke calls back once for
    each of a hundred nodes that are selected together, and one answer is enough."""

    def __init__(self, later: Callable[[Callable[[], None]], None]) -> None:
        self._later = later
        self._told: list[Callable[[], None]] = []
        self._waiting = False
        self._muted = 0

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` after every change until what is given back is called."""
        if not self._told:
            self._listen(nuke.addKnobChanged, nuke.addOnScriptLoad, nuke.addOnCreate)
            nuke.addOnDestroy(self._node_changed)

        def end() -> None:
            if changed in self._told:
                self._told.remove(changed)
                if not self._told:
                    self._listen(nuke.removeKnobChanged, nuke.removeOnScriptLoad,
                                 nuke.removeOnCreate)  # fmt: skip
                    nuke.removeOnDestroy(self._node_changed)

        self._told.append(changed)
        return end

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Changes that are made in here are our own, and taken back."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    def _listen(
        self,
        knob_changed: Callable[[Callable[[], None]], None],
        script_loaded: Callable[[Callable[[], None]], None],
        created: Callable[[Callable[[], None]], None],
    ) -> None:
        knob_changed(self._knob_changed)
        script_loaded(self._node_changed)
        created(self._node_changed)

    def _knob_changed(self) -> None:
        node, knob = nuke.thisNode(), nuke.thisKnob()
        if knob is None:
            return
        kind = node.Class()
        if kind == "Root":
            meant = knob.name() in _OF_ROOT
        else:
            meant = knob.name() in _OF_EVERY_NODE or (kind == "Read" and knob.name() in _OF_READS)
        if meant:
            self._node_changed()

    def _node_changed(self) -> None:
        if self._muted or self._waiting:
            return
        self._waiting = True
        self._later(self._tell)

    def _tell(self) -> None:
        self._waiting = False
        for changed in list(self._told):
            changed()
