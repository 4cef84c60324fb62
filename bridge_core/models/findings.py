"""Findings: what an analysis saw in the pictures of a shot. Hints, never verdicts."""

from __future__ import annotations

from pydantic import Field

from bridge_core.models.base import StoredModel, StrictModel


class Finding(StrictModel):
    """One observation."""

    frame: int | None = None
    """A plate frame; None: the whole shot."""
    measure: str = Field(min_length=1, max_length=100)
    """What was measured: ``exposure jump``, ``face drift``."""
    value: float
    """In the measure's own unit."""
    threshold: float | None = None
    """The value from which the analysis reports it; None: it has none."""
    text: str = Field(default="", max_length=2000)
    """In words."""


class Findings(StoredModel):
    """The file ``findings.json`` of a version."""

    title = "list of findings"

    findings: tuple[Finding, ...]
