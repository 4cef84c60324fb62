"""Presenters: each keeps some widgets of the viewer in step with the player and the version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge_core.models.frames import FrameRange
from bridge_ui.review.annotations.note_widgets import NoteInput
from bridge_ui.review.annotations.sketch import Sketch
from bridge_ui.review.canvas.pen_input_widget import PenInput
from bridge_ui.review.compare.viewer_settings import exposure_text
from bridge_ui.review.player.playback_clock import PlaybackClock
from bridge_ui.review.viewer_layout import ViewerLayout

if TYPE_CHECKING:
    from bridge_core.models.notes import Note


@dataclass
class _UnsavedNote:
    """Strokes and text for a version that are not saved yet."""

    sketch: Sketch = field(default_factory=Sketch)
    text: str = ""


class AnnotationPresenter:
    """Updates canvas, timeline, notes list and note editor for the player's frame. ``pen`` draws
    into ``sketch``, the unsaved strokes of the current version."""

    def __init__(self, viewer: ViewerLayout) -> None:
        self._player, self._viewer = viewer.player, viewer
        self._unsaved: defaultdict[str, _UnsavedNote] = defaultdict(_UnsavedNote)
        self._version = ""
        self.pen = PenInput(viewer.canvas, viewer.drawing_toolbar, self.sketch)
        self.pen.on_change = self.refresh
        self._notes: tuple[Note, ...] = ()
        viewer.note_editor.line_edit.textChanged.connect(self._text_changed)

    @property
    def sketch(self) -> Sketch:
        return self._unsaved[self._version].sketch

    @property
    def has_unsaved(self) -> bool:
        """Whether there are unsaved strokes or text for the current version."""
        return bool(self.sketch.frames or self._unsaved[self._version].text.strip())

    def set_version(self, version: str) -> None:
        """Change to another version and its unsaved note; empty for no version."""
        if version == self._version:
            return
        unsaved = self._unsaved[version]
        self.pen.set_sketch(unsaved.sketch)
        self._version = version
        self._viewer.note_editor.line_edit.setText(unsaved.text)
        self.refresh()

    def set_notes(self, notes: Sequence[Note]) -> None:
        self._notes = tuple(notes)
        self._viewer.notes_list.show_notes(self._notes)
        self.refresh()

    @property
    def annotated_frames(self) -> set[int]:
        """Frames with a note or a drawing."""
        noted = {note.display_frame for note in self._notes if note.display_frame is not None}
        return noted.union(self.sketch.frames)

    def unsaved_note(self) -> NoteInput:
        """The note as it is in the editor and on the picture."""
        clock = self._player.clock
        return NoteInput(
            self._viewer.note_editor.line_edit.text().strip(),
            self.sketch.strokes_on(clock.frame),
            self._viewer.note_editor.frame_range(clock.range.rate),
            clock.frame,
            self._version,
        )

    def note_saved(self, note: NoteInput) -> None:
        """Clear the text and strokes of a note that the gateway has."""
        unsaved = self._unsaved[note.version]
        if unsaved.text.strip() == note.text:
            unsaved.text = ""
        if unsaved.sketch.strokes_on(note.drawn_on) == note.strokes:
            unsaved.sketch.discard_frame(note.drawn_on)
        if note.version == self._version:
            self._viewer.note_editor.line_edit.setText(unsaved.text)
            self.refresh()

    def _text_changed(self, text: str) -> None:
        self._unsaved[self._version].text = text

    def refresh(self) -> None:
        """Update everything for the player's frame."""
        clock = self._player.clock
        unsaved_strokes = self.sketch.strokes_on(clock.frame)
        note_strokes = tuple(
            stroke for note in self._notes for stroke in note.strokes_on(clock.frame)
        )
        self.pen.frame = clock.frame
        self._viewer.canvas.show_strokes(
            note_strokes + unsaved_strokes, self.sketch.active_stroke(clock.frame)
        )
        self._viewer.drawing_toolbar.show_history(self.sketch)
        note_ranges = (
            note.frames or FrameRange.of(note.display_frame, note.display_frame, clock.range.rate)
            for note in self._notes
            if note.display_frame is not None
        )
        self._viewer.timeline.set_notes(note_ranges, self.sketch.frames)
        self._viewer.note_editor.show_position(
            clock.frame, (clock.in_point, clock.out_point), len(unsaved_strokes)
        )


class Captions:
    """Sets the texts on the picture: titles of A and B, the frame, and facts about the sources."""

    def __init__(self, viewer: ViewerLayout) -> None:
        self._canvas, self._transport = viewer.canvas, viewer.transport
        self.source_info = ("", "")
        """Facts about A and B, such as ``1920×1080 · ACES view``; empty if unknown."""

    def set_names(self, names: Mapping[str, str], a: str, b: str) -> None:
        """``names`` are the choices' names by id; ``a`` and ``b`` are ids."""
        ids = {"A": a, "B": b}
        titles = (f"{side} · {names[key]}" if key in names else side for side, key in ids.items())
        self._canvas.set_titles(*titles)

    def update(self, clock: PlaybackClock) -> None:
        """Show the position, changed exposure or gamma, and facts about the visible sides."""
        settings = self._canvas.settings
        infos = [self.source_info["AB".index(side)] for side in settings.compare.sides]
        position = self._transport.position_text(clock)
        if (settings.exposure, settings.gamma) != (0, 1):
            position += f"  ·  {exposure_text(settings)}"
        self._canvas.set_captions(position, " → ".join(dict.fromkeys(filter(None, infos))))

    def clear(self) -> None:
        self._canvas.set_titles("", "")
        self._canvas.set_captions("", "")
