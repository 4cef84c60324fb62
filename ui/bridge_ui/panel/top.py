"""The line at the top: what is open, what changed, the menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from bridge_core.host import Capability, PlaceAs
from bridge_ui.controllers.shots import ShotsController, ShotsState
from bridge_ui.panel.files import ask_for_file, ask_for_target
from bridge_ui.panel.pieces import button, chip, label, row, title
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import counted, tr

#: What timelines are read from; EDL, XML and AAF need the extra ``timelines``.
_CUTS = "*.otio *.otioz *.otiod *.edl *.xml *.fcpxml *.aaf"
_READERS = (("generic", "OTIO"), ("resolve", "Resolve"), ("nuke", "Nuke"), ("openrv", "OpenRV"))


class TopBar(QWidget):
    """``ways`` are those of placing in the host, the usual one first; ``side`` is shown at the
    right: the connection, in a narrow panel."""

    place_wanted = Signal(str)
    """The approved versions of the selected shots belong into the host, in the way of this id;
    empty: the usual one."""

    def __init__(
        self,
        shots: ShotsController,
        capabilities: frozenset[Capability],
        ways: Sequence[PlaceAs],
        tones: Tones,
        show_keys: Callable[[], object],
        side: QWidget,
    ) -> None:
        super().__init__()
        look(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shots = shots
        self._can = capabilities
        self._wide = True
        self._name = title("Shotbridge")
        self._show_name = label("", "dim")
        self._cut = label("")
        self._cut.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._changed = chip("", checkable=False)
        self._changed.setToolTip(tr("Select what changed, to send it"))
        self._changed.clicked.connect(lambda: shots.select_changed())
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self._other_ways = QMenu(tr("Place them in another way"), self)
        for way in ways[1:]:
            self._do(way.title, partial(self.place_wanted.emit, way.id), self._other_ways)
        self.menu_button = button(
            tr("Cut"), "quiet", sign="film", colour=tones.dim, tip=tr("Open, compare, write cuts")
        )
        self.menu_button.setObjectName("cut-menu")
        self.menu_button.setMenu(self._menu)
        self._keys = button(
            "",
            "quiet",
            sign="circle-question-mark",
            colour=tones.dim,
            tip=tr("All keys (?)"),
            does=show_keys,
        )
        self._side = side
        inner = row(
            self._name,
            self._show_name,
            self._cut,
            self._changed,
            side,
            self.menu_button,
            self._keys,
            gap=10,
        )
        inner.setContentsMargins(14, 5, 8, 5)
        inner.setStretch(2, 1)
        self.setLayout(inner)
        self._unwatch = shots.state.watch(self._show)

    def close_watches(self) -> None:
        self._unwatch()

    def set_wide(self, wide: bool) -> None:
        self._wide = wide
        self._side.setVisible(not wide)
        self.menu_button.setText(tr("Cut") if wide else "")
        self._show(self._shots.state.value)
        self._fit_name()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._fit_name()

    def _fit_name(self) -> None:
        """Our own name makes room for everything else."""
        others = (self._side, self.menu_button, self._keys)
        needs = sum(one.sizeHint().width() + 10 for one in others if not one.isHidden())
        self._name.setVisible(
            self._wide or needs + self._name.sizeHint().width() + 22 < self.width()
        )

    def open_cut(self) -> None:
        ask_for_file(
            self,
            tr("Open a cut"),
            tr("Cuts") + f" ({_CUTS})",
            lambda path: self._shots.open(Path(path)),
        )

    def _show(self, state: ShotsState) -> None:
        self._show_name.setText(state.show)
        self._show_name.setVisible(self._wide and bool(state.show))
        self._cut.setText(state.title if self._wide else "")
        self._cut.setToolTip(state.title)
        count = counted(state.changed, "{n} shot", "{n} shots")
        told = tr("{shots} changed since {cut}", shots=count, cut=state.compared_with)
        self._changed.setText(told)
        self._changed.setVisible(self._wide and bool(state.compared_with))

    def _fill(self) -> None:
        state = self._shots.state.value
        self._menu.clear()
        if Capability.OPEN in self._can:
            self._do(tr("Open a cut …"), self.open_cut)
        self._do(tr("Read again"), self._shots.reload)
        if Capability.PLACE in self._can and state.selected:
            self._do(
                tr("Place approved versions of selected shots"), partial(self.place_wanted.emit, "")
            )
            if not self._other_ways.isEmpty():
                self._menu.addMenu(self._other_ways)
        self._menu.addSeparator()
        if Capability.CUT in self._can:
            self._do(tr("Compare with an older cut …"), self._compare)
            if state.compared_with:
                self._do(tr("Select what changed"), self._shots.select_changed)
                self._do(tr("Stop comparing"), lambda: self._shots.compare_with(None))
            self._menu.addSeparator()
            for reader, words in _READERS:
                self._do(
                    tr("Write the cut with versions for {reader} …", reader=words),
                    partial(self._write, reader),
                )

    def _do(self, words: str, does: Callable[[], object], menu: QMenu | None = None) -> None:
        menu = menu or self._menu
        action = QAction(words, menu)
        action.triggered.connect(lambda _checked=False: does())
        menu.addAction(action)

    def _compare(self) -> None:
        ask_for_file(
            self,
            tr("Compare with an older cut"),
            tr("Cuts") + f" ({_CUTS})",
            lambda path: self._shots.compare_with(Path(path)),
        )

    def _write(self, reader: str) -> None:
        stem = Path(self._shots.state.value.title or "cut").stem
        ask_for_target(
            self,
            tr("Write the cut with versions"),
            f"{stem}_with_versions.otio",
            "OTIO (*.otio)",
            lambda path: self._shots.export(Path(path), reader),
        )
