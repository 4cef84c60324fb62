"""A timeline of 500 clips with gaps, dissolves, retimes and many rates, exported from a fake
Resolve and imported again with versions: every range is exact. The exported cut is also rendered by
another editor, MLT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

import av
import melt
import numpy as np
import OpenImageIO as oiio
import pytest
from resolve_fake import Resolve
from resolve_render import pack_timecode
from resolve_timeline import Timeline, TimelineItem

from bridge_core.hosts.base import HostShot, Placement
from bridge_core.models.frames import FrameRange, frame_to_timecode, timecode_to_frame, to_rate
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot
from bridge_core.models.versions import DecisionRecord, Proxies, ResultOutput, ReviewStatus, Version
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import match_returned_clips
from bridge_core.timeline.exporter import export_timeline
from bridge_core.timeline.version_writer import PlacedVersion, write_versions
from bridge_resolve.host import ResolveHost

CLIPS = 500
WIDTH, HEIGHT, CELL = 64, 36, 8
MOVIE = 240
"""Number of frames of each plate."""
START = "10:00:00:00"
"""Start timecode of the plates, drop-frame at 29.97."""
HANDLES = 2
OTHERS = {1: "24", 3: "23.976", 5: "29.97", 7: "25"}
"""Rates of plates with odd numbers; the others have the timeline's rate."""
MOVIES, EXR = "main.mov", "main.%04d.exr"
"""File patterns of versions."""


def coded_picture(which: int, frame: int) -> melt.Frames:
    """A picture that encodes the numbers of a movie and a frame, eight bits each, as columns."""
    picture = np.full((HEIGHT, WIDTH, 3), 16, np.uint8)
    for row, number in ((0, which), (1, frame)):
        for bit in range(8):
            if number >> bit & 1:
                top, left = row * HEIGHT // 2, bit * CELL
                picture[top : top + HEIGHT // 2, left : left + CELL] = 235
    return picture


def decode_picture(picture: melt.Frames) -> tuple[int, int] | None:
    """The numbers of movie and frame; None for black."""
    light = picture.astype(float).mean(axis=2)
    numbers = []
    for row in (0, 1):
        strip = light[row * HEIGHT // 2 + 5 : (row + 1) * HEIGHT // 2 - 5]
        bits = [strip[:, bit * CELL + 2 : (bit + 1) * CELL - 2].mean() > 128 for bit in range(8)]
        numbers.append(sum(1 << bit for bit, on in enumerate(bits) if on))
    return None if numbers == [0, 0] else (numbers[0], numbers[1])


@dataclass(frozen=True)
class NamedRate:
    """A rate by Resolve's name; 29.97 is drop-frame."""

    exact: Fraction
    drop: bool

    @classmethod
    def named(cls, name: str) -> NamedRate:
        name = name.removesuffix(" DF")
        return cls(to_rate(name), name == "29.97")

    @property
    def zero(self) -> int:
        """The number of the plates' first frame."""
        return timecode_to_frame(START[:8] + (";" if self.drop else ":") + START[9:], self.exact)

    def timecode(self, frame: int) -> str:
        return frame_to_timecode(frame, self.exact, drop_frame=self.drop)


def write_movie(path: Path, which: int, frames: range, rate: NamedRate) -> None:
    """Write frames of a plate, counted from its first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=rate.exact)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"qp": "10", "g": "1", "bf": "0", "preset": "ultrafast"}
        stream.metadata["timecode"] = rate.timecode(rate.zero + frames.start)
        for number in frames:
            picture = av.VideoFrame.from_ndarray(coded_picture(which, number), format="rgb24")
            movie.mux(stream.encode(picture))
        movie.mux(stream.encode())


def write_exrs(folder: Path, which: int, frames: range, rate: NamedRate) -> None:
    """Write frames as the local services do, with the plate's frame numbers and timecode."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in frames:
        spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, oiio.HALF)
        spec.attribute("compression", "none")
        packed_timecode = pack_timecode(rate.timecode(rate.zero + number))
        spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, packed_timecode)
        out = oiio.ImageOutput.create("x.exr")
        path = folder / f"main.{rate.zero + number:04d}.exr"
        assert out.open(str(path), spec), out.geterror()
        assert out.write_image(coded_picture(which, number).astype(np.float32) / 255)
        out.close()


