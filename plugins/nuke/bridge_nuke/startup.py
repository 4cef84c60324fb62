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
_PANE_EXPRESSION = "__import__('bridge_nuke.pane', fromlist=['ShotbridgePane']).ShotbridgePane"


def register_callbacks() -> None:
    """In every Nuke, also without an interface: Reads follow their choice of a version."""
    nuke.addKnobChanged(versions.on_knob_changed, nodeClass="Read")


def register_interface() -> None:
    """The pane, registered now so that saved workspaces restore it, and the menu."""
    from nukescripts import panels

    panels.registerWidgetAsPanel(_PANE_EXPRESSION, PANE_NAME, PANE_ID)
    menu = nuke.menu("Nuke").addMenu("Shotbridge")
    menu.addCommand("Open the panel", open_pane)
    menu.addCommand("Test this Nuke", start_selftest)


def open_pane() -> None:
    """Dock the panel beside the properties; without them, where Nuke docks by itself."""
    from nukescripts import panels

    # Registering once more, to be given the panel, replaces what was registered.
    panel = panels.registerWidgetAsPanel(_PANE_EXPRESSION, PANE_NAME, PANE_ID, True)
    panel.addToPane(nuke.getPaneFor("Properties.1"))


def start_selftest() -> None:
    """Look at what only a real Nuke can prove, on a thread that asks Nuke's point by point; then
    say where the report is."""
    threading.Thread(target=_run_selftest, name="shotbridge-selftest").start()


def _run_selftest() -> None:
    from bridge_core.hosts.selftest import run_checks
    from bridge_core.models.settings import default_state_dir
    from bridge_nuke.selftest import CHECKS, host_version

    folder = default_state_dir() / "selftest"
    report = run_checks("nuke", host_version(), CHECKS, folder, call_on_main=_call_on_main_thread)
    message = f"{report.summary}.\n\nThe report is in {folder} and can be sent as it is."
    nuke.executeInMainThread(nuke.message, (message,))


def _call_on_main_thread(function: Callable[[], str]) -> str:
    """What a function gives on Nuke's main thread, or raises there: Nuke itself would only print
    the error there."""
    errors: list[Exception] = []

    def call() -> str:
        try:
            return function()
        except Exception as error:
            errors.append(error)
            return ""

    answer: str = nuke.executeInMainThreadWithResult(call)  # type: ignore[no-untyped-call]
    if errors:
        raise errors[0]
    return answer
