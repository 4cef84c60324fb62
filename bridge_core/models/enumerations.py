"""The enumerations that panels need from the start.

They are apart from the models that use them, which import them from here, so that a panel that
opens does not build the models of jobs, versions and services.
"""

from __future__ import annotations

from enum import StrEnum


class DataLocality(StrEnum):
    """How far the pictures travel to be processed."""

    LOCAL = "local"
    STUDIO = "studio"
    EXTERNAL = "external"


class RegionKind(StrEnum):
    """How a region says which pixels it means."""

    SHAPE = "shape"
    """A polygon."""
    MATTE = "matte"
    """Pictures, one for the whole shot or one for each frame."""


class OutputFormat(StrEnum):
    """The file format of a version."""

    EXR = "exr"
    """OpenEXR in the plate's colour space: half, or float if the plate has more than half."""
    PLATE = "plate"
    """The format and bit depth of the plate."""


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The provider does not report an outcome. Nothing is sent again; a human decides."""

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class JobOutcome(StrEnum):
    """What a human found out about a job whose outcome was unknown."""

    NOT_MADE = "not_made"
    """The provider did nothing, and takes nothing."""
    MADE_ELSEWHERE = "made_elsewhere"
    """The provider did the work and takes its price; the result is not in the library."""


class ReviewStatus(StrEnum):
    PENDING = "pending review"
    CHANGES_REQUESTED = "changes requested"
    APPROVED = "approved"
    REJECTED = "rejected"


class StrokeTool(StrEnum):
    PEN = "pen"
    ARROW = "arrow"
    BOX = "box"
    ELLIPSE = "ellipse"
    TEXT = "text"
