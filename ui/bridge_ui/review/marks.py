"""What is said and drawn: the notes that there are, and the one that is being made."""

from __future__ import annotations

from collections.abc import Sequence

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_ui.review.bar import TimelineBar
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.notes_list import NotesList
from bridge_ui.review.noting import NoteDraft, NoteField
from bridge_ui.review.player import Player
from bridge_ui.review.strokes import Sketch
from bridge_ui.review.tools import Pen, PenTray


class Marks:
    """Shows them on the picture, the timeline, in the list and in the field, on the player's
    frame; ``pen`` draws into ``sketch``, which holds what is not kept yet."""

    def __init__(
        self,
        player: Player,
        canvas: Canvas,
        tray: PenTray,
        bar: TimelineBar,
        field: NoteField,
        listed: NotesList,
    ) -> None:
        self.sketch = Sketch()
        self.pen = Pen(canvas, tray, self.sketch)
        self.pen.changed = self.show
        self._player, self._canvas, self._tray = player, canvas, tray
        self._bar, self._field, self._listed = bar, field, listed
        self._notes: tuple[Note, ...] = ()

    def set_notes(self, notes: Sequence[Note]) -> None:
        self._notes = tuple(notes)
        self._listed.show_notes(self._notes)
        self.show()

    @property
    def frames(self) -> set[int]:
        """That something was said about or drawn on."""
        said = {note.frame for note in self._notes if note.frame is not None}
        return said.union(self.sketch.frames)

    def draft(self) -> NoteDraft:
        """The note as it stands in the field and on the picture."""
        clock = self._player.clock
        return NoteDraft(
            self._field.words.text().strip(),
            self.sketch.on(clock.frame),
            self._field.frames(clock.range.rate),
            clock.frame,
        )

    def kept(self, draft: NoteDraft) -> None:
        """The note is safe: its words and drawing make room for the next one."""
        if self._field.words.text().strip() == draft.text:
            self._field.words.clear()
        if self.sketch.on(draft.drawn_on) == draft.strokes:
            self.sketch.take((draft.drawn_on,))
        self.show()

    def show(self) -> None:
        """On the frame that the player is at."""
        clock = self._player.clock
        drawn = self.sketch.on(clock.frame)
        said = tuple(stroke for note in self._notes for stroke in note.strokes_on(clock.frame))
        self.pen.frame = clock.frame
        self._canvas.show_strokes(said + drawn, self.sketch.live(clock.frame))
        self._tray.show_history(self.sketch)
        places = (
            note.frames or FrameRange.of(note.frame, note.frame, clock.range.rate)
            for note in self._notes
            if note.frame is not None
        )
        self._bar.set_notes(places, self.sketch.frames)
        self._field.show_place(clock.frame, (clock.in_point, clock.out_point), len(drawn))
