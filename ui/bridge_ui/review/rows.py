"""Where the room's widgets stand: a line above and one below the picture, or several short ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from bridge_ui.panel.pieces import keep_room
from bridge_ui.review.bar import TimelineBar
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.compare import Adjuster, LookButton, Modes, SideChooser
from bridge_ui.review.decisions import Comment, DecisionButtons, Standing
from bridge_ui.review.more import MoreButton
from bridge_ui.review.notes_list import NotesList
from bridge_ui.review.noting import NoteField
from bridge_ui.review.targets import Offer, TargetChooser
from bridge_ui.review.tools import PenTray
from bridge_ui.review.transport import Transport

#: Widths from which A and B stand beside each other, from which all stands in one line, and from
#: which it does so in full words; in widths of the letter x, so that a larger font counts.
_BESIDE, _WIDE, _ROOMY = 42, 88, 128
#: Lines of text from which the room is high enough to keep places free.
_TALL = 30


@dataclass(frozen=True)
class Parts:
    """What is put together; from the top down, as far as there is an order."""

    sides: tuple[SideChooser, SideChooser]
    modes: Modes
    adjuster: Adjuster
    look: LookButton
    zoom: QWidget
    more: MoreButton
    canvas: Canvas
    tray: PenTray
    offer: Offer
    bar: TimelineBar
    transport: Transport
    buttons: DecisionButtons
    targets: TargetChooser
    note_field: NoteField
    notes_list: NotesList
    standing: Standing
    comment: Comment
    news: QWidget


class Rows:
    """Lays the parts of ``stage`` out for its width."""

    def __init__(self, stage: QWidget, parts: Parts) -> None:
        self._stage, self._parts = stage, parts
        self._fitted: tuple[bool, bool, bool] | None = None
        self._compared: tuple[tuple[str, ...], bool] = ((), False)
        self._top, self._below = QHBoxLayout(), QHBoxLayout()
        self._second, self._adjusting = QHBoxLayout(), QHBoxLayout()
        self._playing, self._deciding = QHBoxLayout(), QHBoxLayout()
        body = self._body = QVBoxLayout(stage)
        body.setContentsMargins(10, 8, 10, 8)
        # The room fits itself to its width; its rows must not dictate one.
        body.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        body.addLayout(self._top)
        body.addLayout(self._below)
        body.addWidget(parts.canvas, 1)
        body.addWidget(parts.offer)
        body.addLayout(self._second)
        body.addLayout(self._adjusting)
        body.addWidget(parts.bar)
        body.addLayout(self._playing)
        body.addWidget(parts.targets)
        body.addWidget(parts.note_field)
        body.addWidget(parts.notes_list)
        body.addWidget(parts.standing)
        body.addWidget(parts.comment)
        body.addWidget(parts.news)
        body.addLayout(self._deciding)
        parts.tray.hide()
        self._arrange(beside=True, wide=True, roomy=True)

    @property
    def wide(self) -> bool:
        """All stands in one line."""
        return self._fitted is not None and self._fitted[1]

    def fit(self) -> None:
        """The stage has got another width."""
        letters = self._stage.width() / self._stage.fontMetrics().horizontalAdvance("x")
        self._arrange(beside=letters >= _BESIDE, wide=letters >= _WIDE, roomy=letters >= _ROOMY)
        self.place_tray()
        self._keep()

    def keep(self, names: Iterable[str], *, decided: bool) -> None:
        """Keep room for what is said of these versions, whichever of them a compare mode shows, so
        that the picture stays where it is from A to B. ``decided``: one of them was."""
        self._compared = tuple(names), decided
        self._keep()

    def _keep(self) -> None:
        names, decided = self._compared
        tall = self._stage.height() >= _TALL * self._stage.fontMetrics().height()
        keep_room(self._parts.targets, tall and len(names) > 1)
        self._parts.standing.keep_room(tall and decided)
        self._parts.buttons.keep_room(names)

    def place_tray(self) -> None:
        """On the picture's left where there is room, else as a line below it."""
        tray, canvas = self._parts.tray, self._parts.canvas
        hidden = tray.isHidden()
        tray.set_column(self.wide)
        if self.wide:
            tray.setParent(canvas)
            tray.adjustSize()
            tray.move(8, max(4, (canvas.height() - tray.height()) // 2))
        else:
            self._body.insertWidget(self._body.indexOf(canvas) + 1, tray)
        tray.setVisible(not hidden)
        tray.raise_()

    def _arrange(self, *, beside: bool, wide: bool, roomy: bool) -> None:
        if (beside, wide, roomy) == self._fitted:
            return
        self._fitted = beside, wide, roomy
        parts = self._parts
        self._body.setSpacing(7 if wide else 5)
        rows = (self._top, self._below, self._second)
        for row in (*rows, self._adjusting, self._playing, self._deciding):
            while row.takeAt(0) is not None:
                pass  # the widgets live on, and are put elsewhere below
        self._top.addWidget(parts.sides[0], 1)
        (self._top if beside else self._below).addWidget(parts.sides[1], 1)
        parts.modes.set_short(not roomy, stretched=not wide)
        self._playing.addWidget(parts.transport, 1)
        if wide:
            self._top.addWidget(parts.modes)
            self._top.addStretch(1 if roomy else 0)
            if roomy:
                self._top.addWidget(parts.adjuster)
            self._top.addWidget(parts.look)
            self._top.addWidget(parts.zoom)
            self._playing.addWidget(parts.buttons)
        else:
            self._second.addWidget(parts.modes, 1)
            self._playing.addWidget(parts.look)
            self._deciding.addWidget(parts.buttons, 1)
        self._top.addWidget(parts.more)
        if not roomy:
            self._adjusting.addWidget(parts.adjuster, 1)
        parts.zoom.setVisible(wide)
        parts.look.set_short(not wide)
        parts.adjuster.show_look()
        parts.transport.set_short(not wide)
        parts.targets.set_short(not wide)
        parts.buttons.set_words(long=roomy)
        parts.comment.set_one_line(wide)
        parts.standing.set_one_line(wide)
        parts.notes_list.setVisible(not wide)
        self.place_tray()
