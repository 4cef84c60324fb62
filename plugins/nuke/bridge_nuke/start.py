"""What Nuke is told when it starts. Imports nothing that takes time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import nuke

from bridge_nuke import versions

#: Saved workspaces know the pane by it: it never changes.
PANE_ID = "shotbridge.panel"
PANE_NAME = "Shotbridge"
#: Nuke evaluates it when the pane is shown, with names that differ from version to version: so it
#: uses none but Python's own. Qt is loaded by it, and not before.
_PANE = "__import__('bridge_nuke.pane', fromlist=['ShotbridgePane']).ShotbridgePane"


def anywhere() -> None:
    """In every Nuke, also without an interface: Reads follow their choice of a version."""
    nuke.addKnobChanged(versions.knob_changed, nodeClass="Read")


def in_the_interface() -> None:
    """The pane, registered now so that saved workspaces restore it, and the menu."""
    from nukescripts import panels

    panels.registerWidgetAsPanel(_PANE, PANE_NAME, PANE_ID)
    menu = nuke.menu("Nuke").addMenu("Shotbridge")
    menu.addCommand("Open the panel", open_pane)
    menu.addCommand("Test this Nuke", test)


def open_pane() -> None:
    """Dock the panel beside the properties; without them, where Nuke docks by itself."""
    from nukescripts import panels

    # Registering once more, to be given the panel, replaces what was registered.
    made = panels.registerWidgetAsPanel(_PANE, PANE_NAME, PANE_ID, True)
    made.addToPane(nuke.getPaneFor("Properties.1"))


def test() -> None:
    """Look at what only a real Nuke can prove, on a thread that asks Nuke's point by point; then
    say where the report is."""
    threading.Thread(target=_test, name="shotbridge-selftest").start()


def _test() -> None:
    from bridge_core.models.settings import state_home
    from bridge_core.selftest import run
    from bridge_nuke.selftest import CHECKS, program

    folder = state_home() / "selftest"
    report = run("nuke", program(), CHECKS, folder, on_main=_on_main)
    words = f"{report.summary}.\n\nThe report is in {folder} and can be sent as it is."
    nuke.executeInMainThread(nuke.message, (words,))


def _on_main(look: Callable[[], str]) -> str:
    """What a function gives on Nuke's main thread, or raises there: Nuke itself would only print
    the error there."""
    raised: list[Exception] = []

    def call() -> str:
        try:
            return look()
        except Exception as error:
            raised.append(error)
            return ""

    answer: str = nuke.executeInMainThreadWithResult(call)  # type: ignore[no-untyped-call]
    if raised:
        raise raised[0]
    return answer
