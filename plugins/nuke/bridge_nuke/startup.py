"""Registers callbacks, pane and menu when Nuke starts. Imports nothing slow."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bridge_nuke import python_path  # noqa: F401 - before everything else

# isort: split
import nuke

from bridge_nuke import version_switch

#: Saved workspaces identify the pane by it: never change it.
PANE_ID = "shotbridge.panel"
PANE_NAME = "Shotbridge"
#: Nuke evaluates it when the pane is shown. The names in scope differ between versions of Nuke, so
#: it only uses Python's own. Qt is loaded by it and not before.
_PANE_EXPRESSION = "__import__('bridge_nuke.pane', fromlist=['ShotbridgePane']).ShotbridgePane"


def register_callbacks() -> None:
    """For every Nuke, also without an interface: Reads follow their version menu."""
    nuke.addKnobChanged(version_switch.on_knob_changed, nodeClass="Read")


def register_interface() -> None:
    """The menu, and the pane, which is registered so that saved workspaces restore it."""
    from nukescripts import panels

    panels.registerWidgetAsPanel(_PANE_EXPRESSION, PANE_NAME, PANE_ID)
    menu = nuke.menu("Nuke").addMenu("Shotbridge")
    menu.addCommand("Open the panel", open_pane)
    menu.addCommand("Test this Nuke", start_selftest)


def open_pane() -> None:
    """Dock the panel beside the properties, or in Nuke's default place without them."""
    from nukescripts import panels

    # To get the panel it has to be registered again, which replaces the registration.
    panel = panels.registerWidgetAsPanel(_PANE_EXPRESSION, PANE_NAME, PANE_ID, True)
    panel.addToPane(nuke.getPaneFor("Properties.1"))


def start_selftest() -> None:
    """Run the self-test on a thread that calls Nuke's main thread for each check, and show where
    the report is."""
    threading.Thread(target=_run_selftest, name="shotbridge-selftest").start()


def _run_selftest() -> None:
    from bridge_core.hosts.selftest import run_checks
    from bridge_core.models.settings import default_state_dir
    from bridge_nuke.selftest import CHECKS, host_version

    folder = default_state_dir() / "selftest"
    report = run_checks("nuke", host_version(), CHECKS, folder, call_on_main=_call_on_main_thread)
    message = f"{report.summary}.\n\nThe report is in {folder}; it can be sent unchanged."
    nuke.executeInMainThread(nuke.message, (message,))


def _call_on_main_thread(function: Callable[[], str]) -> str:
    """Call a function on Nuke's main thread, and return its result or raise its error, which Nuke
    itself would only print."""
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
