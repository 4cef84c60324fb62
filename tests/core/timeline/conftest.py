"""Small cuts for the timeline tests, made with OTIO's own library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

T = otio.opentime.RationalTime


class CutBuilder:
    """Builds OTIO objects. Times are frames at ``rate``; ranges are start and length."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def range(self, start: float, length: float, rate: float = 24) -> Any:
        return otio.opentime.TimeRange(T(start, rate), T(length, rate))

    def sequence(
        self, name: str = "sc010", first: int = 1001, available: Any = (0, 64), rate: float = 24
    ) -> Any:
        """An image sequence ``<name>.%04d.exr`` in ``/plates/<name>``."""
        return otio.schema.ImageSequenceReference(
            f"file:///plates/{name}/",
            f"{name}.",
            ".exr",
            start_frame=first,
            rate=rate,
            frame_zero_padding=4,
            available_range=self.range(*available, rate=rate) if available else None,
        )

    def external(self, url: str, available: Any = (0, 64), rate: float = 24) -> Any:
        return otio.schema.ExternalReference(
            url, self.range(*available, rate=rate) if available else None
        )

    def clip(
        self, name: str = "sc010", media: Any = None, source: Any = (8, 48), rate: float = 24
    ) -> Any:
        reference = self.sequence(name) if media is None else media
        return otio.schema.Clip(name, reference, self.range(*source, rate=rate) if source else None)

    def gap(self, length: float, start: float = 0, rate: float = 24) -> Any:
        return otio.schema.Gap(source_range=self.range(start, length, rate))

    def timeline(self, *tracks: list[Any], start: Any = None, name: str = "reel 1") -> Any:
        new_timeline = otio.schema.Timeline(name)
        if start is not None:
            new_timeline.global_start_time = T(*start)
        for number, items in enumerate(tracks, 1):
            track = otio.schema.Track(f"V{number}", kind="Video")
            track.extend(items)
            new_timeline.tracks.append(track)
        return new_timeline

    def write(self, timeline: Any, name: str = "cut.otio") -> Path:
        path = self.folder / name
        otio.adapters.write_to_file(timeline, str(path))
        return path

    def cut(self, *items: Any, **options: Any) -> Path:
        """A file with one track."""
        return self.write(self.timeline(list(items), **options))


@pytest.fixture
def kit(tmp_path: Path) -> CutBuilder:
    return CutBuilder(tmp_path)
