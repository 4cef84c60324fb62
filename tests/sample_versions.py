"""Versions as a gateway returns them, for tests that place them in a cut or in a host."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bridge_core.models.media import MOVIE_EXTENSIONS, file_extension
from bridge_core.models.shots import Shot
from bridge_core.models.versions import DecisionRecord, Proxies, ResultOutput, ReviewStatus, Version
from bridge_core.timeline.cut import Cut
from bridge_core.timeline.version_writer import PlacedVersion

CREATED = datetime(2026, 3, 1, tzinfo=UTC)


def make_version(
    shot: Shot,
    number: int = 1,
    *,
    status: ReviewStatus = ReviewStatus.PENDING,
    output: dict[str, Any] | None = None,
    **fields: Any,
) -> Version:
    """A version of a shot's work range with one output; ``output`` and ``fields`` replace values of
    that and of the version."""
    values = {
        "name": "main",
        "pattern": "main.%04d.exr",
        "range": shot.work_range,
        "colour_space": shot.plate.colour_space or "ACEScg",
        "width": 64,
        "height": 36,
        "channels": ("R", "G", "B"),
        "depth": "half",
        **(output or {}),
    }
    created = fields.get("created", CREATED)
    decision = DecisionRecord(status=status, by="Ada", at=created)
    version = {
        "id": f"id-{shot.id.shot}-{number}",
        "shot": shot.id,
        "service": "upscale",
        "job_id": f"job-{number}",
        "folder": f"/library/{shot.id.shot}/v{number:03d}",
        "frames": tuple(values["range"].frames()),
        "outputs": (ResultOutput.model_validate(values),),
        "proxies": Proxies(pattern="p.%d.jpg", width=64, height=36, display="sRGB", view="ACES"),
        "created": created,
        "requested_by": "Ada",
        "number": number,
        "status": status,
        "decisions": () if status is ReviewStatus.PENDING else (decision,),
        **fields,
    }
    return Version.model_validate(version)


def version_of(shot: Shot, *, approved: bool = True, ending: str = ".exr") -> Version:
    """Round trip v001 of a shot, over its work range."""
    shot_id = shot.id
    name = f"{shot_id.shot}_round_trip_v001"
    is_movie = file_extension(name + ending) in MOVIE_EXTENSIONS
    pattern = f"{name}{ending}" if is_movie else f"{name}.%04d.exr"
    return make_version(
        shot,
        status=ReviewStatus.APPROVED if approved else ReviewStatus.PENDING,
        output={"pattern": pattern, "colour_space": "ACEScg"},
        id=f"{shot_id.sequence}-{shot_id.shot}-1",
        service="round_trip",
        folder=f"/versions/{shot_id.sequence}/{shot_id.shot}/round_trip/v001",
    )


def versions_of(
    cut: Cut, *, approved: bool = True, ending: str = ".exr"
) -> dict[str, list[PlacedVersion]]:
    """A version for each shot of a cut, by the clip's id."""
    return {
        item.clip_id: [PlacedVersion(version_of(item.shot, approved=approved, ending=ending))]
        for item in cut
    }
