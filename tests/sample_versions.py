"""Versions as a gateway returns them, for tests that place them in a cut."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge_core.models.media import MOVIE_EXTENSIONS, file_extension
from bridge_core.models.shots import Shot
from bridge_core.models.versions import DecisionRecord, Proxies, ResultOutput, ReviewStatus, Version
from bridge_core.timeline.cut import Cut
from bridge_core.timeline.version_writer import PlacedVersion

CREATED = datetime(2026, 3, 1, tzinfo=UTC)


def version_of(shot: Shot, *, approved: bool = True, ending: str = ".exr") -> Version:
    """Round trip v001 of a shot, over its work range."""
    shot_id = shot.id
    name = f"{shot_id.shot}_round_trip_v001"
    status = ReviewStatus.APPROVED if approved else ReviewStatus.PENDING
    return Version(
        id=f"{shot_id.sequence}-{shot_id.shot}-1",
        shot=shot_id,
        service="round_trip",
        job_id="job",
        folder=f"/versions/{shot_id.sequence}/{shot_id.shot}/round_trip/v001",
        frames=tuple(shot.work_range.frames()),
        outputs=(
            ResultOutput(
                name="main",
                pattern=f"{name}{ending}"
                if file_extension(name + ending) in MOVIE_EXTENSIONS
                else f"{name}.%04d.exr",
                range=shot.work_range,
                colour_space="ACEScg",
                width=64,
                height=36,
                channels=("R", "G", "B"),
                depth="half",
            ),
        ),
        proxies=Proxies(pattern="p.%04d.jpg", width=64, height=36, display="d", view="v"),
        created=CREATED,
        requested_by="Ada",
        number=1,
        status=status,
        decisions=(DecisionRecord(status=status, by="Ada", at=CREATED),) if approved else (),
    )


def versions_of(
    cut: Cut, *, approved: bool = True, ending: str = ".exr"
) -> dict[str, list[PlacedVersion]]:
    """A version for each shot of a cut, by the clip's id."""
    return {
        item.clip_id: [PlacedVersion(version_of(item.shot, approved=approved, ending=ending))]
        for item in cut
    }
