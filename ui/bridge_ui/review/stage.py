"""The review room's widgets put together: it shows what it is given and says what is wanted.

It knows of no gateway and no controller; :mod:`bridge_ui.review.room` connects it with those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import ReviewStatus
from bridge_ui.panel.pieces import button, label
from bridge_ui.review.actions import Actions
from bridge_ui.review.bar import TimelineBar
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.compare import Adjuster, LookButton, Modes, SideChooser
from bridge_ui.review.keys import action_of
from bridge_ui.review.look import Compare
from bridge_ui.review.notes_list import NotesList
from bridge_ui.review.noting import NoteDraft, NoteField
from bridge_ui.review.player import Player
from bridge_ui.review.sources import FrameSource
from bridge_ui.review.strokes import Sketch
from bridge_ui.review.tools import Pen, PenTray
from bridge_ui.review.transport import Transport
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr

#: Widths from which all stands in one line, and from which it does so in full words; in widths of
#: the letter x, so that a larger font counts.
_WIDE, _ROOMY = 88, 128


class Stage(QWidget):
    """Player, compare, pen, notes and decisions. :meth:`close_down` ends its threads."""

    side_chosen = Signal(str, str)
    """``A`` or ``B``, and the id of a choice."""
    swap_wanted = Signal()
    version_wanted = Signal(int)
    """The next newer (1) or older (-1) version."""
    note_wanted = Signal(object)
    """A :class:`NoteDraft`; :meth:`note_kept` says that it is safe."""
    decided = Signal(object)
    """A :class:`bridge_core.models.versions.ReviewStatus`."""
    again_wanted = Signal(object)
    """A note that the next version is to be made from."""
    frame_changed = Signal(int)

    def __init__(self, tones: Tones, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tones = tones
        self._wide: bool | None = None
        self._roomy: bool | None = None
        self._narrow_notes = True
        self._empty = True
        self._name = ""
        self._about = ("", "")
        self._notes: tuple[Note, ...] = ()
        self._sources: dict[str, FrameSource] = {}
        self.player = Player(self)
        self.sketch = Sketch()
        self.canvas = Canvas(tones)
        self.tray = PenTray(tones)
        self.pen = Pen(self.canvas, self.tray, self.sketch)
        self.pen.changed = self._show_strokes
        self.bar = TimelineBar(tones)
        self.transport = Transport(tones)
        self.note_field = NoteField(tones)
        self.notes_list = NotesList(tones)
        self._sides = {side: SideChooser(side, tones) for side in ("A", "B")}
        self._modes = Modes(tones)
        self._adjuster = Adjuster(self.canvas)
        self._look = LookButton(self.canvas)
        self._zoom = QToolButton()
        self.status = label("", "dim")
        self._actions = Actions(self)
        self._make_decisions()
        self._arrange()
        self._connect()
        self.set_version("", "")
        self._show_empty()

    # What is shown

    @property
    def frame(self) -> int | None:
        """On the screen; None: nothing is."""
        return None if self._empty else self.player.clock.frame

    def open(
        self,
        frames: FrameRange | None,
        cut: FrameRange | None,
        sources: dict[str, FrameSource],
        *,
        start_timecode: int = 0,
    ) -> None:
        """Show sources by side over ``frames`` (inclusive). ``cut`` lies between the handles;
        ``start_timecode`` is that of frame 0, in frames. Another range begins at the cut's first
        frame, the same one stays where it was."""
        self._empty = frames is None or not sources
        if frames is None or self._empty:
            self.player.stop()
            self.player.cache.open({})
            self._show_empty()
            return
        cut = cut or frames
        same = frames == self.player.clock.range
        self._sources = dict(sources)
        self.transport.set_start(start_timecode)
        self.bar.set_range(frames, cut)
        self.player.open(frames, sources, self.player.clock.frame if same else cut.first)
        if "B" not in sources and "B" in self.canvas.look.compare.sides:
            self.canvas.set_look(compare=Compare.A)
        self._show_empty()

    def set_choices(self, choices: Sequence[tuple[str, str]], a: str, b: str) -> None:
        """What may stand on the sides, as ids and labels, and what does."""
        names = dict(choices)
        for side, chosen in (("A", a), ("B", b)):
            self._sides[side].set_choices(choices, chosen)
        titles = [
            f"{side} · {names[one]}" if one in names else side for side, one in (("A", a), ("B", b))
        ]
        self.canvas.name(*titles)

    def set_about(self, a: str, b: str) -> None:
        """Small words about each side, as ``1920×1080 · ACES view``."""
        self._about = (a, b)
        self._show_frame()

    def set_notes(self, notes: Sequence[Note]) -> None:
        """Of the version under review: on the bar, in the list, drawn on the picture."""
        self._notes = tuple(notes)
        self.notes_list.show_notes(self._notes)
        self._show_strokes()

    def set_version(self, name: str, status: str) -> None:
        """What is decided about, as ``v003``, and how it stands in words; empty: nothing is."""
        self.status.setText(status)
        self.status.setVisible(bool(self._roomy and status))
        for one in (self._reject, self._changes, self._approve, self.note_field):
            one.setEnabled(bool(name))
        self._name = name
        self._name_approve()

    def set_busy(self, busy: bool) -> None:
        """Something that was said is on its way: no second one meanwhile."""
        for one in (self._reject, self._changes, self._approve):
            one.setEnabled(bool(self._name) and not busy)

    def _name_approve(self) -> None:
        whole = tr("Approve {name}", name=self._name) if self._name else tr("Approve")
        self._approve.setText(whole if self._wide else tr("Approve"))
        self._approve.setAccessibleName(whole)

    def set_notes_shown(self, shown: bool) -> None:
        """Whether the room lists the notes itself, where it is narrow."""
        self._narrow_notes = shown
        self.notes_list.setVisible(shown and not self._wide)

    def note_kept(self, draft: NoteDraft) -> None:
        """The note is safe: its words and drawing make room for the next one."""
        if self.note_field.words.text().strip() == draft.text:
            self.note_field.words.clear()
        if self.sketch.on(draft.drawn_on) == draft.strokes:
            self.sketch.take((draft.drawn_on,))
        self._show_strokes()

    def source_grew(self) -> None:
        """A running job has more frames than before."""
        self.player.refresh()

    def note_frames(self) -> set[int]:
        """Frames that something was said about or drawn on."""
        said = {note.frames.first for note in self._notes if note.frames is not None}
        return said.union(self.sketch.frames)

    def go_to(self, frame: int) -> None:
        self.player.stop()
        self.player.seek(frame)

    def set_compare(self, mode: Compare) -> None:
        if "B" in mode.sides and "B" not in self._sources:
            return
        self.canvas.set_look(compare=mode)

    def draw(self, on: bool) -> None:
        """Take the pen, or lay it down; what is drawn stays."""
        if on:
            self.player.stop()
        elif self.canvas.drawing:
            self.pen.leave()
        self.canvas.drawing = on
        self.note_field.pencil.setChecked(on)
        self.tray.setVisible(on)
        self._place_tray()
        self.canvas.setFocus()

    def close_down(self) -> None:
        """End all that moves; called again it does nothing."""
        self.player.close()

    # Keys

    def event(self, event: QEvent) -> bool:
        # Hosts have shortcuts on the same keys; while the focus is in here they are ours.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and action_of(event) is not None
            and not _writes(QApplication.focusWidget())
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        action = action_of(event)
        writes = _writes(QApplication.focusWidget())
        if action is None or (writes and action != "leave"):
            super().keyPressEvent(event)
        else:
            self._actions.do(action)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.player.stop()

    # Putting together

    def _make_decisions(self) -> None:
        def decide(status: ReviewStatus) -> Callable[[], None]:
            return lambda: self.decided.emit(status)

        tones = self._tones
        self._reject = button(
            tr("Reject"), "chip", sign="x", colour=tones.bad, does=decide(ReviewStatus.REJECTED)
        )
        self._changes = button(
            tr("Ask for changes"),
            "chip",
            sign="rotate-ccw",
            colour=tones.warn,
            does=decide(ReviewStatus.CHANGES_REQUESTED),
        )
        self._approve = button(
            tr("Approve"),
            "approve",
            sign="check",
            colour=tones.good,
            does=decide(ReviewStatus.APPROVED),
        )
        good, line = tones.mixed("good", "panel", 0.22), tones.mixed("good", "line", 0.6)
        self._approve.setStyleSheet(
            f"QPushButton {{ background: {good}; border: 1px solid {line}; border-radius: 11px;"
            " padding: 3px 12px; }"
            f"QPushButton:hover {{ background: {tones.mixed('good', 'panel', 0.32)}; }}"
            f"QPushButton:focus {{ border-color: {tones.accent}; }}"
            f"QPushButton:disabled {{ background: transparent; border-color: {tones.line}; }}"
        )
        for one in (self._reject, self._changes, self._approve):
            one.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _arrange(self) -> None:
        look(self, "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusProxy(self.canvas)
        look(self._zoom, "quiet")
        self._zoom.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._zoom.setToolTip(tr("Zoom: press to fit (F), 0 for 100 %"))
        self._top, self._second, self._adjust_row = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        self._play_row, self._decision_row = QHBoxLayout(), QHBoxLayout()
        self._body = QVBoxLayout(self)
        self._body.setContentsMargins(10, 8, 10, 8)
        self._body.setSpacing(7)
        # The room fits itself to its width; its rows must not dictate one.
        self._body.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        self._body.addLayout(self._top)
        self._body.addWidget(self.canvas, 1)
        self._body.addLayout(self._second)
        self._body.addLayout(self._adjust_row)
        self._body.addWidget(self.bar)
        self._body.addLayout(self._play_row)
        self._body.addWidget(self.note_field)
        self._body.addWidget(self.notes_list)
        self._body.addLayout(self._decision_row)
        self.tray.hide()
        self._fit_rows(wide=True, roomy=True)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(280, 320)

    def _fit_rows(self, *, wide: bool, roomy: bool) -> None:
        """One line above and one below the picture, or several short ones."""
        if (wide, roomy) == (self._wide, self._roomy):
            return
        self._wide, self._roomy = wide, roomy
        rows = (self._top, self._second, self._adjust_row, self._play_row, self._decision_row)
        for row in rows:
            while row.takeAt(0) is not None:
                pass  # the widgets live on, and are put elsewhere below
        looking = (self._adjuster, self._look, self._zoom)
        deciding = (self._reject, self._changes, self._approve)
        for side in self._sides.values():
            self._top.addWidget(side, 1)
        self._modes.set_short(not roomy, stretched=not wide)
        if wide:
            self._top.addWidget(self._modes)
            self._top.addStretch(1 if roomy else 0)
            for one in looking if roomy else looking[1:]:
                self._top.addWidget(one)
            self._play_row.addWidget(self.transport, 1)
            self._play_row.addWidget(self.status)
            for decision in deciding:
                self._play_row.addWidget(decision)
        else:
            self._second.addWidget(self._modes, 1)
            self._play_row.addWidget(self.transport, 1)
            self._decision_row.addWidget(self._reject)
            self._decision_row.addWidget(self._changes)
            self._decision_row.addStretch(1)
            self._decision_row.addWidget(self._approve)
        if not roomy:
            self._adjust_row.addWidget(self._adjuster, 1)
        self._look.setVisible(wide)
        self._zoom.setVisible(wide)
        self._adjuster.show_look()
        self.transport.set_short(not wide)
        self._name_approve()
        self.status.setVisible(roomy and bool(self.status.text()))
        self._changes.setText(tr("Ask for changes") if roomy else tr("Changes"))
        self._changes.setAccessibleName(tr("Ask for changes"))
        self.notes_list.setVisible(self._narrow_notes and not wide)
        self._place_tray()

    def _place_tray(self) -> None:
        """On the picture's left where there is room, else as a line below it."""
        hidden = self.tray.isHidden()
        self.tray.set_column(bool(self._wide))
        if self._wide:
            self.tray.setParent(self.canvas)
            self.tray.adjustSize()
            self.tray.move(8, max(4, (self.canvas.height() - self.tray.height()) // 2))
        else:
            self._body.insertWidget(2, self.tray)
        self.tray.setVisible(not hidden)
        self.tray.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        letters = self.width() / self.fontMetrics().horizontalAdvance("x")
        self._fit_rows(wide=letters >= _WIDE, roomy=letters >= _ROOMY)
        self._place_tray()

    def _connect(self) -> None:
        player, transport = self.player, self.transport
        player.frame_changed.connect(self._show_frame)
        player.frame_changed.connect(self.frame_changed)
        player.state_changed.connect(self._show_state)
        player.cached_changed.connect(lambda: self.bar.set_cached(player.cache.cached()))
        self.bar.scrubbed.connect(self.go_to)
        transport.first.connect(lambda: self._actions.do("first"))
        transport.back.connect(lambda: player.step(-1))
        transport.toggled.connect(player.toggle)
        transport.forward.connect(lambda: player.step(1))
        transport.last.connect(lambda: self._actions.do("last"))
        transport.loop.connect(player.set_loop)
        transport.field.wanted.connect(self._go_to_written)
        self.canvas.look_changed.connect(self._show_look)
        self.canvas.zoom_changed.connect(self._show_zoom)
        self._zoom.clicked.connect(self.canvas.fit)
        self._modes.chosen.connect(self.set_compare)
        for side, chooser in self._sides.items():
            chooser.chosen.connect(lambda key, side=side: self._choose(side, key))
        self.note_field.wanted.connect(self._ask_for_note)
        self.note_field.draw.connect(lambda: self.draw(self.note_field.pencil.isChecked()))
        self.notes_list.go_to.connect(self.go_to)
        self.notes_list.again.connect(self.again_wanted)
        self._show_look()
        self._show_zoom()

    def _choose(self, side: str, key: str) -> None:
        self.side_chosen.emit(side, key)
        self.canvas.setFocus()  # so that Space plays instead of opening the list again

    def _go_to_written(self, frame: int) -> None:
        self.go_to(frame)
        self.canvas.setFocus()

    def _ask_for_note(self) -> None:
        clock, words = self.player.clock, self.note_field.words.text().strip()
        draft = NoteDraft(
            words,
            self.sketch.on(clock.frame),
            self.note_field.frames(clock.range.rate),
            clock.frame,
        )
        self.note_wanted.emit(draft)
        self.canvas.setFocus()

    # Showing

    def _show_frame(self, _frame: int = 0) -> None:
        if self._empty:
            return
        player, frame = self.player, self.player.clock.frame
        self.canvas.show_pictures(player.picture("A"), player.picture("B"))
        self.canvas.tell(self._why_none("A", frame), self._why_none("B", frame))
        side = "B" if self.canvas.look.compare is Compare.B else "A"
        about = (
            self._about[1] or self._about[0]
            if side == "B"
            else " → ".join(dict.fromkeys(words for words in self._about if words))
        )
        self.canvas.caption(self.transport.words(player.clock), about)
        self.bar.set_frame(frame)
        self.transport.show_clock(player.clock)
        self._show_strokes()

    def _why_none(self, side: str, frame: int) -> str:
        cache = self.player.cache
        if cache.get(side, frame) is not None or side not in self._sources:
            return ""
        if not cache.exists(side, frame):
            return tr("{side} has no frame {frame}", side=side, frame=frame)
        problem = cache.failure(side, frame)
        return str(problem) if problem else tr("Frame {frame} is on its way", frame=frame)

    def _show_state(self) -> None:
        clock = self.player.clock
        self.transport.show_clock(clock)
        self.bar.set_marks(clock.in_point, clock.out_point)
        self.bar.set_cached(self.player.cache.cached())
        self._show_strokes()

    def _show_strokes(self) -> None:
        clock = self.player.clock
        drawn = self.sketch.on(clock.frame)
        said = tuple(
            stroke
            for note in self._notes
            if note.strokes and (note.frames is None or clock.frame in note.frames)
            for stroke in note.strokes
        )
        self.pen.frame = clock.frame
        self.canvas.show_strokes(said + drawn, self.sketch.live(clock.frame))
        self.tray.show_history(self.sketch)
        self.bar.set_notes(
            (note.frames for note in self._notes if note.frames is not None), self.sketch.frames
        )
        self.note_field.show_place(clock.frame, (clock.in_point, clock.out_point), len(drawn))

    def _show_look(self) -> None:
        mode = self.canvas.look.compare
        self._modes.show_mode(mode)
        self.player.sides = mode.sides
        self._show_frame()

    def _show_zoom(self) -> None:
        percent = round(self.canvas.zoom * 100)
        fitted = self.canvas.view.fitted
        self._zoom.setText(tr("Fit {n} %", n=percent) if fitted else f"{percent} %")
        self._zoom.setAccessibleName(tr("Zoom {n} %", n=percent))

    def _show_empty(self) -> None:
        for one in (self.bar, self.transport, self._modes):
            one.setEnabled(not self._empty)
        if self._empty:
            self.canvas.show_pictures(None, None)
            self.canvas.name("", "")
            self.canvas.caption("", "")
            self.canvas.tell(tr("Choose a shot to look at it here."), "")
        else:
            self._show_frame()


def _writes(widget: QWidget | None) -> bool:
    """Keys pressed there are words."""
    return isinstance(widget, QLineEdit | QAbstractSpinBox | QComboBox)