@dataclass(frozen=True)
class PlannedClip:
    """A clip as it was edited in; ``first`` counts from the plate's first frame."""

    which: int
    start: int
    duration: int
    first: int
    speed: Fraction
    item: TimelineItem
    rate: NamedRate
    timeline_rate: Fraction

    def frame_at(self, record: int) -> int:
        seconds = (record - self.start) / self.timeline_rate
        return floor(self.first + seconds * self.speed * self.rate.exact)

    @property
    def exact(self) -> bool:
        """Whether every reader shows the same frame: neither rate nor speed is converted."""
        return self.rate.exact == self.timeline_rate and self.speed == 1


@dataclass
class GeneratedReel:
    app: Resolve
    timeline: Timeline
    host: ResolveHost
    clips: list[PlannedClip]
    dissolves: list[int]
    folder: Path

    @property
    def numbers(self) -> dict[int, int]:
        """Numbers of the versions' movies by clip index: every fifth clip has a version."""
        return {index: 100 + at for at, index in enumerate(range(3, CLIPS, 5))}


@pytest.fixture(scope="module", params=["25", "29.97 DF"])
def reel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GeneratedReel]:
    folder = tmp_path_factory.mktemp("Größe und Länge")
    app = Resolve(request.param)
    assert app._project is not None
    start = "01:00:00;00" if "DF" in request.param else "01:00:00:00"
    timeline = app._new_timeline("Reel 1", start=start)
    plates, rates = [], []
    for which in range(1, 9):
        rates.append(NamedRate.named(OTHERS.get(which, request.param)))
        path = folder / "plates" / f"P_{which:04d}.mov"
        write_movie(path, which, range(MOVIE), rates[-1])
        plates += app._project._pool.ImportMedia([str(path)])
    clips, dissolves, at = [], [], timeline.GetStartFrame()
    for number in range(CLIPS):
        which, duration = number % 8 + 1, 4 + number % 5
        if number % 7 == 0:
            at += 2 + number % 3
        elif number % 12 == 0:
            dissolves.append(at)
            app._dissolve(timeline, at, 1, 1)
        # Clips 3, 8, 13, ... get versions. Some of them are retimed, and some of those have another
        # rate than the timeline.
        speed = {1: Fraction(2), 3: Fraction(1, 2), 8: Fraction(2)}.get(number % 20, Fraction(1))
        first = 4 + number * 7 % 200
        item = app._cut_in(timeline, plates[which - 1], at, duration, first, speed=speed)
        rate = rates[which - 1]
        clips.append(PlannedClip(which, at, duration, first, speed, item, rate, timeline._rate))
        at += duration
    settings = Settings.model_validate(
        {"work": {"handles": HANDLES}, "client": {"state_dir": folder / "state"}}
    )
    host = ResolveHost(settings, lambda: app)
    yield GeneratedReel(app, timeline, host, clips, dissolves, folder)
    host.close()


def version(shot: Shot, planned: PlannedClip, which: int, folder: Path, pattern: str) -> Version:
    """Write a version with the plate's timecode, and ``which`` as its movie number."""
    span = shot.work_range
    inside = range(span.first - planned.rate.zero, span.last + 1 - planned.rate.zero)
    if pattern == MOVIES:
        write_movie(folder / MOVIES, which, inside, planned.rate)
    else:
        write_exrs(folder, which, inside, planned.rate)
    at = DecisionRecord(
        status=ReviewStatus.APPROVED,
        by="Ada",
        at="2026-11-01T09:00:00Z",  # type: ignore[arg-type]
    )
    return Version(
        id=f"id-{which}",
        shot=shot.id,
        service="upscale",
        job_id="j",
        folder=str(folder),
        frames=tuple(span.frames()),
        outputs=(
            ResultOutput(
                name="main",
                pattern=pattern,
                range=span,
                colour_space=shot.plate.colour_space or "ACEScg",
                width=WIDTH,
                height=HEIGHT,
                channels=("R", "G", "B"),
                depth="uint8" if pattern == MOVIES else "half",
            ),
        ),
        proxies=Proxies(pattern="p.%d.jpg", width=64, height=36, display="sRGB", view="ACES"),
        created=at.at,
        requested_by="Ada",
        number=1,
        status=ReviewStatus.APPROVED,
        decisions=(at,),
    )


