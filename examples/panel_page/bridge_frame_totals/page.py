"""The registration. It is imported on the panel's loading thread, so it imports no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge_ui.app.page_registry import PageContext, PageSpec

if TYPE_CHECKING:
    from bridge_frame_totals.widget import FrameTotalsPage


def _create(panel: PageContext) -> FrameTotalsPage:
    from bridge_frame_totals.widget import FrameTotalsPage

    return FrameTotalsPage(panel.controllers.shots)


PAGE = PageSpec(
    id="frame_totals",
    title=lambda: "Frames",
    module="bridge_frame_totals.widget",
    create=_create,
)
