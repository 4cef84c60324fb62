"""Versions back into the timeline: which frames they show, what undoes them, what finds them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from resolve_timeline import TimelineItem
from resolve_worlds import camera_file, import_plate, placed, state_of

from bridge_core.errors import HostError, ShotbridgeError
from bridge_core.host import Placement
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import DecisionRecord, ReviewStatus

PENDING, APPROVED, REJECTED = ReviewStatus.PENDING, ReviewStatus.APPROVED, ReviewStatus.REJECTED


def shown(world, item) -> list[float]:
    """Brightness of each frame that the timeline shows where a clip stands: the plate's frame."""
    frames = range(item._start, item._end)
    return [round(float(world.timeline._picture(f)[0, 0, 0]) * 1000) for f in frames]


def told(world) -> object:
    items = [item for track in world.timeline._tracks["video"] for item in track.items]
    return (
        state_of(world.app),
        [track.name for track in world.timeline._tracks["video"]],
        [(i._start, i._duration, len(i._takes), i._selected, dict(i._markers)) for i in items],
        [folder._name for folder in world.project._pool._root._walk()],
        [media._media.path for media in world.app._all_media()],
    )


def note(version, *, frame: int | None = None, id: str = "n-1", text: str = "brighter") -> Note:  # noqa: A002
    frames = None if frame is None else FrameRange.of(frame, frame + 1, 25)
    at = version.created
    return Note(id=id, version=version.id, text=text, by="Ada", at=at, frames=frames)


@pytest.mark.parametrize("way", ["take", "track"])
def test_the_same_frames_are_shown(world, way: str) -> None:
    shot = world.shot()
    before = shown(world, world.items[0])
    words = world.place(shot, world.version(shot), place_as=way)
    assert "upscale v001 of AB_0010" in words
    assert shown(world, world.items[0]) == before
    media = world.items[0]._take.item if way == "take" else None
    if media is not None:
        assert "library" in media._media.path
    else:
        above = world.timeline._tracks["video"][1]
        assert above.name == "Shotbridge"
        assert (above.items[0]._start, above.items[0]._end) == (
            world.items[0]._start,
            world.items[0]._end,
        )


def test_versions_lie_in_a_bin_of_their_own_and_the_users_stays_open(world) -> None:
    pool = world.project._pool
    shot = world.shot()
    world.place(shot, world.version(shot))
    world.place(shot, world.version(shot), place_as="track")
    (ours,) = [folder for folder in pool._root._folders if folder._name == "Shotbridge"]
    assert len(ours._clips) == 1, "imported once"
    assert ours._clips[0]._told["Input Color Space"] == "ACEScg"
    assert pool._current is pool._root


def test_only_an_approved_version_is_selected(world) -> None:
    shot = world.shot()
    item = world.items[0]
    world.place(shot, world.version(shot, 1, PENDING))
    assert item.GetTakesCount() == 2
    assert item.GetSelectedTakeIndex() == 1
    assert world.shot().placed == ("id-AB_0010-1",)
    assert world.shot().in_use == ""
    world.place(shot, world.version(shot, 1, APPROVED))
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 2)
    assert world.shot().in_use == "id-AB_0010-1"
    world.place(shot, world.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 1, "the plate is back"


def test_of_several_the_one_approved_last_is_selected(world) -> None:
    shot = world.shot()
    one, two = world.version(shot, 1), world.version(shot, 2)
    later = DecisionRecord(status=APPROVED, by="Ada", at=two.created + timedelta(hours=1))
    one = one.model_copy(update={"decisions": (*one.decisions, later)})
    world.host.place([Placement(shot.handle, one), Placement(shot.handle, two)])
    assert world.shot().in_use == one.id
    assert world.shot().placed == (one.id, two.id)


def test_the_plate_stays_the_plate(world) -> None:
    """The shot's identity, ranges and files are the plate's, whichever take is selected."""
    before = world.host.scene()
    for number in (1, 2):
        world.place(before.shots[0], world.version(before.shots[0], number))
    after = world.host.scene()
    assert [shot.shot for shot in after.shots] == [shot.shot for shot in before.shots]
    assert [shot.handle for shot in after.shots] == [shot.handle for shot in before.shots]
    assert [item.media for item in after.cut] == [item.media for item in before.cut]


def test_a_movie_version_of_a_camera_file(world) -> None:
    """Numbers of a movie count in the plate's: its first frame stands at the plate's handle."""
    shot = world.shot(2)
    span = shot.shot.work_range
    version = world.version(shot, 1, span=span, pattern="main.mov")
    path = Path(version.folder) / "main.mov"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("mpeg4", rate=25, width=48, height=32, pix_fmt="yuv420p")
        for _ in range(span.count):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8), format="rgb24")
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    before = world.host.scene()
    world.place(shot, version)
    take = world.items[2]._take
    assert (take.start, take.end) == (2, 8), "behind the handle of two frames"
    assert take.item._told["Input Color Space"] == "Rec.709 Gamma 2.4", "as it was rendered"
    after = world.host.scene()
    assert [s.shot for s in after.shots] == [s.shot for s in before.shots]
    assert after.shots[2].in_use == version.id