def versions(reel: GeneratedReel, shots: tuple[HostShot, ...], pattern: str) -> dict[str, Version]:
    """Versions by the clips' item ids."""
    library = reel.folder / pattern.rpartition(".")[2] / "library"
    return {
        shots[index].item_id: version(
            shots[index].shot, reel.clips[index], which, library / str(index) / "v001", pattern
        )
        for index, which in reel.numbers.items()
    }


def with_versions(reel: GeneratedReel, pattern: str) -> tuple[Path, Path]:
    """Paths of the cut with approved versions of some clips, and of its export for Resolve."""
    scene = reel.host.scene()
    assert scene.cut is not None
    placed = {
        handle: [PlacedVersion(made)]
        for handle, made in versions(reel, scene.shots, pattern).items()
    }
    ours, for_resolve = (reel.folder / f"{name}{pattern[-3:]}.otio" for name in ("with", "for"))
    write_versions(scene.cut.path, placed, ours)
    report = export_timeline(ours, for_resolve, "resolve")
    short = [
        warning
        for warning in report.warnings
        if "not all of the clip's source range" in warning.message
    ]
    retimed = {item.clip_name for item in scene.cut if not item.shot.retime.is_identity}
    assert {warning.clip_name for warning in short} <= retimed
    others = {warning.message for warning in report.warnings if warning not in short}
    assert others == {"only shotbridge:upscale:v001 was exported, without the plate"}
    return ours, for_resolve


@pytest.fixture(scope="module")
def movies(reel: GeneratedReel) -> tuple[Path, Path]:
    return with_versions(reel, MOVIES)


@pytest.fixture(scope="module")
def sequences(reel: GeneratedReel) -> tuple[Path, Path]:
    return with_versions(reel, EXR)


def ranges(shots: Mapping[str, Shot]) -> dict[str, object]:
    return {
        clip: (shot.cut_range, shot.record_range, shot.retime, shot.work_range)
        for clip, shot in shots.items()
    }


def test_the_reel_contains_all_kinds_of_clips(reel: GeneratedReel) -> None:
    with_version = [reel.clips[index] for index in reel.numbers]
    assert len({one.rate.exact for one in with_version}) >= 4
    retimed = [one for one in with_version if one.speed != 1]
    assert sum(one.rate.exact == one.timeline_rate for one in retimed) > 10
    assert sum(one.rate.exact != one.timeline_rate for one in retimed) > 10
    assert sum(one.exact for one in with_version) > 20


def test_every_range_is_read_exactly(reel: GeneratedReel) -> None:
    scene = reel.host.scene()
    assert scene.problems == ()
    assert len(scene.shots) == CLIPS
    for planned, host_shot in zip(reel.clips, scene.shots, strict=True):
        shot, rate, zero = host_shot.shot, planned.rate.exact, planned.rate.zero
        assert host_shot.item_id == planned.item._id
        assert shot.record_range == FrameRange.of(
            planned.start, planned.start + planned.duration - 1, planned.timeline_rate
        )
        assert shot.retime.speed == planned.speed
        assert shot.cut_range.rate == rate
        assert shot.cut_range.first == zero + planned.first
        shown = [planned.frame_at(r) for r in range(planned.start, planned.item._end)]
        assert shot.plate_frames() == [zero + frame for frame in shown]
        # Where the clip's frames are shorter than the timeline's, one more is shown at its end.
        end = planned.first + planned.duration / planned.timeline_rate * rate * planned.speed
        assert max(shown) <= shot.cut_range.last - zero < end
        assert shot.plate.range == FrameRange.of(zero, zero + MOVIE - 1, rate)
    # A dissolve shows one more frame on both sides than the cut range.
    at_dissolves = [s.shot for s in scene.shots if s.shot.record_range.first in reel.dissolves]
    assert len(at_dissolves) == len(reel.dissolves) > 20
    assert all(shot.head_handle >= HANDLES + 1 for shot in at_dissolves)


