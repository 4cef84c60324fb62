"""Writes a review report as HTML or PDF, by the file's extension.

Both load pictures from the gateway: call it in a worker thread, never in a host's main thread.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from bridge_core.errors import NotWritable
from bridge_ui.review.report.html_report import write_html_report
from bridge_ui.review.report.qt_pdf_report import write_pdf_report
from bridge_ui.review.report.qt_report_images import CancelCheck
from bridge_ui.review.report.report_data import ReviewReport


def write_report(
    path: Path, report: ReviewReport, check_cancelled: CancelCheck = lambda: None
) -> Path:
    """Write ``.html`` or ``.htm`` as HTML, everything else as PDF. An existing file is replaced
    once the new one is complete.

    A frame that cannot be loaded is replaced by the reason.

    :raises NotWritable: the file cannot be written.
    """
    partial = path.with_name(f".{token_hex(4)}{path.suffix}")
    try:
        if path.suffix.lower() in (".html", ".htm"):
            write_html_report(partial, report, check_cancelled)
        else:
            write_pdf_report(partial, report, check_cancelled)
        partial.replace(path)
    except OSError as error:
        raise NotWritable(
            f"the review report could not be written: {error.strerror or error}",
            where=str(path),
            next_step="choose another folder",
        ) from error
    finally:
        with suppress(OSError):  # it was renamed, or never created
            partial.unlink()
    return path
