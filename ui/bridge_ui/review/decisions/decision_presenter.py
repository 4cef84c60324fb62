"""Keeps the widgets for decisions in step."""

from __future__ import annotations

from bridge_core.models.versions import ReviewStatus
from bridge_ui.review.decisions.decision_widgets import (
    DecisionButtons,
    DecisionForm,
    DecisionSummary,
    VersionUnderReview,
)


class DecisionPresenter:
    """The buttons and the last decision are hidden while the form is open."""

    def __init__(
        self, buttons: DecisionButtons, form: DecisionForm, summary: DecisionSummary
    ) -> None:
        self._buttons, self._form, self._summary = buttons, form, summary
        form.open_changed.connect(self._form_toggled)

    @property
    def has_unsaved(self) -> bool:
        """Whether a comment was written that is not sent yet."""
        return bool(self._form.line_edit.text().strip())

    def can_decide(self, status: ReviewStatus) -> bool:
        return self._buttons.button(status).isEnabled()

    def set_version(self, version: VersionUnderReview | None) -> None:
        self._buttons.show_version_name(version.name if version is not None else "")
        self._form.set_version(version)
        self._summary.show_version(version)

    def set_busy(self, busy: bool) -> None:
        """Disable deciding while a note or decision is being sent."""
        self._buttons.set_busy(busy)
        self._form.set_busy(busy)

    def _form_toggled(self, is_open: bool) -> None:
        self._buttons.setVisible(not is_open)
        self._summary.set_collapsed(is_open)
