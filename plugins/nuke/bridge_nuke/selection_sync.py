"""Watches the script for changes of the selection and of shots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import nuke

#: Knobs that shots are read from; others, and playback, do not change a shot.
_NODE_KNOBS = frozenset({"selected", "name"})
_READ_KNOBS = _NODE_KNOBS | frozenset(
    {"file", "first", "last", "origfirst", "origlast", "frame_mode", "frame", "on_error"}
    | {"format", "colorspace", "raw"}
)
_ROOT_KNOBS = frozenset(
    {"name", "first_frame", "last_frame", "fps", "format", "colorManagement", "workingSpaceLUT"}
)


class SelectionSync:
    """Reports changes, several at a time.

    :param call_later: calls a function a moment later on the main thread: Nuke calls back for each
        of a hundred nodes that are selected together, and one update is enough.
    """

    def __init__(self, call_later: Callable[[Callable[[], None]], None]) -> None:
        self._call_later = call_later
        self._callbacks: list[Callable[[], None]] = []
        self._is_scheduled = False
        self._mute_depth = 0

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_change`` after changes, until the returned function is called."""
        if not self._callbacks:
            nuke.addKnobChanged(self._on_knob_changed)
            for add in (nuke.addOnScriptLoad, nuke.addOnCreate, nuke.addOnDestroy):
                add(self._schedule)

        def stop() -> None:
            if on_change not in self._callbacks:
                return
            self._callbacks.remove(on_change)
            if not self._callbacks:
                nuke.removeKnobChanged(self._on_knob_changed)
                for remove in (nuke.removeOnScriptLoad, nuke.removeOnCreate, nuke.removeOnDestroy):
                    remove(self._schedule)

        self._callbacks.append(on_change)
        return stop

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Ignore changes that are made inside: they are our own."""
        self._mute_depth += 1
        try:
            yield
        finally:
            self._mute_depth -= 1

    def _on_knob_changed(self) -> None:
        node, knob = nuke.thisNode(), nuke.thisKnob()
        if knob is None:
            return
        relevant = {"Root": _ROOT_KNOBS, "Read": _READ_KNOBS}.get(node.Class(), _NODE_KNOBS)
        if knob.name() in relevant:
            self._schedule()

    def _schedule(self) -> None:
        if self._mute_depth or self._is_scheduled:
            return
        self._is_scheduled = True
        self._call_later(self._notify)

    def _notify(self) -> None:
        self._is_scheduled = False
        for callback in list(self._callbacks):
            callback()
