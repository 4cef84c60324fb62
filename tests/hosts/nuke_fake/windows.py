"""Menus, panes and ``nukescripts.panels``, which only exist with an interface."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from stubs import NotInApiError, conforming

from nuke_fake.api import STUBS, on_main, running
from nuke_fake.knobs import PyCustom_Knob


@conforming(STUBS, guard=on_main)
class MenuItem:
    def __init__(self, name: str, script: Any = "") -> None:
        self._name, self._script = name, script

    def name(self) -> str:
        return self._name

    def script(self) -> str:
        return str(self._script)

    def invoke(self) -> None:
        """Choose the menu item, in one undo step."""
        script = running().script
        script.begin(self._name)
        try:
            if callable(self._script):
                self._script()
            else:
                exec(self._script, running().main_names)
        finally:
            script.end()


@conforming(STUBS, guard=on_main)
class Menu(MenuItem):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._items: list[MenuItem] = []

    def addCommand(self, name: str, command: Any = "", *args: Any, **more: Any) -> MenuItem:
        menu, _, last = name.rpartition("/")
        if menu:
            return self.addMenu(menu).addCommand(last, command, *args, **more)
        item = MenuItem(name, command)
        self._items = [one for one in self._items if one._name != name]
        self._items.append(item)
        return item

    def addMenu(self, name: str, *args: Any, **more: Any) -> Menu:
        found = self.findItem(name)
        if isinstance(found, Menu):
            return found
        made = Menu(name)
        self._items.append(made)
        return made

    def addSeparator(self, index: int = -1) -> MenuItem:
        made = MenuItem("")
        self._items.append(made)
        return made

    def findItem(self, name: str) -> MenuItem | None:
        first, _, rest = name.partition("/")
        found = next((one for one in self._items if one._name == first), None)
        return found.findItem(rest) if rest and isinstance(found, Menu) else found

    def items(self) -> list[MenuItem]:
        return list(self._items)


class Pane:
    """A pane with docked panels; ``widgets`` are those that the panels created."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.panels: list[PythonPanel] = []


class PythonPanel:
    """``nukescripts.panels.PythonPanel``, which is not in the stubs."""

    def __init__(self, title: str = "", id: str = "", scrollable: bool = True) -> None:
        self._title, self._id = title, id
        self._knobs: list[Any] = []
        self.widgets: list[Any] = []

    def addKnob(self, knob: Any) -> None:
        self._knobs.append(knob)

    def addToPane(self, pane: Pane | None = None) -> PythonPanel:
        on_main("addToPane")
        pane = pane or running().pane("Properties.1")
        pane.panels.append(self)
        for knob in self._knobs:
            self.widgets.append(knob.getObject().makeUI())
        return self


class WidgetKnob:
    """The knob of ``registerWidgetAsPanel``: creates the widget when the panel is shown."""

    def __init__(self, widget: Callable[[], Any]) -> None:
        self.widget_class = widget

    def makeUI(self) -> Any:
        self.widget = self.widget_class()
        return self.widget

    def updateValue(self) -> None:
        """Called by Nuke when the panel is shown."""


def nukescripts_modules() -> dict[str, ModuleType]:
    """``nukescripts`` and ``nukescripts.panels``, as far as a plugin of a panel needs them. They
    behave as the copies of ``registerWidgetAsPanel`` do that are public on GitHub: the widget is a
    string, evaluated within ``__import__('nukescripts').panels.WidgetKnob(...)`` when the panel
    is made, and the panel is restored by its id."""
    registered: dict[str, Callable[[], PythonPanel]] = {}

    def registerPanel(id: str, command: Callable[[], PythonPanel]) -> None:
        registered[id] = command

    def unregisterPanel(id: str, command: object) -> None:
        del registered[id]

    def restorePanel(id: str) -> PythonPanel | None:
        if id not in registered:
            print(f"Can't restore panel '{id}' because it hasn't been registered.")
            return None
        return registered[id]()

    def registerWidgetAsPanel(
        widget: str,
        name: str,
        id: str,
        create: bool = False,
    ) -> PythonPanel | None:
        if not isinstance(widget, str):
            raise TypeError("the widget is given as a string, which is evaluated")

        def panel() -> PythonPanel:
            made = PythonPanel(name, id)
            expression = f"__import__('nukescripts').panels.WidgetKnob({widget})"
            made.addKnob(PyCustom_Knob(name, "", expression))
            return made

        running().menu("Pane").addCommand(name, lambda: panel().addToPane())
        registerPanel(id, lambda: panel().addToPane())
        return panel() if create else None

    class Scripts(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            raise NotInApiError(f"{self.__name__}.{name} is in no table of the fake")

    panels, nukescripts = Scripts("nukescripts.panels"), Scripts("nukescripts")
    for one in (registerWidgetAsPanel, registerPanel, unregisterPanel, restorePanel):
        setattr(panels, one.__name__, one)
    panels.__dict__.update(PythonPanel=PythonPanel, WidgetKnob=WidgetKnob)
    nukescripts.__dict__.update(panels=panels, registerWidgetAsPanel=registerWidgetAsPanel)
    return {"nukescripts": nukescripts, "nukescripts.panels": panels}
