"""Exports review reports: asks for a file, writes it in a worker thread, reports the result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from bridge_core.errors import NotWritable, ShotbridgeError
from bridge_ui.core.translate import tr, tr_count
from bridge_ui.review.report.report_data import ReportScope, ReviewReport, collect_report_shots
from bridge_ui.widgets.file_dialogs import save_file_dialog

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from bridge_core.models.shots import Shot
    from bridge_ui.core.session import Session
    from bridge_ui.core.thread_pool import BackgroundTask
    from bridge_ui.review.controller import ReviewController
    from bridge_ui.shots.controller import ShotsController

_FILE_FILTERS = "PDF (*.pdf);;HTML (*.html)"


class ReportExport:
    """``show_message`` is called with a text and ``is_problem``."""

    def __init__(
        self,
        session: Session,
        review: ReviewController,
        shots: ShotsController,
        show_message: Callable[..., None],
    ) -> None:
        self._session, self._review, self._shots = session, review, shots
        self._show_message = show_message
        self._task: BackgroundTask | None = None

    def available_scopes(self) -> list[tuple[ReportScope, str]]:
        """The reports that can be written now, with their names."""
        scopes = []
        version, selected = self._version_under_review(), self._shots_of(ReportScope.SELECTED)
        if version is not None:
            scopes.append((ReportScope.VERSION, version[1]))
        if len(selected) == 1:
            scopes.append((ReportScope.SELECTED, selected[0].id.shot))
        elif selected:
            count = tr_count(len(selected), "{n} selected shot", "{n} selected shots")
            scopes.append((ReportScope.SELECTED, count))
        if self._shots_of(ReportScope.CUT):
            scopes.append((ReportScope.CUT, self._title(ReportScope.CUT)))
        return scopes

    def choose_file(self, scope: ReportScope, parent: QWidget) -> None:
        """Ask for a file and write the report to it."""
        stem = "".join(c if c.isalnum() or c in "-_." else "_" for c in self._title(scope))
        name = f"{stem.removesuffix('.otio')}_review.pdf"
        title, write = tr("Write a review report"), partial(self.write, scope)
        save_file_dialog(parent, title, name, _FILE_FILTERS, write)

    def write(self, scope: ReportScope, path: Path) -> None:
        """Write a report, and cancel one that is still being written."""
        session, version = self._session, self._version_under_review()
        if scope is ReportScope.VERSION and version is None:
            return
        only = version[0] if scope is ReportScope.VERSION and version is not None else None
        shots, title, by = self._shots_of(scope), self._title(scope), session.user
        self.cancel()

        def write(task: BackgroundTask) -> tuple[Path, ReviewReport]:
            def check_cancelled() -> None:
                if task.cancelled:
                    raise _ReportCancelled("the report was cancelled")

            report_shots = collect_report_shots(
                session.client,
                shots,
                session.service_title,
                only_version=only,
                check_cancelled=check_cancelled,
            )
            report = ReviewReport(title, by, datetime.now(UTC), report_shots)
            return write_report(path, report, check_cancelled), report

        def written(result: tuple[Path, ReviewReport]) -> None:
            file, report = result
            self._show_message(
                tr("{file} written; {summary}", file=file.name, summary=report.summary)
            )

        def failed(error: ShotbridgeError) -> None:
            self._show_message(f"{error.message}. {error.next_step}", is_problem=True)

        self._show_message(tr("Writing {file} …", file=path.name))
        self._task = session.transfer_pool.run(write, written, failed)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _version_under_review(self) -> tuple[str, str] | None:
        """Id and title of the version under review."""
        state = self._review.state.value
        if state.version is None or state.shot is None:
            return None
        return state.version.id, f"{state.shot.id.shot} {state.version_label}"

    def _shots_of(self, scope: ReportScope) -> list[Shot]:
        if scope is ReportScope.VERSION:
            shot = self._review.state.value.shot
            return [shot] if shot is not None else []
        if scope is ReportScope.SELECTED:
            return [shot_row.shot for shot_row in self._shots.selected if shot_row.shot]
        scene = self._shots.scene
        return [host_shot.shot for host_shot in scene.shots] if scene is not None else []

    def _title(self, scope: ReportScope) -> str:
        version = self._version_under_review()
        if scope is ReportScope.VERSION and version is not None:
            return version[1]
        selected = self._shots_of(ReportScope.SELECTED)
        if scope is ReportScope.SELECTED and len(selected) == 1:
            return selected[0].id.shot
        return self._shots.state.value.title or tr("the whole cut")


def write_report(
    path: Path, report: ReviewReport, check_cancelled: Callable[[], None] = lambda: None
) -> Path:
    """Write ``.html`` or ``.htm`` as HTML, everything else as PDF. An existing file is replaced
    once the new one is complete.

    A frame that cannot be loaded is replaced by the reason. Call it in a worker thread, as pictures
    are loaded from the gateway.

    :raises NotWritable: the file cannot be written.
    """
    from bridge_ui.review.report.html_report import write_html_report
    from bridge_ui.review.report.pdf_report_painter import write_pdf_report

    unfinished = path.with_name(f".{token_hex(4)}{path.suffix}")
    try:
        if path.suffix.lower() in (".html", ".htm"):
            write_html_report(unfinished, report, check_cancelled)
        else:
            write_pdf_report(unfinished, report, check_cancelled)
        unfinished.replace(path)
    except OSError as error:
        raise NotWritable(
            f"the review report could not be written: {error.strerror or error}",
            where=str(path),
            next_step="choose another folder",
        ) from error
    finally:
        with suppress(OSError):  # it was renamed, or never created
            unfinished.unlink()
    return path


class _ReportCancelled(ShotbridgeError):
    """Ends a cancelled task; it is not shown."""
