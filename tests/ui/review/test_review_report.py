"""Review reports as HTML and PDF."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pypdfium2
import pytest
from PySide6.QtWidgets import QApplication

from bridge_core.errors import GatewayUnreachable, NotWritable, ShotbridgeError
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.notes import Note, Stroke, StrokeTool
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import DecisionRecord, Proxies, ReviewStatus, Version
from bridge_ui.review.player.frame_sources import FrameSource
from bridge_ui.review.player.player import decode_jpeg
from bridge_ui.review.report.report_data import (
    ReportShot,
    ReportVersion,
    ReviewReport,
    note_location_text,
)
from bridge_ui.review.report_export import write_report

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOX = Stroke(tool=StrokeTool.BOX, points=((0.2, 0.2), (0.8, 0.8)), colour="#ffffff", width=0.05)


def note(frame: int | None, text: str, strokes: tuple[Stroke, ...] = ()) -> Note:
    frames = None if frame is None else FrameRange.of(frame, frame, 24)
    return Note(id=text, version_id="v", frames=frames, text=text, strokes=strokes, by="Ada", at=AT)


def shot(name: str, source: FrameSource | None, *notes: Note, comment: str = "") -> ReportShot:
    new_shot = Shot(
        id=ShotId(show="BBB", sequence="A", shot=name),
        plate=Plate(
            path="/p.%04d.exr", range=FrameRange.of(1001, 1024, 24), start_timecode="01:00:00:00"
        ),
        cut_range=FrameRange.of(1001, 1024, 24),
    )
    if source is None:
        return ReportShot(new_shot, ())
    decision = DecisionRecord(status=ReviewStatus.APPROVED, by="Ada <b>", comment=comment, at=AT)
    version = Version(
        id="v",
        number=3,
        shot=new_shot.id,
        service="upscale",
        job_id="j",
        folder="/v",
        frames=tuple(range(1001, 1025)),
        outputs=(),
        proxies=Proxies(pattern="%04d.jpg", width=64, height=36, display="sRGB", view="x"),
        created=AT,
        requested_by="Ada",
        status=ReviewStatus.APPROVED,
        decisions=(decision,),
    )
    return ReportShot(new_shot, (ReportVersion("Upscale v003", version, notes, source, 1012),))


def sample_report(*shots: ReportShot) -> ReviewReport:
    return ReviewReport("reel <1>", "Grace", AT, shots)


class PdfText:
    """Title and pages of a PDF."""

    def __init__(self, path: Path) -> None:
        with pypdfium2.PdfDocument(path) as document:
            self.title = document.get_metadata_dict()["Title"]
            self.pages = list(self._read(document))

    @property
    def text(self) -> str:
        return "\n".join(text for text, _ in self.pages)

    @staticmethod
    def _read(document: pypdfium2.PdfDocument) -> Iterator[tuple[str, int]]:
        """Text and number of pictures of each page."""
        for number in range(len(document)):
            page = document[number]
            words = page.get_textpage()
            pictures = list(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))
            yield words.get_text_range().replace("\r\n", "\n"), len(pictures)
            words.close()
            page.close()


def test_html_contains_text_and_frames_with_strokes(
    qapp: QApplication, red: FrameSource, tmp_path: Path
) -> None:
    notes = (note(None, "all of it"), note(1003, "hold <i>this</i>", (BOX,)), note(9, "gone"))
    one = shot("SH_010", red, *notes, comment="<script>alert(1)</script>")
    text = write_report(tmp_path / "review.html", sample_report(one)).read_text(encoding="utf-8")
    assert "hold &lt;i&gt;this&lt;/i&gt;" in text
    assert "✓ approved by Ada &lt;b&gt;, 2026-01-01" in text
    assert "frame 1003 · 01:00:00:02 · Ada" in text
    assert "<script>" not in text
    assert "There is no frame 9" in text
    assert not re.search(r'(src|href)="(?!data:|#)', text), "it needs other files"
    pictures = [base64.b64decode(one) for one in re.findall(r"base64,([^\"]+)", text)]
    assert len(pictures) == 2
    assert decode_jpeg(pictures[0]).pixelColor(5, 5).green() < 60
    image = decode_jpeg(pictures[1])
    edge = image.pixelColor(round(0.2 * image.width()), image.height() // 2)
    assert min(edge.red(), edge.green(), edge.blue()) > 200, "the box is drawn on the frame"


def test_a_notes_timecode_is_drop_frame_if_the_plate_is() -> None:
    rate = Fraction(30000, 1001)
    drop = Plate(path="/p.mov", range=FrameRange.of(0, 3999, rate), start_timecode="01:00:00;00")
    assert note_location_text(note(1800, "hold"), drop) == "frame 1800 · 01:01:00;02"
    plain = drop.model_copy(update={"start_timecode": "01:00:00:00"})
    assert note_location_text(note(1800, "hold"), plain) == "frame 1800 · 01:01:00:00"


@pytest.mark.parametrize("frames", [FrameRange.of(1001, 1020, 24), None])
def test_a_drawing_is_on_the_frame_that_it_was_drawn_on(
    qapp: QApplication, red: FrameSource, tmp_path: Path, frames: FrameRange | None
) -> None:
    class Only1010:
        """The other frames cannot be loaded."""

        key, frames = "only 1010", red.frames

        def frame(self, number: int, /) -> bytes:
            if number != 1010:
                raise GatewayUnreachable("nobody answers", where="gateway", next_step="wait")
            return red.frame(number)

    drawn = note(1001, "circle", (BOX,)).model_copy(update={"frames": frames, "drawn_on": 1010})
    one = shot("SH_010", Only1010(), drawn)
    text = write_report(tmp_path / "review.html", sample_report(one)).read_text(encoding="utf-8")
    [picture] = re.findall(r"base64,([^\"]+)", text)
    image = decode_jpeg(base64.b64decode(picture))
    assert image.pixelColor(round(0.2 * image.width()), image.height() // 2).blue() > 200
    assert f"{'frames 1001–1020' if frames else 'whole version'} · drawn on 1010" in text


def test_pdf_contains_the_same_on_several_pages(
    qapp: QApplication, red: FrameSource, tmp_path: Path
) -> None:
    long = " ".join(f"word{n}" for n in range(900))
    notes = (note(None, "all of it"), note(1003, "hold this", (BOX,)), note(1009, long))
    shots = (shot("SH_010", red, *notes, comment="Lovely"), shot("SH_020", None))
    pdf = PdfText(write_report(tmp_path / "review.pdf", sample_report(*shots)))
    assert pdf.title == "reel <1>"
    assert "2 shots, 1 version: 1 approved; 1 shot without a version" in pdf.text
    assert "✓ approved by Ada <b>, 2026-01-01" in pdf.text
    for words in ("Lovely", "all of it", "hold this", "frame 1003 · 01:00:00:02", "SH_020"):
        assert words in pdf.text
    # Readers of PDF only guess where words end.
    printed = set(re.findall(r"word\d+", re.sub(r"\s", "", pdf.text)))
    assert len(printed) == 900, "no line of a long note is lost"
    assert sum(pictures for _, pictures in pdf.pages) == 4  # overview, version, two notes
    for number, (text, _) in enumerate(pdf.pages, 1):
        assert f"Page{number}" in re.sub(r"\s", "", text)
    assert len(pdf.pages) > 2


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_a_frame_that_cannot_be_loaded_is_named_in_its_place(
    qapp: QApplication, tmp_path: Path, ending: str
) -> None:
    class Silent:
        key, frames = "silent", (1001, 1012)

        def frame(self, number: int, /) -> bytes:
            raise GatewayUnreachable("nobody answers", where="gateway", next_step="wait")

    path = write_report(
        tmp_path / f"r.{ending}", sample_report(shot("S", Silent(), note(1001, "look")))
    )
    text = PdfText(path).text if ending == "pdf" else path.read_text(encoding="utf-8")
    assert "Frame 1001 could not be loaded: nobody answers" in " ".join(text.split())


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_a_missing_folder_is_reported(
    qapp: QApplication, red: FrameSource, tmp_path: Path, ending: str
) -> None:
    with pytest.raises(NotWritable, match="could not be written"):
        write_report(tmp_path / "no" / f"review.{ending}", sample_report(shot("S", red)))


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_a_cancelled_report_leaves_the_older_file(
    qapp: QApplication, red: FrameSource, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"review.{ending}"
    path.write_text("older", encoding="utf-8")

    def check_cancelled() -> None:
        raise ShotbridgeError("cancelled")

    with pytest.raises(ShotbridgeError):
        write_report(path, sample_report(shot("S", red)), check_cancelled)
    assert path.read_text(encoding="utf-8") == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for file sizes")
@pytest.mark.parametrize("ending", ["html", "pdf"])
@pytest.mark.parametrize("free_bytes", [0, 4096, 12_000])
def test_a_full_disk_leaves_the_older_file(
    qapp: QApplication, red: FrameSource, tmp_path: Path, ending: str, free_bytes: int
) -> None:
    import resource

    path = tmp_path / f"review.{ending}"
    path.write_text("older", encoding="utf-8")
    notes = [note(frame, "hold this") for frame in range(1001, 1013)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Simulates a disk with so much free space.
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, before[1]))
    try:
        with pytest.raises(NotWritable, match="could not be written"):
            write_report(path, sample_report(shot("S", red, *notes)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text(encoding="utf-8") == "older"
    assert list(tmp_path.iterdir()) == [path]
