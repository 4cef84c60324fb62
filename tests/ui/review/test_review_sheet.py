"""The review as one HTML file."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication

from bridge_core.errors import GatewayUnreachable, NotWritable
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.versions import DecisionRecord, ReviewStatus
from bridge_ui.review.pictures import decode
from bridge_ui.review.sheet import SheetOf, write_sheet

if TYPE_CHECKING:
    from bridge_ui.review.sources import FrameSource

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOX = Stroke(tool=StrokeTool.BOX, points=((0.2, 0.2), (0.8, 0.8)), colour="#ffffff", width=0.05)


def note(frame: int | None, text: str, strokes: tuple[Stroke, ...] = ()) -> Note:
    frames = None if frame is None else FrameRange.of(frame, frame)
    return Note(id=text, version="v", frames=frames, text=text, strokes=strokes, by="Ada", at=AT)


def about(source: FrameSource, *notes: Note) -> SheetOf:
    decision = DecisionRecord(
        status=ReviewStatus.APPROVED, by="Ada <b>", comment="<script>alert(1)</script>", at=AT
    )
    return SheetOf("show/sq/sh", "Upscale v003", "approved", notes, [decision], source)


def test_one_file_holds_words_and_drawn_frames(
    qapp: QApplication, red: FrameSource, tmp_path: Path
) -> None:
    notes = (note(1003, "hold <i>this</i>", (BOX,)), note(None, "all of it"), note(9, "gone"))
    text = write_sheet(tmp_path / "review.html", about(red, *notes)).read_text(encoding="utf-8")
    assert "hold &lt;i&gt;this&lt;/i&gt;" in text
    assert "<script>" not in text
    assert "There is no frame 9" in text
    assert not re.search(r'(src|href)="(?!data:)', text), "it points outside itself"
    pictures = [base64.b64decode(one) for one in re.findall(r"base64,([^\"]+)", text)]
    assert len(pictures) == 2
    image = decode(pictures[0])
    edge = image.pixelColor(round(0.2 * image.width()), image.height() // 2)
    assert min(edge.red(), edge.green(), edge.blue()) > 200, "the box is drawn on the frame"
    assert decode(pictures[1]).pixelColor(5, 5).green() < 60


def test_a_frame_that_cannot_be_had_is_named_in_its_place(
    qapp: QApplication, red: FrameSource, tmp_path: Path
) -> None:
    class Silent:
        key, frames = "silent", (1001,)

        def frame(self, number: int, /) -> bytes:
            raise GatewayUnreachable("nobody answers", where="gateway", next_step="wait")

    path = write_sheet(tmp_path / "review.html", about(Silent(), note(1001, "look")))
    assert "Frame 1001 could not be had: nobody answers" in path.read_text(encoding="utf-8")


def test_a_folder_that_is_not_there_is_told(
    qapp: QApplication, red: FrameSource, tmp_path: Path
) -> None:
    with pytest.raises(NotWritable, match="could not be written"):
        write_sheet(tmp_path / "no" / "review.html", about(red))
