"""A review report as one HTML file with embedded pictures, for mailing and printing. All text from
users and services is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from bridge_core.models.notes import Note, Stroke
from bridge_ui.core.display_text import decision_text
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.review.player.frame_sources import FrameSource
from bridge_ui.review.report.report_data import (
    ReportShot,
    ReportVersion,
    ReviewReport,
    note_author_text,
    note_location_text,
)
from bridge_ui.review.report.report_image_painter import CancelCheck, encode_jpeg, report_image

_THUMBNAIL_WIDTH = 240  # pixels
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1d1e20; background: #fff;
  max-width: 66rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.3rem; margin: 0; }
h3 { font-size: 1.05rem; margin: 0 0 .2rem; } p { margin: .3rem 0; }
.facts, .by { color: #6a6e75; } .by { font-size: .87rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
header { border-bottom: 2px solid #1d1e20; padding-bottom: .9rem; margin-bottom: 1.5rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2.5rem; }
th { text-align: left; font-weight: 600; color: #6a6e75; font-size: .87rem; }
th, td { padding: .45rem .9rem .45rem 0; border-bottom: 1px solid #e2e4e7; }
td img { width: 7.5rem; } a { color: inherit; }
section { margin: 0 0 2.5rem; } .shot { border-bottom: 1px solid #c9ccd1; margin-bottom: 1rem; }
article { display: grid; grid-template-columns: 3fr 2fr; gap: 1.3rem; margin: 0 0 1.3rem;
  align-items: start; break-inside: avoid; }
img { width: 100%; border-radius: 4px; display: block; }
.missing { color: #a33; border: 1px dashed #d9a3a3; border-radius: 4px; padding: 2rem 1rem;
  margin: 0; text-align: center; }
.status { display: inline-block; border: 1px solid; border-radius: .6rem; padding: .05rem .6rem;
  font-size: .87rem; font-weight: 600; }
.success { color: #1c6b3a; } .error { color: #a3322a; } .attention { color: #8a5a00; }
.neutral, .busy { color: #4b4f55; }
@media (max-width: 40rem) { article { grid-template-columns: 1fr; } }
@media print { body { margin: 0; max-width: none; } @page { size: A4 landscape; margin: 12mm; } }
"""


def write_html_report(path: Path, report: ReviewReport, check_cancelled: CancelCheck) -> None:
    """Write a report as HTML.

    :raises OSError: the file cannot be written.
    """
    # In chunks, so that not all pictures of a cut are in memory at once.
    with path.open("w", encoding="utf-8") as file:
        for part in _html_chunks(report):
            check_cancelled()
            file.write(part)


def _html_chunks(report: ReviewReport) -> Iterator[str]:
    yield (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body>\n<header><h1>{escape(report.title)}</h1>"
        f'<p class="facts">{escape(report.summary)}</p>'
        f'<p class="by">{escape(report.created_text)}</p></header>\n'
    )
    if len(report.shots) > 1:
        yield from _overview_table(report)
    for number, shot in enumerate(report.shots):
        if not shot.versions:
            continue
        yield f'<section id="shot-{number}"><div class="shot"><h2>{escape(shot.name)}</h2>'
        yield f'<p class="facts">{escape(shot.details_text)}</p></div>\n'
        for version in shot.versions:
            yield from _version_article(shot, version)
        yield "</section>\n"
    yield "</body></html>\n"


def _overview_table(report: ReviewReport) -> Iterator[str]:
    heads = ("", tr("Shot"), tr("Newest version"), tr("Status"), tr("Notes"))
    yield "<table><tr>" + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>\n"
    for number, shot in enumerate(report.shots):
        cells = ["", escape(shot.name), escape(tr("No version yet")), "", ""]
        if shot.versions:
            cells[1] = f'<a href="#shot-{number}">{escape(shot.name)}</a>'
            newest = shot.versions[0]
            notes = sum(len(version.notes) for version in shot.versions)
            cells[0] = _image_tag(newest.frame_source, newest.key_frame, (), width=_THUMBNAIL_WIDTH)
            status = _status_badge(newest, f"{newest.sign.symbol} {newest.sign.text}")
            cells[2:] = [escape(newest.title), status, str(notes or "")]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"
    yield "</table>\n"


def _version_article(shot: ReportShot, version: ReportVersion) -> Iterator[str]:
    yield f"<article>{_image_tag(version.frame_source, version.key_frame, ())}<div>"
    yield f"<h3>{escape(version.title)}</h3><p>{_status_badge(version, version.status_text)}</p>"
    for index, record in enumerate(reversed(version.version.decisions)):
        if index:
            yield f'<p class="by">{escape(decision_text(record))}</p>'
        if record.comment:
            yield f'<p class="text">{escape(record.comment)}</p>'
    yield f'<p class="by">{escape(version.details_text)}</p>'
    for note in version.version_notes:
        yield _note_text(shot, note)
    yield "</div></article>\n"
    for note in version.frame_notes:
        frame = version.frame_for(note)
        yield f"<article>{_image_tag(version.frame_source, frame, note.strokes)}<div>"
        yield _note_text(shot, note) + "</div></article>\n"


def _note_text(shot: ReportShot, note: Note) -> str:
    drawn = tr_count(len(note.strokes), "{n} stroke drawn", "{n} strokes drawn")
    facts = f"{note_location_text(note, shot.shot.plate)} · {note_author_text(note)}"
    return f'<p class="text">{escape(note.text or drawn)}</p><p class="by">{escape(facts)}</p>'


def _status_badge(version: ReportVersion, text: str) -> str:
    return f'<span class="status {version.sign.tone}">{escape(text)}</span>'


def _image_tag(source: FrameSource, frame: int, strokes: Sequence[Stroke], width: int = 0) -> str:
    image = report_image(source, frame, strokes)
    if isinstance(image, str):
        return f'<p class="missing">{escape(image)}</p>'
    data = base64.b64encode(encode_jpeg(image, width)).decode("ascii")
    return f'<img alt="{escape(tr("Frame {n}", n=frame))}" src="data:image/jpeg;base64,{data}">'
