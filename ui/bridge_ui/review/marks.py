"""What is said and drawn: the notes that there are, and the one that is being made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_ui.review.bar import TimelineBar
from bridge_ui.review.canvas import Canvas
from bridge_ui.review.notes_list import NotesList
from bridge_ui.review.noting import NoteDraft, NoteField
from bridge_ui.review.player import Player
from bridge_ui.review.strokes import Sketch
from bridge_ui.review.tools import Pen, PenTray


@dataclass
class _Begun:
    """What is drawn and written about a version, and not kept yet."""

    sketch: Sketch = field(default_factory=Sketch)
    words: str = ""


class Marks:
    """Shows them on the picture, the timeline, in the list and in the field, on the player's
    frame; ``pen`` draws into ``sketch``, which holds what is not kept yet of the version that is
    looked at."""

    def __init__(
        self,
        player: Player,
        canvas: Canvas,
        tray: PenTray,
        bar: TimelineBar,
        field: NoteField,
        listed: NotesList,
    ) -> None:
        self._begun: defaultdict[str, _Begun] = defaultdict(_Begun)
        self._version = ""
        self.pen = Pen(canvas, tray, self.sketch)
        self.pen.changed = self.show
        self._player, self._canvas, self._tray = player, canvas, tray
        self._bar, self._field, self._listed = bar, field, listed
        self._notes: tuple[Note, ...] = ()
        field.words.textChanged.connect(self._written)

    @property
    def sketch(self) -> Sketch:
        return self._begun[self._version].sketch

    @property
    def begun(self) -> bool:
        """Something is drawn or written, and not kept yet."""
        return bool(self.sketch.frames or self._begun[self._version].words.strip())

    def keep_to(self, version: str) -> None:
        """Another version is looked at: what was begun on the last one waits there, and what was
        begun on this one is there again. Empty: no version, and nothing can be begun."""
        if version == self._version:
            return
        begun = self._begun[version]
        self.pen.take(begun.sketch)
        self._version = version
        self._field.words.setText(begun.words)
        self.show()

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
            self._version,
        )

    def kept(self, draft: NoteDraft) -> None:
        """The note is safe: its words and drawing make room for the next one."""
        begun = self._begun[draft.version]
        if begun.words.strip() == draft.text:
            begun.words = ""
        if begun.sketch.on(draft.drawn_on) == draft.strokes:
            begun.sketch.take((draft.drawn_on,))
        if draft.version == self._version:
            self._field.words.setText(begun.words)
            self.show()

    def _written(self, words: str) -> None:
        self._begun[self._version].words = words

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
