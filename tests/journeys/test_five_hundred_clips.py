"""A timeline of 500 clips with gaps, dissolves, retimes and two rates, out of a fake Resolve and
back into it with versions in it: every range exact. What the way back looks like is rendered by an
editor that is none of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

import av
import melt
import numpy as np
import pytest
from resolve_fake import Resolve
from resolve_timeline import Timeline, TimelineItem

from bridge_core.models.frames import FrameRange, timecode
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot
from bridge_core.models.versions import DecisionRecord, Output, Proxies, ReviewStatus, Version
from bridge_core.timeline.changes import recognise
from bridge_core.timeline.exporting import export
from bridge_core.timeline.reading import read_cut
from bridge_core.timeline.writing import PlacedVersion, write_versions
from bridge_resolve.host import ResolveHost

CLIPS = 500
RATE = 25
WIDTH, HEIGHT, CELL = 64, 36, 8
MOVIE = 240
"""Frames of each plate."""
START = 10 * 3600
"""Seconds at which the plates' timecode starts."""
HANDLES = 2


def coded(which: int, frame: int) -> melt.Frames:
    """A picture that says which movie and which frame it is: eight bits each, as columns."""
    picture = np.full((HEIGHT, WIDTH, 3), 16, np.uint8)
    for row, number in ((0, which), (1, frame)):
        for bit in range(8):
            if number >> bit & 1:
                top, left = row * HEIGHT // 2, bit * CELL
                picture[top : top + HEIGHT // 2, left : left + CELL] = 235
    return picture


def decoded(picture: melt.Frames) -> tuple[int, int] | None:
    """Which movie and which frame; None for black."""
    light = picture.astype(float).mean(axis=2)
    numbers = []
    for row in (0, 1):
        strip = light[row * HEIGHT // 2 + 5 : (row + 1) * HEIGHT // 2 - 5]
        bits = [strip[:, bit * CELL + 2 : (bit + 1) * CELL - 2].mean() > 128 for bit in range(8)]
        numbers.append(sum(1 << bit for bit, on in enumerate(bits) if on))
    return None if numbers == [0, 0] else (numbers[0], numbers[1])


def write_movie(path: Path, which: int, frames: range, rate: int, start: int) -> None:
    """``start`` is the timecode's frame of the first of these frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"qp": "10", "g": "1", "bf": "0", "preset": "ultrafast"}
        stream.metadata["timecode"] = timecode(start, rate)
        for number in frames:
            picture = av.VideoFrame.from_ndarray(coded(which, number), format="rgb24")
            movie.mux(stream.encode(picture))
        movie.mux(stream.encode())


@dataclass(frozen=True)
class Planned:
    """A clip as it was cut in; ``first`` counts from the plate's first frame."""

    which: int
    start: int
    duration: int
    first: int
    speed: Fraction
    item: TimelineItem

    @property
    def rate(self) -> int:
        return 25 if self.which % 2 == 0 else 24

    def frame_at(self, record: int) -> int:
        return floor(self.first + Fraction(record - self.start, RATE) * self.speed * self.rate)

    @property
    def exact(self) -> bool:
        """Every reader shows the same frame: no rate is converted and no speed."""
        return self.rate == RATE and self.speed == 1


@dataclass
class Reel:
    app: Resolve
    timeline: Timeline
    host: ResolveHost
    clips: list[Planned]
    dissolves: list[int]
    folder: Path


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reel]:
    folder = tmp_path_factory.mktemp("Größe und Länge")
    app = Resolve("25")
    assert app._project is not None
    timeline = app._new_timeline("Reel 1")
    plates = []
    for which in range(1, 9):
        rate = 25 if which % 2 == 0 else 24
        path = folder / "plates" / f"P_{which:04d}.mov"
        write_movie(path, which, range(MOVIE), rate, START * rate)
        plates += app._project._pool.ImportMedia([str(path)])
    clips, dissolves, at = [], [], timeline.GetStartFrame()
    for number in range(CLIPS):
        which, duration = number % 8 + 1, 4 + number % 5
        if number % 7 == 0:
            at += 2 + number % 3
        elif number % 12 == 0:
            dissolves.append(at)
            app._dissolve(timeline, at, 1, 1)
        speed = {1: Fraction(2), 5: Fraction(1, 2)}.get(number % 10 if which % 2 == 0 else -1)
        speed = speed or Fraction(1)
        first = 4 + number * 7 % 200
        item = app._cut_in(timeline, plates[which - 1], at, duration, first, speed=speed)
        clips.append(Planned(which, at, duration, first, speed, item))
        at += duration
    settings = Settings.model_validate(
        {"work": {"handles": HANDLES}, "client": {"state_dir": folder / "state"}}
    )
    host = ResolveHost(settings, app)
    yield Reel(app, timeline, host, clips, dissolves, folder)
    host.close()


def version(shot: Shot, which: int, folder: Path) -> Version:
    """A movie with the plate's timecode, as services deliver it, and a number of its own."""
    span = shot.work_range
    zero = shot.plate.range.first
    inside = range(span.first - zero, span.last + 1 - zero)
    write_movie(folder / "main.mov", which, inside, int(span.rate), span.first)
    at = DecisionRecord(
        status=ReviewStatus.APPROVED,
        by="Ada",
        at="2026-11-01T09:00:00Z",  # type: ignore[arg-type]
    )
    return Version(
        id=f"id-{which}",
        shot=shot.id,
        service="upscale",
        job="j",
        folder=str(folder),
        frames=tuple(span.frames()),
        outputs=(
            Output(
                name="main",
                pattern="main.mov",
                range=span,
                colour_space="ACEScg",
                width=WIDTH,
                height=HEIGHT,
                channels=("R", "G", "B"),
                depth="uint8",
            ),
        ),
        proxies=Proxies(pattern="p.%d.jpg", width=64, height=36, display="sRGB", view="ACES"),
        created=at.at,
        asked_by="Ada",
        number=1,
        status=ReviewStatus.APPROVED,
        decisions=(at,),
    )


@pytest.fixture(scope="module")
def back(reel: Reel) -> tuple[Path, Path, dict[int, int]]:
    """The cut with approved versions of some clips, the same for Resolve, and which versions stand
    at which clips."""
    scene = reel.host.scene()
    assert scene.cut is not None
    numbers, placed = {}, {}
    for index, (planned, host_shot) in enumerate(zip(reel.clips, scene.shots, strict=True)):
        if planned.exact and index % 5 == 3:
            numbers[index] = 100 + len(numbers)
            made = version(
                host_shot.shot, numbers[index], reel.folder / "library" / str(index) / "v001"
            )
            placed[host_shot.handle] = [PlacedVersion(made)]
    assert len(numbers) > 20
    with_versions = reel.folder / "with_versions.otio"
    write_versions(scene.cut.path, placed, with_versions)
    for_resolve = reel.folder / "for_resolve.otio"
    report = export(with_versions, for_resolve, "resolve")
    assert {loss.what.partition(";")[0] for loss in report.losses} == {
        "only shotbridge:upscale:v001 goes there"
    }
    return with_versions, for_resolve, numbers


def test_every_range_is_exact_on_the_way_out(reel: Reel) -> None:
    scene = reel.host.scene()
    assert scene.problems == ()
    assert len(scene.shots) == CLIPS
    for planned, host_shot in zip(reel.clips, scene.shots, strict=True):
        shot = host_shot.shot
        zero = START * planned.rate
        assert host_shot.handle == planned.item._id
        assert shot.record_range == FrameRange.of(
            planned.start, planned.start + planned.duration - 1, RATE
        )
        assert shot.retime.speed == planned.speed
        assert shot.cut_range.rate == planned.rate
        assert shot.cut_range.first == zero + planned.first
        end = Fraction(planned.duration, RATE) * planned.rate
        last = floor((floor(end + Fraction(1, 2)) - 1) * planned.speed)
        assert shot.cut_range.last == zero + planned.first + last
        shown = {planned.frame_at(r) for r in range(planned.start, planned.item._end)}
        assert shown <= {f - zero for f in shot.work_range.frames()}
        assert shot.plate.range == FrameRange.of(zero, zero + MOVIE - 1, planned.rate)
    # A dissolve shows one frame more on both sides than the cut does.
    at_dissolves = [s.shot for s in scene.shots if s.shot.record_range.first in reel.dissolves]
    assert len(at_dissolves) == len(reel.dissolves) > 20
    assert all(shot.head_handle >= HANDLES + 1 for shot in at_dissolves)


def test_every_range_is_exact_on_the_way_back(reel: Reel, back) -> None:
    with_versions, for_resolve, numbers = back
    assert reel.app._project is not None
    pool = reel.app._project._pool
    made = pool.ImportTimelineFromFile(str(for_resolve), {"timelineName": "Reel 1 v002"})
    assert made is not None
    try:
        clips = [item for item in made._items if item._kind == "clip"]
        dissolves = [item for item in made._items if item._kind == "transition"]
        assert [item._start + 1 for item in dissolves] == reel.dissolves
        for index, (planned, item) in enumerate(zip(reel.clips, clips, strict=True)):
            assert (item._start, item._duration) == (planned.start, planned.duration)
            assert item._speed == planned.speed
            media = item._take.item._media
            frame = media.start + item._take.start - START * planned.rate
            assert frame == planned.first
            assert ("library" in media.path) == (index in numbers)

        scene = reel.host.scene()
        assert scene.cut is not None
        original = read_cut(with_versions)
        found = recognise(scene.cut, original)
        was = [item.clip for item in original]
        assert [found.get(shot.handle) for shot in scene.shots] == was
        ours = {item.clip: item.shot for item in original}
        for host_shot in scene.shots:
            before = ours[found[host_shot.handle]]
            assert host_shot.shot.cut_range == before.cut_range
            assert host_shot.shot.record_range == before.record_range
            assert host_shot.shot.retime == before.retime
    finally:
        pool.DeleteTimelines([made])
        reel.app._project._current = reel.timeline


@pytest.mark.skipif(bool(melt.missing()), reason=melt.missing())
def test_another_editor_shows_the_right_frames(reel: Reel, back, tmp_path: Path) -> None:
    _, for_resolve, numbers = back
    shown = melt.frames_of(for_resolve, tmp_path, width=WIDTH, height=HEIGHT)
    zero = reel.timeline.GetStartFrame()
    assert len(shown) == reel.timeline.GetEndFrame() - zero
    dissolving = {frame + by for frame in reel.dissolves for by in (-1, 0)}
    worst = 99.0
    black = set(range(zero, zero + len(shown)))
    for index, planned in enumerate(reel.clips):
        for record in range(planned.start, planned.start + planned.duration):
            black.discard(record)
            if record in dissolving:
                continue
            picture = shown[record - zero]
            which = numbers.get(index, planned.which)
            wanted = planned.frame_at(record)
            seen = decoded(picture)
            assert seen is not None, f"black at {record}, wanted {which}:{wanted}"
            if planned.exact:
                assert seen == (which, wanted), f"at {record}"
                worst = min(worst, melt.psnr(picture, coded(which, wanted)))
            else:
                # Readers round a rate or a speed each in their own way, by one frame.
                assert seen[0] == which
                assert abs(seen[1] - wanted) <= 1, f"at {record}"
    assert worst > 30
    assert len(black) > 100  # the gaps
    assert all(shown[record - zero].max() < 30 for record in black)