@pytest.mark.parametrize(
    ("reel", "form"),
    [("25", "movies"), ("25", "sequences"), ("29.97 DF", "sequences")],
    indirect=["reel"],
)
def test_every_range_is_imported_exactly(
    reel: GeneratedReel, form: str, request: pytest.FixtureRequest
) -> None:
    ours_path, for_resolve = request.getfixturevalue(form)
    assert reel.app._project is not None
    pool = reel.app._project._pool
    timeline = pool.ImportTimelineFromFile(str(for_resolve), {"timelineName": "Reel 1 v002"})
    assert timeline is not None
    try:
        clips = [item for item in timeline._items if item._kind == "clip"]
        dissolves = [item for item in timeline._items if item._kind == "transition"]
        assert [item._start + 1 for item in dissolves] == reel.dissolves
        for index, (planned, item) in enumerate(zip(reel.clips, clips, strict=True)):
            assert (item._start, item._duration) == (planned.start, planned.duration)
            assert item._speed == planned.speed
            media = item._take.item._media
            assert media.rate == planned.rate.exact
            assert media.start + item._take.start - planned.rate.zero == planned.first
            assert ("library" in media.path) == (index in reel.numbers)

        scene = reel.host.scene()
        assert scene.cut is not None
        original = read_cut(ours_path)
        recognised = match_returned_clips(scene.cut, original)
        was = [item.clip_id for item in original]
        assert [recognised.get(shot.item_id) for shot in scene.shots] == was
        ours = {item.clip_id: item.shot for item in original}
        for host_shot in scene.shots:
            before = ours[recognised[host_shot.item_id]]
            assert host_shot.shot.cut_range == before.cut_range
            assert host_shot.shot.record_range == before.record_range
            assert host_shot.shot.retime == before.retime
    finally:
        pool.DeleteTimelines([timeline])
        reel.app._project._current = reel.timeline


def test_every_range_is_exact_when_versions_are_placed_as_takes(reel: GeneratedReel) -> None:
    before = reel.host.scene()
    placed = versions(reel, before.shots, EXR)
    placements = [Placement(handle, made) for handle, made in placed.items()]
    try:
        for _ in range(2):  # the second time, everything is placed already
            reel.host.place(placements)
            for index, (planned, host_shot) in enumerate(
                zip(reel.clips, before.shots, strict=True)
            ):
                item, made = planned.item, placed.get(host_shot.item_id)
                assert (item._start, item._duration) == (planned.start, planned.duration)
                assert len(item._takes) == (2 if made else 1)
                media = item._take.item._media
                assert ("library" in media.path) == (index in reel.numbers)
                assert media.rate == planned.rate.exact
                assert media.start + item._take.start == planned.rate.zero + planned.first
                if made:
                    shown = item._take.end - item._take.start
                    assert shown == host_shot.shot.cut_range.count
        after = reel.host.scene()
        assert after.problems == ()
        was, now = (ranges({s.item_id: s.shot for s in one.shots}) for one in (before, after))
        assert now == was
        assert {s.item_id: s.active_version_id for s in after.shots if s.active_version_id} == {
            handle: made.id for handle, made in placed.items()
        }
    finally:
        for planned in reel.clips:
            while len(planned.item._takes) > 1:
                planned.item.DeleteTakeByIndex(2)
            planned.item._markers.clear()


@pytest.mark.skipif(bool(melt.missing_reason()), reason=melt.missing_reason())
@pytest.mark.parametrize("reel", ["25"], indirect=True)
def test_another_editor_shows_the_right_frames(
    reel: GeneratedReel, movies: tuple[Path, Path], tmp_path: Path
) -> None:
    shown = melt.render_frames(movies[1], tmp_path, width=WIDTH, height=HEIGHT)
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
            which = reel.numbers.get(index, planned.which)
            wanted = planned.frame_at(record)
            decoded_frame = decode_picture(picture)
            assert decoded_frame is not None, f"black at {record}, wanted {which}:{wanted}"
            if planned.exact:
                assert decoded_frame == (which, wanted), f"at {record}"
                worst = min(worst, melt.psnr(picture, coded_picture(which, wanted)))
            else:
                # Rounding of rates and speeds differs between readers, by up to one frame.
                assert decoded_frame[0] == which
                assert abs(decoded_frame[1] - wanted) <= 1, f"at {record}"
    assert worst > 30
    assert len(black) > 100  # the gaps
    assert all(shown[record - zero].max() < 30 for record in black)