@pytest.mark.parametrize("name", ["B001.mov", "B001.braw"])
def test_pictures_of_media_with_timecode(world, tmp_path: Path, name: str) -> None:
    """Their numbers have five digits, and Resolve tells them with as many."""
    media = camera_file(world.app, tmp_path / "camera", name)
    media._told["Video Codec"] = "Apple ProRes 422 HQ" if name.endswith(".mov") else "BRAW"
    item = world.app._cut_in(world.timeline, media, 95000, 6, 40)
    (shot,) = [one for one in world.host.scene().shots if one.handle == item._id]
    assert shot.to_render is name.endswith(".braw")
    for _ in range(2):
        world.place(shot, world.version(shot, 1, PENDING))
        assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 1)
    world.place(shot, world.version(shot, 1))
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 2)
    version = item._take.item._media
    assert version.path.endswith("main.[90038-90047].exr")
    assert 90038 + item._take.start == shot.shot.cut_range.first == 90040
    world.place(shot, world.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 1
    (ours,) = world.project._pool._root._folders
    assert len(ours._clips) == 1, "imported once"


def test_a_version_at_the_plates_rate_in_a_timeline_of_another(world, tmp_path: Path) -> None:
    plate = import_plate(world.app, tmp_path / "slow", "CD_0010", range(1, 49))
    assert plate.SetClipProperty("FPS", "24")
    item = world.app._cut_in(world.timeline, plate, 95000, 25, 12)
    before = shown(world, item)
    (shot,) = [s for s in world.host.scene().shots if s.handle == item._id]
    world.place(shot, world.version(shot))
    assert item._take.item._told["FPS"] == "24"
    assert shown(world, item) == before
    world.place(shot, world.version(shot, 2), place_as="track")
    assert shown(world, item) == before


def test_a_retimed_clip_keeps_its_retime(world, tmp_path: Path) -> None:
    plate = import_plate(world.app, tmp_path / "fast", "CD_0010", range(1, 41))
    item = world.app._cut_in(world.timeline, plate, 95000, 10, 8, speed=Fraction(2))
    before = shown(world, item)
    (shot,) = [s for s in world.host.scene().shots if s.handle == item._id]
    world.place(shot, world.version(shot))
    assert shown(world, item) == before
    with pytest.raises(HostError, match="retimed") as error:
        world.place(shot, world.version(shot), place_as="track")
    assert "as a take" in error.value.next_step


def test_a_second_version_above_goes_to_a_track_of_its_own(world) -> None:
    shot, other = world.shot(0), world.shot(1)
    world.place(shot, world.version(shot, 1), place_as="track")
    world.place(other, world.version(other, 1), place_as="track")
    world.place(shot, world.version(shot, 2), place_as="track")
    world.place(shot, world.version(shot, 2), place_as="track")
    tracks = world.timeline._tracks["video"]
    assert [len(track.items) for track in tracks[1:]] == [2, 1]
    assert world.shot().placed == ("id-AB_0010-1", "id-AB_0010-2")
    assert world.shot().in_use == "id-AB_0010-2"
    assert len(world.host.scene().shots) == 3, "versions are no shots"
    world.place(shot, world.version(shot, 3), place_as="track")
    assert len(tracks[3].items) == 1, "over the others"
    tracks[3].items.clear()
    tracks[2].items[0]._enabled = False
    assert world.shot().in_use == "id-AB_0010-1"
    tracks[2].items.clear()
    assert world.shot().placed == ("id-AB_0010-1",), "what an editor removes is gone"


def with_titles(world) -> TimelineItem:
    """A title over the first clip and another plate over the second, on the track above them."""
    title = TimelineItem(world.app, "Text+", world.items[0]._start, 6, [], kind="title")
    world.timeline.AddTrack("video")
    world.timeline._tracks["video"][1].put(title)
    media = world.items[1].GetMediaPoolItem()
    return world.app._cut_in(world.timeline, media, world.items[1]._start, 4, 3, track=2)


def test_a_version_lies_over_its_clip_and_under_the_titles(world) -> None:
    over = with_titles(world)
    shots = {shot.handle: shot for shot in world.host.scene().shots}
    wanted = [shots[one._id] for one in (world.items[0], over, world.items[1])]
    for _ in range(2):
        world.host.place([Placement(s.handle, world.version(s), place_as="track") for s in wanted])
        tracks = world.timeline._tracks["video"]
        assert [track.name for track in tracks] == [
            *("Video 1", "Shotbridge", "Video 2", "Shotbridge"),
        ]
        starts = [[item._start for item in track.items] for track in tracks[1:]]
        first, second = world.items[0]._start, world.items[1]._start
        assert starts == [[first, second], [first, second], [second]]
    assert [s.in_use for s in world.host.scene().shots if s.placed] == [
        world.version(s).id for s in (shots[world.items[0]._id], *wanted[2:], shots[over._id])
    ]


def test_a_resolve_that_adds_tracks_at_the_top_only(world, monkeypatch) -> None:
    kind = type(world.timeline)
    monkeypatch.setattr(kind, "AddTrack", lambda self, *_, add=kind.AddTrack: add(self, "video"))
    with_titles(world)
    before = told(world)
    shot = world.shot()
    with pytest.raises(HostError, match="would cover what lies over AB_0010") as error:
        world.place(shot, world.version(shot), place_as="track")
    assert "as a take" in error.value.next_step
    assert told(world) == before


@pytest.mark.parametrize("way", ["take", "track"])
def test_a_part_that_is_marked_meanwhile_is_in_nobodys_way(world, way: str) -> None:
    """In and Out say what is listed. What was sent before belongs to its clip all the same."""
    world.timeline._in_out = {"video": {"in": 0, "out": 5}}
    shot = world.shot()
    assert shot.handle == world.items[0]._id
    world.timeline._in_out = {"video": {"in": 11, "out": 16}}
    assert world.shot().handle == world.items[1]._id
    world.place(shot, world.version(shot), place_as=way)
    assert shot.handle in placed(world.timeline)


BOTH = ("MediaPool.AddSubFolder", "MediaPool.ImportMedia", "MediaPoolItem.SetClipProperty")
REFUSALS = [
    *((call, way) for call in (*BOTH, "TimelineItem.AddMarker") for way in ("take", "track")),
    ("TimelineItem.AddTake", "take"),
    ("TimelineItem.SelectTakeByIndex", "take"),
    ("Timeline.AddTrack", "track"),
    ("MediaPool.AppendToTimeline", "track"),
]


@pytest.mark.parametrize(("call", "way"), REFUSALS)
def test_whatever_fails_nothing_stays(world, call: str, way: str) -> None:
    shot, other = world.shot(0), world.shot(1)
    before = told(world)
    world.app._refused.add(call)
    with pytest.raises(HostError) as error:
        world.host.place(
            [
                Placement(shot.handle, world.version(shot), place_as=way),
                Placement(other.handle, world.version(other), place_as=way),
            ]
        )
    assert error.value.what.startswith("Resolve did not")
    assert told(world) == before


def test_a_refusal_halfway_takes_the_first_back(world) -> None:
    shot, other = world.shot(0), world.shot(1)
    gone = world.version(other)
    for path in Path(gone.folder).iterdir():
        path.unlink()
    before = told(world)
    with pytest.raises(HostError, match="import upscale v001") as error:
        world.host.place(
            [
                Placement(shot.handle, world.version(shot), notes=(note(world.version(shot)),)),
                Placement(other.handle, gone),
            ]
        )
    assert "files are there" in error.value.next_step
    assert told(world) == before


def test_a_take_that_would_move_the_clip_is_not_left_there(world, monkeypatch) -> None:
    kind = type(world.items[0])
    select = kind.SelectTakeByIndex

    def ripple(self, index: int) -> bool:
        self._duration += 1 if index > 1 else -1
        return select(self, index)

    monkeypatch.setattr(kind, "SelectTakeByIndex", ripple)
    before = told(world)
    shot = world.shot()
    with pytest.raises(HostError, match="would stand at") as error:
        world.place(shot, world.version(shot))
    assert "ripple" in error.value.next_step
    assert told(world) == before


def test_what_does_not_fit_is_told(world) -> None:
    shot = world.shot()
    short = world.version(shot, 1, span=FrameRange.of(1003, 1005, 25))
    with pytest.raises(HostError, match="holds frames 1003-1005"):
        world.place(shot, short)
    with pytest.raises(HostError, match="no pictures called 'matte'"):
        world.place(shot, world.version(shot), output="matte")
    with pytest.raises(ShotbridgeError):
        world.host.place([Placement("nobody", world.version(shot))])
    assert world.host.place([]).words


def test_markers_carry_notes_both_ways(world) -> None:
    shot = world.shot()
    version = world.version(shot)
    item = world.items[0]
    for _ in range(2):
        world.place(shot, version, notes=(note(version, frame=1005), note(version, id="n-2")))
    assert sorted(item._markers) == [2, 3, 4], "one each; the version's own, and two notes"
    assert [m["note"] for _, m in sorted(item._markers.items())] == ["", "brighter", "brighter"]
    assert item._markers[4]["duration"] == 2
    assert world.host.notes() == ()

    assert item.AddMarker(5, "Blue", "Marker 1", "", 1), "a marker that says nothing"
    assert item.AddMarker(6, "Blue", "too dark", "", 2)
    (written,) = world.host.notes()
    assert (written.text, written.version) == ("too dark", version.id)
    assert (written.frames.first, written.frames.last) == (1007, 1008)
    world.host.noted(written.key, note(version, id="n-3"))
    assert world.host.notes() == ()
    world.place(shot, version, notes=(note(version, id="n-3"),))
    assert len(item._markers) == 5, "the person's own marker stands for it"

    assert item.AddMarker(7, "Blue", "", "seen by a client", 1, "another tool's: 4711")
    assert world.host.notes() == (), "what another tool remembers is not ours to write over"


def test_a_note_whose_marker_is_gone(world) -> None:
    shot = world.shot()
    version = world.version(shot)
    world.place(shot, version, place_as="track")
    item = world.items[0]
    assert item.AddMarker(6, "Blue", "a", "too dark", 1)
    (written,) = world.host.notes()
    assert written.version == version.id
    item.DeleteMarkerAtFrame(6)
    with pytest.raises(HostError, match="frame 6"):
        world.host.noted(written.key, note(version))
    with pytest.raises(HostError, match="no clip"):
        world.host.noted("gone@6", note(version))


def test_a_person_s_own_takes_stay_his(world) -> None:
    """Another angle, selected by the editor, is what the shot's plate is then."""
    other = world.items[1].GetMediaPoolItem()
    item = world.items[0]
    assert item.AddTake(other, 2, 8)
    assert item.SelectTakeByIndex(2)
    shot = world.shot()
    assert "AB_0020" in shot.shot.plate.path
    world.place(shot, world.version(shot))
    assert item.GetSelectedTakeIndex() == 3
    assert placed(world.timeline)[item._id][-1].endswith("main.[1001-1010].exr")
    assert world.shot().shot == shot.shot, "it is still what the version was made of"
    assert world.shot().in_use == world.version(shot).id
    world.place(shot, world.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 2, "his own choice, and not the first"
    assert world.shot().shot == shot.shot


def test_media_that_were_linked_anew_are_the_plate_all_the_same(world, tmp_path: Path) -> None:
    shot = world.shot()
    world.place(shot, world.version(shot))
    item = world.items[0]
    moved = import_plate(world.app, tmp_path / "moved", "AB_0010", range(1001, 1011))
    item._takes[0].item = moved
    after = world.shot()
    assert str(tmp_path / "moved") in after.shot.plate.path
    assert after.in_use == world.version(shot).id
    world.place(after, world.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 1


def test_a_resolve_that_selects_every_new_take(world, monkeypatch) -> None:
    """Nobody knows whether AddTake selects: what is not approved is not shown in either case."""
    kind = type(world.items[0])
    add = kind.AddTake

    def selects_at_once(self, *args: object) -> bool:
        return add(self, *args) and self.SelectTakeByIndex(self.GetTakesCount())

    monkeypatch.setattr(kind, "AddTake", selects_at_once)
    shot = world.shot()
    world.place(shot, world.version(shot, 1, PENDING))
    assert world.items[0].GetSelectedTakeIndex() == 1
    world.place(shot, world.version(shot, 2, APPROVED))
    assert world.items[0].GetSelectedTakeIndex() == 3


def test_a_copy_of_a_clip_takes_its_takes_along_and_not_what_lies_above(world) -> None:
    shot, item = world.shot(), world.items[0]
    world.place(shot, world.version(shot, 1))
    world.place(shot, world.version(shot, 2), place_as="track")
    copy = world.app._cut_in(world.timeline, item._takes[0].item, 99000, item._duration, 2)
    copy._takes, copy._selected, copy._selector = list(item._takes), item._selected, True
    copy._markers = {at: dict(marker) for at, marker in item._markers.items()}
    found = {one.handle: one for one in world.host.scene().shots}
    assert found[item._id].placed == ("id-AB_0010-1", "id-AB_0010-2")
    assert found[copy._id].placed == ("id-AB_0010-1",)
    assert found[copy._id].in_use == "id-AB_0010-1"
