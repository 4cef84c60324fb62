"""A project in a fake Resolve, and the host on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from resolve_fake import Resolve
from resolve_project import Project
from resolve_sample_project import sample_project, write_plate
from resolve_timeline import Timeline, TimelineItem
from sample_versions import make_version

from bridge_core.hosts.base import HostShot, Placement
from bridge_core.models.settings import Settings
from bridge_core.models.versions import ReviewStatus, Version
from bridge_resolve.host import ResolveHost

AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


@dataclass
class ResolveSample:
    app: Resolve
    timeline: Timeline
    items: list[TimelineItem]
    """The two plates and the camera file."""
    host: ResolveHost
    folder: Path

    @property
    def project(self) -> Project:
        assert self.app._project is not None
        return self.app._project

    def shot(self, at: int = 0) -> HostShot:
        return self.host.scene().shots[at]

    def version(
        self,
        of: HostShot,
        number: int = 1,
        status: ReviewStatus = ReviewStatus.APPROVED,
        **changed: Any,
    ) -> Version:
        """With its files."""
        shot = of.shot
        folder = self.folder / "library" / shot.id.shot / f"v{number:03d}"
        span = changed.pop("span", shot.work_range)
        write_plate(folder, "main", range(span.first, span.last + 1))
        at = AT.replace(hour=number)
        output = {"range": span, "width": 48, "height": 32, **changed}
        folder_name = str(folder)
        return make_version(
            shot, number, status=status, output=output, folder=folder_name, created=at
        )

    def place(self, of: HostShot, version: Version, **how: Any) -> str:
        return self.host.place([Placement(of.item_id, version, **how)]).message


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[ResolveSample]:
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    app, timeline, items = sample_project(folder / "plates")
    settings = Settings.model_validate(
        {"work": {"handles": 2}, "client": {"state_dir": folder / "state"}}
    )
    host = ResolveHost(settings, lambda: app, poll_interval=0)
    yield ResolveSample(app, timeline, items, host, folder)
    host.close()
