"""The review room's widgets put together: it shows what it is given and says what is wanted.

It knows of no gateway and no controller; :mod:`bridge_ui.review.room` connects it with those.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import ReviewStatus
from bridge_ui.controllers.counting import Counting
from bridge_ui.panel.pieces import label
from bridge_ui.review.actions import Actions
from bridge_ui.review.bar import TimelineBar
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.captions import Captions
from bridge_ui.review.compare import Adjuster, LookButton, Modes, SideChooser
from bridge_ui.review.decisions import Comment, DecisionButtons, Standing, UnderReview
from bridge_ui.review.keys import action_of, writes
from bridge_ui.review.look import Compare
from bridge_ui.review.marks import Marks
from bridge_ui.review.more import MoreButton
from bridge_ui.review.notes_list import NotesList
from bridge_ui.review.noting import NoteDraft, NoteField
from bridge_ui.review.player import Player
from bridge_ui.review.rows import Parts, Rows
from bridge_ui.review.sources import FrameSource
from bridge_ui.review.targets import Offer, TargetChooser
from bridge_ui.review.tools import PenTray
from bridge_ui.review.transport import Transport
from bridge_ui.theme.sheet import look
from bridge_ui.theme.tones import Tones
from bridge_ui.translate import tr


class Stage(QWidget):
    """Player, compare, pen, notes and decisions. :meth:`close_down` ends its threads."""

    side_chosen = Signal(str, str)
    """``A`` or ``B``, and the id of a choice."""
    swap_wanted = Signal()
    version_wanted = Signal(int)
    """The next newer (1) or older (-1) version."""
    note_wanted = Signal(object)
    """A :class:`NoteDraft`; :meth:`note_kept` says that it is safe."""
    decided = Signal(object, str, str)
    """A :class:`bridge_core.models.versions.ReviewStatus`, the words that go with it, and the id of
    the version; :meth:`decision_kept` says that it is safe."""
    sides_changed = Signal(tuple)
    """The sides that are on the screen now: ``A``, ``B``, both, or none."""
    target_chosen = Signal(str)
    """The id of the version on the screen that decisions and notes are to be about."""
    offer_wanted = Signal(str)
    """Look at what was offered under this id."""
    next_wanted = Signal()
    """The next version is to be made from what was said about this one."""
    again_wanted = Signal(object)
    """A note that the next version is to be made from."""
    frame_changed = Signal(int)

    def __init__(self, tones: Tones, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tones = tones
        self._empty = True
        self._version: UnderReview | None = None
        self._sources: dict[str, FrameSource] = {}
        self._mode = Compare.WIPE
        """As chosen; without a B only A is shown."""
        self._of: Hashable = None
        self._chose_mode = False
        """Somebody has chosen the mode since this was opened."""
        self._on_screen: tuple[str, ...] = ()
        self.player = Player(self)
        self.canvas = Canvas(tones)
        self.tray = PenTray(tones)
        self.bar = TimelineBar(tones)
        self.transport = Transport(tones)
        self._captions = Captions(self.canvas, self.transport)
        self.note_field = NoteField(tones)
        self.notes_list = NotesList(tones)
        self.marks = Marks(
            self.player, self.canvas, self.tray, self.bar, self.note_field, self.notes_list
        )
        self.pen = self.marks.pen
        self._sides = {side: SideChooser(side, tones) for side in ("A", "B")}
        self._modes = Modes(tones)
        self._look = LookButton(self.canvas, tones)
        self._zoom = QToolButton()
        self.more = MoreButton(tones)
        self.targets = TargetChooser()
        self.offer = Offer()
        self.decisions = DecisionButtons(tones)
        self.comment = Comment()
        self._standing = Standing()
        self._news = label("", wrap=True)
        self._actions = Actions(self)
        self._arrange()
        self._connect()
        self.set_version(None)
        self.say("")
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
        counting: Counting | None = None,
        of: Hashable = None,
    ) -> None:
        """Show sources by side over ``frames`` (inclusive). ``cut`` lies between the handles;
        without a ``counting``, timecode begins at frame 0. ``of`` is what is looked at: each
        begins at the cut's first frame, and comes back as it was left, in and out point too.
        Another one shows B again, where A alone was shown last."""
        self._empty = frames is None or not sources
        self._sources = dict(sources)
        if of is not None and of != self._of:
            self._of, self._chose_mode = of, False
        if frames is None or self._empty:
            self.player.stop()
            self.player.cache.open({})
            self._show_empty()
            self._tell_sides()
            if frames is not None:
                self.canvas.tell(tr("The host renders its plate when it is sent."), "")
            return
        cut = cut or frames
        self.transport.field.counting = counting or Counting(frames.rate)
        self.bar.set_range(frames, cut)
        self.player.open(frames, sources, cut.first, of)
        if self._mode is Compare.A and "B" in sources and not self._chose_mode:
            self._mode = Compare.B
        self._look_as_chosen()
        self._show_empty()

    def set_choices(self, choices: Sequence[tuple[str, str]], a: str, b: str) -> None:
        """What may stand on the sides, as ids and labels, and what does."""
        for side, chosen in (("A", a), ("B", b)):
            self._sides[side].set_choices(choices, chosen)
        self._captions.name(dict(choices), a, b)

    def set_about(self, a: str, b: str) -> None:
        """Small words about each side, as ``1920×1080 · ACES view``."""
        self._captions.about = (a, b)
        self._show_frame()

    def set_notes(self, notes: Sequence[Note]) -> None:
        """Of the version under review: on the bar, in the list, drawn on the picture."""
        self.marks.set_notes(notes)

    def set_version(self, version: UnderReview | None) -> None:
        """What is said and decided about; None: nothing is. What somebody has begun to say about
        another version waits for that one."""
        before, self._version = self._version, version
        which = version.id if version is not None else ""
        if before is not None and before.id != which:
            begun = self.marks.begun or self.comment.words.text().strip()
            name = f"{before.shot} {before.name}"
            words = tr("What you began to say about {version} waits there", version=name)
            self.say(words if begun else "")
        self.marks.keep_to(which)
        if version is None and self.canvas.drawing:
            self.draw(False)
        self.note_field.show_version(version.name if version is not None else "")
        self.decisions.show_name(version.name if version is not None else "")
        self.comment.keep_to(version)
        self._standing.show_version(version)

    def set_targets(self, targets: Sequence[tuple[str, str]], chosen: str) -> None:
        """Ids and names of the versions that are on the screen and can be decided about."""
        self.targets.show_targets(targets, chosen)

    def set_compared(self, names: Sequence[str], *, decided: bool) -> None:
        """Names of the versions that are A or B, on the screen or not, and whether one of them was
        decided about."""
        self._rows.keep(names, decided=decided)

    def set_busy(self, busy: bool) -> None:
        """Something that was said is on its way: no second one meanwhile."""
        self.decisions.set_busy(busy)
        self.comment.set_busy(busy)
        self.note_field.set_busy(busy)

    def say(self, words: str, *, problem: bool = False) -> None:
        """What was done last, or why it could not be; empty: nothing."""
        self._news.setText(f"⚠ {words}" if problem and words else words)
        self._news.setVisible(bool(words))
        look(self._news, "bad" if problem else "dim")

    def ask(self, status: ReviewStatus) -> None:
        """Somebody wants to decide: ask for the words that go with it."""
        if self._version is not None and self.decisions.button(status).isEnabled():
            self.player.stop()
            self.comment.ask(status)

    def decision_kept(self, version: str) -> None:
        """The decision about this one is safe."""
        self.comment.done(version)

    def note_kept(self, draft: NoteDraft) -> None:
        """The note is safe."""
        self.marks.kept(draft)

    def source_grew(self) -> None:
        """A running job has more frames than before."""
        self.player.refresh()

    def note_frames(self) -> set[int]:
        return self.marks.frames

    def go_to(self, frame: int) -> None:
        self.player.stop()
        self.player.seek(frame)

    def set_compare(self, mode: Compare) -> None:
        if "B" in mode.sides and "B" not in self._sources:
            return
        self._mode, self._chose_mode = mode, True
        self._look_as_chosen()

    def draw(self, on: bool) -> None:
        """Take the pen, or lay it down; what is drawn stays. Without a version there is none."""
        on = on and self._version is not None
        if on:
            self.player.stop()
        elif self.canvas.drawing:
            self.pen.leave()
        self.canvas.drawing = on
        self.note_field.pencil.setChecked(on)
        self.tray.setVisible(on)
        self._rows.place_tray()
        if on:
            self.canvas.setFocus()
        else:
            self._look_at_picture()

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
            and not writes(QApplication.focusWidget())
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        action = action_of(event)
        if action is None or (action != "leave" and writes(QApplication.focusWidget())):
            super().keyPressEvent(event)
        else:
            self._actions.do(action)

    def act(self, action: str) -> None:
        """Do what a key does, by the action's name in :data:`bridge_ui.review.keys.KEYS`."""
        self._actions.do(action)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.player.stop()

    # Putting together

    def _arrange(self) -> None:
        look(self, "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusProxy(self.canvas)
        look(self._zoom, "quiet")
        self._zoom.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._zoom.setToolTip(tr("Zoom: press to fit (F), 0 for 100 %"))
        self._rows = Rows(
            self,
            Parts(
                sides=(self._sides["A"], self._sides["B"]),
                modes=self._modes,
                adjuster=Adjuster(self.canvas),
                look=self._look,
                zoom=self._zoom,
                more=self.more,
                canvas=self.canvas,
                tray=self.tray,
                offer=self.offer,
                bar=self.bar,
                transport=self.transport,
                buttons=self.decisions,
                targets=self.targets,
                note_field=self.note_field,
                notes_list=self.notes_list,
                standing=self._standing,
                comment=self.comment,
                news=self._news,
            ),
        )

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(280, 320)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._rows.fit()

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
        self.canvas.pen_side.connect(self._draw_on)
        self.targets.chosen.connect(self.target_chosen)
        self.offer.wanted.connect(self._look_at_offer)
        self.canvas.zoom_changed.connect(self._show_zoom)
        self._zoom.clicked.connect(self.canvas.fit)
        self._modes.chosen.connect(self.set_compare)
        for side, chooser in self._sides.items():
            chooser.chosen.connect(lambda key, side=side: self._choose(side, key))
        self.note_field.wanted.connect(self._ask_for_note)
        self.note_field.draw.connect(lambda: self.draw(self.note_field.pencil.isChecked()))
        self.notes_list.go_to.connect(self.go_to)
        self.notes_list.again.connect(self.again_wanted)
        self.decisions.chosen.connect(self.ask)
        self.comment.decided.connect(self.decided)
        self.comment.opened.connect(self._commenting)
        self._standing.next_wanted.connect(self.next_wanted)
        self.more.fit.connect(self.canvas.fit)
        self.more.actual_size.connect(self.canvas.actual_size)
        self._show_look()
        self._show_zoom()

    def _commenting(self, on: bool) -> None:
        """A decision is being made: the buttons that began it, and the last one, make room."""
        self.decisions.setVisible(not on)
        self._standing.make_room(on)
        if not on:
            self._look_at_picture()

    def _look_at_picture(self) -> None:
        """Give the keys back to the player, if they are the room's."""
        focus = QApplication.focusWidget()
        if focus is not None and self.isAncestorOf(focus):
            self.canvas.setFocus()

    def _look_as_chosen(self) -> None:
        self.canvas.set_look(compare=self._mode if "B" in self._sources else Compare.A)

    def _tell_sides(self) -> None:
        shown = self.canvas.look.compare.sides
        sides = tuple(side for side in shown if side in self._sources)
        if sides != self._on_screen:
            self._on_screen = sides
            self.sides_changed.emit(sides)

    def _draw_on(self, side: str) -> None:
        """The pen goes down on the picture of this side."""
        self.targets.choose_side(side)

    def _look_at_offer(self, which: str) -> None:
        self.offer_wanted.emit(which)
        if "B" not in self._on_screen:
            self.set_compare(Compare.B)
        self._look_at_picture()

    def _choose(self, side: str, key: str) -> None:
        self.side_chosen.emit(side, key)
        self.canvas.setFocus()  # so that Space plays instead of opening the list again

    def _go_to_written(self, frame: int) -> None:
        self.go_to(frame)
        self.canvas.setFocus()

    def _ask_for_note(self) -> None:
        self.note_wanted.emit(self.marks.draft())
        self.canvas.setFocus()

    # Showing

    def _show_frame(self, _frame: int = 0) -> None:
        if self._empty:
            return
        player, frame = self.player, self.player.clock.frame
        self.canvas.show_pictures(player.picture("A"), player.picture("B"))
        self.canvas.tell(player.why_none("A"), player.why_none("B"))
        self._captions.show(player.clock)
        self.bar.set_frame(frame)
        self.transport.show_clock(player.clock)
        self.marks.show()

    def _show_state(self) -> None:
        clock = self.player.clock
        self.transport.show_clock(clock)
        self.bar.set_marks(clock.in_point, clock.out_point)
        self.bar.set_cached(self.player.cache.cached())
        self.marks.show()

    def _show_look(self) -> None:
        self._modes.show_mode(self._mode)
        self.player.sides = self.canvas.look.compare.sides
        self._tell_sides()
        self._show_frame()

    def _show_zoom(self) -> None:
        if self._empty:
            self._zoom.setText(tr("Fit"))
            self._zoom.setAccessibleName(tr("Fit"))
            return
        percent = round(self.canvas.zoom * 100)
        fitted = self.canvas.view.fitted
        self._zoom.setText(tr("Fit {n} %", n=percent) if fitted else f"{percent} %")
        self._zoom.setAccessibleName(tr("Zoom {n} %", n=percent))

    def _show_empty(self) -> None:
        for one in (self.bar, self.transport, self._modes):
            one.setEnabled(not self._empty)
        if self._empty:
            self.canvas.show_pictures(None, None)
            self._captions.clear()
            self.canvas.tell(tr("Choose a shot to look at it here."), "")
        else:
            self._show_frame()
        self._show_zoom()
