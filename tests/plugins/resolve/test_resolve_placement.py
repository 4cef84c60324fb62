"""Placing versions in the timeline: frames, reverting, and finding them again."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from resolve_sample_project import camera_file, import_plate, placed_versions, render_state
from resolve_timeline import TimelineItem

from bridge_core.errors import HostError, ShotbridgeError
from bridge_core.hosts.base import Placement
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import DecisionRecord, ReviewStatus

PENDING, APPROVED, REJECTED = ReviewStatus.PENDING, ReviewStatus.APPROVED, ReviewStatus.REJECTED


def shown(sample, item) -> list[float]:
    """Brightness of each frame at a clip's position, which is the plate's frame number."""
    frames = range(item._start, item._end)
    return [round(float(sample.timeline._picture(f)[0, 0, 0]) * 1000) for f in frames]


def project_state(sample) -> object:
    items = [item for track in sample.timeline._tracks["video"] for item in track.items]
    return (
        render_state(sample.app),
        [track.name for track in sample.timeline._tracks["video"]],
        [(i._start, i._duration, len(i._takes), i._selected, dict(i._markers)) for i in items],
        [folder._name for folder in sample.project._pool._root._walk()],
        [media._media.path for media in sample.app._all_media()],
    )


def note(version, *, frame: int | None = None, id: str = "n-1", text: str = "brighter") -> Note:  # noqa: A002
    frames = None if frame is None else FrameRange.of(frame, frame + 1, 25)
    at = version.created
    return Note(id=id, version_id=version.id, text=text, by="Ada", at=at, frames=frames)


@pytest.mark.parametrize("mode_id", ["take", "track"])
def test_the_same_frames_are_shown(sample, mode_id: str) -> None:
    shot = sample.shot()
    before = shown(sample, sample.items[0])
    message = sample.place(shot, sample.version(shot), mode_id=mode_id)
    assert "upscale v001 of AB_0010" in message
    assert shown(sample, sample.items[0]) == before
    media = sample.items[0]._take.item if mode_id == "take" else None
    if media is not None:
        assert "library" in media._media.path
    else:
        above = sample.timeline._tracks["video"][1]
        assert above.name == "Shotbridge"
        assert (above.items[0]._start, above.items[0]._end) == (
            sample.items[0]._start,
            sample.items[0]._end,
        )


def test_versions_are_in_their_own_bin_and_the_users_bin_stays_open(sample) -> None:
    pool = sample.project._pool
    shot = sample.shot()
    sample.place(shot, sample.version(shot))
    sample.place(shot, sample.version(shot), mode_id="track")
    (ours,) = [folder for folder in pool._root._folders if folder._name == "Shotbridge"]
    assert len(ours._clips) == 1, "imported once"
    assert ours._clips[0]._properties["Input Color Space"] == "ACEScg"
    assert pool._current is pool._root


def test_only_an_approved_version_is_selected(sample) -> None:
    shot = sample.shot()
    item = sample.items[0]
    sample.place(shot, sample.version(shot, 1, PENDING))
    assert item.GetTakesCount() == 2
    assert item.GetSelectedTakeIndex() == 1
    assert sample.shot().placed_version_ids == ("id-AB_0010-1",)
    assert sample.shot().active_version_id == ""
    sample.place(shot, sample.version(shot, 1, APPROVED))
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 2)
    assert sample.shot().active_version_id == "id-AB_0010-1"
    sample.place(shot, sample.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 1, "the plate is selected again"


def test_the_version_approved_last_is_selected(sample) -> None:
    shot = sample.shot()
    one, two = sample.version(shot, 1), sample.version(shot, 2)
    later = DecisionRecord(status=APPROVED, by="Ada", at=two.created + timedelta(hours=1))
    one = one.model_copy(update={"decisions": (*one.decisions, later)})
    sample.host.place([Placement(shot.item_id, one), Placement(shot.item_id, two)])
    assert sample.shot().active_version_id == one.id
    assert sample.shot().placed_version_ids == (one.id, two.id)


def test_the_shot_keeps_its_plate_whichever_take_is_selected(sample) -> None:
    """The shot has the plate's ranges and files, whichever take is selected."""
    before = sample.host.scene()
    for number in (1, 2):
        sample.place(before.shots[0], sample.version(before.shots[0], number))
    after = sample.host.scene()
    assert [shot.shot for shot in after.shots] == [shot.shot for shot in before.shots]
    assert [shot.item_id for shot in after.shots] == [shot.item_id for shot in before.shots]
    assert [item.media_key for item in after.cut] == [item.media_key for item in before.cut]


def test_a_movie_version_of_a_camera_file(sample) -> None:
    """A movie's first frame is the first frame of the plate's handle."""
    shot = sample.shot(2)
    span = shot.shot.work_range
    version = sample.version(shot, 1, span=span, pattern="main.mov")
    path = Path(version.folder) / "main.mov"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("mpeg4", rate=25, width=48, height=32, pix_fmt="yuv420p")
        for _ in range(span.count):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8), format="rgb24")
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    before = sample.host.scene()
    sample.place(shot, version)
    take = sample.items[2]._take
    assert (take.start, take.end) == (2, 8), "after the handle of two frames"
    assert take.item._properties["Input Color Space"] == "Rec.709 Gamma 2.4", "as it was rendered"
    after = sample.host.scene()
    assert [s.shot for s in after.shots] == [s.shot for s in before.shots]
    assert after.shots[2].active_version_id == version.id


@pytest.mark.parametrize("name", ["B001.mov", "B001.braw"])
def test_versions_of_media_with_timecode(sample, tmp_path: Path, name: str) -> None:
    """Their numbers have five digits, also in Resolve's paths."""
    media = camera_file(sample.app, tmp_path / "camera", name)
    media._properties["Video Codec"] = "Apple ProRes 422 HQ" if name.endswith(".mov") else "BRAW"
    item = sample.app._cut_in(sample.timeline, media, 95000, 6, 40)
    (shot,) = [one for one in sample.host.scene().shots if one.item_id == item._id]
    assert shot.needs_render is name.endswith(".braw")
    for _ in range(2):
        sample.place(shot, sample.version(shot, 1, PENDING))
        assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 1)
    sample.place(shot, sample.version(shot, 1))
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 2)
    version = item._take.item._media
    assert version.path.endswith("main.[90038-90047].exr")
    assert 90038 + item._take.start == shot.shot.cut_range.first == 90040
    sample.place(shot, sample.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 1
    (ours,) = sample.project._pool._root._folders
    assert len(ours._clips) == 1, "imported once"


def test_a_version_keeps_the_plates_rate_in_a_timeline_with_another(sample, tmp_path: Path) -> None:
    plate = import_plate(sample.app, tmp_path / "slow", "CD_0010", range(1, 49))
    assert plate.SetClipProperty("FPS", "24")
    item = sample.app._cut_in(sample.timeline, plate, 95000, 25, 12)
    before = shown(sample, item)
    (shot,) = [s for s in sample.host.scene().shots if s.item_id == item._id]
    sample.place(shot, sample.version(shot))
    assert item._take.item._properties["FPS"] == "24"
    assert shown(sample, item) == before
    sample.place(shot, sample.version(shot, 2), mode_id="track")
    assert shown(sample, item) == before


def test_a_retimed_clip_keeps_its_retime(sample, tmp_path: Path) -> None:
    plate = import_plate(sample.app, tmp_path / "fast", "CD_0010", range(1, 41))
    item = sample.app._cut_in(sample.timeline, plate, 95000, 10, 8, speed=Fraction(2))
    before = shown(sample, item)
    (shot,) = [s for s in sample.host.scene().shots if s.item_id == item._id]
    sample.place(shot, sample.version(shot))
    assert shown(sample, item) == before
    with pytest.raises(HostError, match="retimed") as error:
        sample.place(shot, sample.version(shot), mode_id="track")
    assert "as a take" in error.value.next_step


def test_a_second_version_above_gets_its_own_track(sample) -> None:
    shot, other = sample.shot(0), sample.shot(1)
    sample.place(shot, sample.version(shot, 1), mode_id="track")
    sample.place(other, sample.version(other, 1), mode_id="track")
    sample.place(shot, sample.version(shot, 2), mode_id="track")
    sample.place(shot, sample.version(shot, 2), mode_id="track")
    tracks = sample.timeline._tracks["video"]
    assert [len(track.items) for track in tracks[1:]] == [2, 1]
    assert sample.shot().placed_version_ids == ("id-AB_0010-1", "id-AB_0010-2")
    assert sample.shot().active_version_id == "id-AB_0010-2"
    assert len(sample.host.scene().shots) == 3, "versions are not shots"
    sample.place(shot, sample.version(shot, 3), mode_id="track")
    assert len(tracks[3].items) == 1, "above the others"
    tracks[3].items.clear()
    tracks[2].items[0]._enabled = False
    assert sample.shot().active_version_id == "id-AB_0010-1"
    tracks[2].items.clear()
    assert sample.shot().placed_version_ids == ("id-AB_0010-1",), "the editor removed it"


def with_titles(sample) -> TimelineItem:
    """A title above the first clip and another plate above the second, on the next track."""
    title = TimelineItem(sample.app, "Text+", sample.items[0]._start, 6, [], kind="title")
    sample.timeline.AddTrack("video")
    sample.timeline._tracks["video"][1].put(title)
    media = sample.items[1].GetMediaPoolItem()
    return sample.app._cut_in(sample.timeline, media, sample.items[1]._start, 4, 3, track=2)


def test_a_version_is_placed_above_its_clip_and_below_titles(sample) -> None:
    over = with_titles(sample)
    shots = {shot.item_id: shot for shot in sample.host.scene().shots}
    wanted = [shots[one._id] for one in (sample.items[0], over, sample.items[1])]
    for _ in range(2):
        sample.host.place(
            [Placement(s.item_id, sample.version(s), mode_id="track") for s in wanted]
        )
        tracks = sample.timeline._tracks["video"]
        assert [track.name for track in tracks] == [
            *("Video 1", "Shotbridge", "Video 2", "Shotbridge"),
        ]
        starts = [[item._start for item in track.items] for track in tracks[1:]]
        first, second = sample.items[0]._start, sample.items[1]._start
        assert starts == [[first, second], [first, second], [second]]
    assert [s.active_version_id for s in sample.host.scene().shots if s.placed_version_ids] == [
        sample.version(s).id for s in (shots[sample.items[0]._id], *wanted[2:], shots[over._id])
    ]


def test_a_resolve_that_only_adds_tracks_at_the_top(sample, monkeypatch) -> None:
    kind = type(sample.timeline)
    monkeypatch.setattr(kind, "AddTrack", lambda self, *_, add=kind.AddTrack: add(self, "video"))
    with_titles(sample)
    before = project_state(sample)
    shot = sample.shot()
    with pytest.raises(HostError, match="would cover the clips above AB_0010") as error:
        sample.place(shot, sample.version(shot), mode_id="track")
    assert "as a take" in error.value.next_step
    assert project_state(sample) == before


@pytest.mark.parametrize("mode_id", ["take", "track"])
def test_in_and_out_do_not_affect_placing(sample, mode_id: str) -> None:
    """In and Out limit the list only. Shots that were sent before can be placed."""
    sample.timeline._in_out = {"video": {"in": 0, "out": 5}}
    shot = sample.shot()
    assert shot.item_id == sample.items[0]._id
    sample.timeline._in_out = {"video": {"in": 11, "out": 16}}
    assert sample.shot().item_id == sample.items[1]._id
    sample.place(shot, sample.version(shot), mode_id=mode_id)
    assert shot.item_id in placed_versions(sample.timeline)


BOTH = ("MediaPool.AddSubFolder", "MediaPool.ImportMedia", "MediaPoolItem.SetClipProperty")
REFUSALS = [
    *(
        (call, mode_id)
        for call in (*BOTH, "TimelineItem.AddMarker")
        for mode_id in ("take", "track")
    ),
    ("TimelineItem.AddTake", "take"),
    ("TimelineItem.SelectTakeByIndex", "take"),
    ("Timeline.AddTrack", "track"),
    ("MediaPool.AppendToTimeline", "track"),
]


@pytest.mark.parametrize(("call", "mode_id"), REFUSALS)
def test_a_failed_call_reverts_everything(sample, call: str, mode_id: str) -> None:
    shot, other = sample.shot(0), sample.shot(1)
    before = project_state(sample)
    sample.app._refused.add(call)
    with pytest.raises(HostError) as error:
        sample.host.place(
            [
                Placement(shot.item_id, sample.version(shot), mode_id=mode_id),
                Placement(other.item_id, sample.version(other), mode_id=mode_id),
            ]
        )
    assert error.value.message.startswith("Resolve did not")
    assert project_state(sample) == before


def test_a_failed_placement_reverts_the_earlier_ones(sample) -> None:
    shot, other = sample.shot(0), sample.shot(1)
    gone = sample.version(other)
    for path in Path(gone.folder).iterdir():
        path.unlink()
    before = project_state(sample)
    with pytest.raises(HostError, match="import upscale v001") as error:
        sample.host.place(
            [
                Placement(shot.item_id, sample.version(shot), notes=(note(sample.version(shot)),)),
                Placement(other.item_id, gone),
            ]
        )
    assert "files exist" in error.value.next_step
    assert project_state(sample) == before


def test_a_take_that_moves_the_clip_is_reverted(sample, monkeypatch) -> None:
    kind = type(sample.items[0])
    select = kind.SelectTakeByIndex

    def ripple(self, index: int) -> bool:
        self._duration += 1 if index > 1 else -1
        return select(self, index)

    monkeypatch.setattr(kind, "SelectTakeByIndex", ripple)
    before = project_state(sample)
    shot = sample.shot()
    with pytest.raises(HostError, match="would move to") as error:
        sample.place(shot, sample.version(shot))
    assert "ripple" in error.value.next_step
    assert project_state(sample) == before


def test_what_does_not_fit_is_reported(sample) -> None:
    shot = sample.shot()
    short = sample.version(shot, 1, span=FrameRange.of(1003, 1005, 25))
    with pytest.raises(HostError, match="holds frames 1003-1005"):
        sample.place(shot, short)
    with pytest.raises(HostError, match="no output 'matte'"):
        sample.place(shot, sample.version(shot), output="matte")
    with pytest.raises(ShotbridgeError):
        sample.host.place([Placement("nobody", sample.version(shot))])
    assert sample.host.place([]).message


def test_notes_are_synchronised_with_markers(sample) -> None:
    shot = sample.shot()
    version = sample.version(shot)
    item = sample.items[0]
    for _ in range(2):
        sample.place(shot, version, notes=(note(version, frame=1005), note(version, id="n-2")))
    assert sorted(item._markers) == [2, 3, 4], "one marker for the version, and two for notes"
    assert [m["note"] for _, m in sorted(item._markers.items())] == ["", "brighter", "brighter"]
    assert item._markers[4]["duration"] == 2
    assert sample.host.notes() == ()

    assert item.AddMarker(5, "Blue", "Marker 1", "", 1), "a marker without text"
    assert item.AddMarker(6, "Blue", "too dark", "", 2)
    (written,) = sample.host.notes()
    assert (written.text, written.version_id) == ("too dark", version.id)
    assert (written.frames.first, written.frames.last) == (1007, 1008)
    sample.host.mark_note_synced(written.note_key, note(version, id="n-3"))
    assert sample.host.notes() == ()
    sample.place(shot, version, notes=(note(version, id="n-3"),))
    assert len(item._markers) == 5, "the person's marker is the note's marker"

    assert item.AddMarker(7, "Blue", "", "seen by a client", 1, "another tool's: 4711")
    assert sample.host.notes() == (), "markers with data of other tools are ignored"


def test_a_note_without_its_marker(sample) -> None:
    shot = sample.shot()
    version = sample.version(shot)
    sample.place(shot, version, mode_id="track")
    item = sample.items[0]
    assert item.AddMarker(6, "Blue", "a", "too dark", 1)
    (written,) = sample.host.notes()
    assert written.version_id == version.id
    item.DeleteMarkerAtFrame(6)
    with pytest.raises(HostError, match="frame 6"):
        sample.host.mark_note_synced(written.note_key, note(version))
    with pytest.raises(HostError, match="no clip"):
        sample.host.mark_note_synced("gone@6", note(version))


def test_the_editors_own_takes_are_kept(sample) -> None:
    """Another angle that the editor selected becomes the shot's plate."""
    other = sample.items[1].GetMediaPoolItem()
    item = sample.items[0]
    assert item.AddTake(other, 2, 8)
    assert item.SelectTakeByIndex(2)
    shot = sample.shot()
    assert "AB_0020" in shot.shot.plate.path
    sample.place(shot, sample.version(shot))
    assert item.GetSelectedTakeIndex() == 3
    assert placed_versions(sample.timeline)[item._id][-1].endswith("main.[1001-1010].exr")
    assert sample.shot().shot == shot.shot, "the version was made from it"
    assert sample.shot().active_version_id == sample.version(shot).id
    sample.place(shot, sample.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 2, "the editor's choice, not the first take"
    assert sample.shot().shot == shot.shot


def test_relinked_media_is_still_the_plate(sample, tmp_path: Path) -> None:
    shot = sample.shot()
    sample.place(shot, sample.version(shot))
    item = sample.items[0]
    moved = import_plate(sample.app, tmp_path / "moved", "AB_0010", range(1001, 1011))
    item._takes[0].item = moved
    after = sample.shot()
    assert str(tmp_path / "moved") in after.shot.plate.path
    assert after.active_version_id == sample.version(shot).id
    sample.place(after, sample.version(shot, 1, REJECTED))
    assert item.GetSelectedTakeIndex() == 1


def test_a_resolve_that_selects_new_takes(sample, monkeypatch) -> None:
    """Whether AddTake selects is not documented: unapproved versions are not shown either way."""
    kind = type(sample.items[0])
    add = kind.AddTake

    def selects_at_once(self, *args: object) -> bool:
        return add(self, *args) and self.SelectTakeByIndex(self.GetTakesCount())

    monkeypatch.setattr(kind, "AddTake", selects_at_once)
    shot = sample.shot()
    sample.place(shot, sample.version(shot, 1, PENDING))
    assert sample.items[0].GetSelectedTakeIndex() == 1
    sample.place(shot, sample.version(shot, 2, APPROVED))
    assert sample.items[0].GetSelectedTakeIndex() == 3


def test_a_copied_clip_has_its_takes_but_not_the_clips_above(sample) -> None:
    shot, item = sample.shot(), sample.items[0]
    sample.place(shot, sample.version(shot, 1))
    sample.place(shot, sample.version(shot, 2), mode_id="track")
    copy = sample.app._cut_in(sample.timeline, item._takes[0].item, 99000, item._duration, 2)
    copy._takes, copy._selected, copy._selector = list(item._takes), item._selected, True
    copy._markers = {at: dict(marker) for at, marker in item._markers.items()}
    found = {one.item_id: one for one in sample.host.scene().shots}
    assert found[item._id].placed_version_ids == ("id-AB_0010-1", "id-AB_0010-2")
    assert found[copy._id].placed_version_ids == ("id-AB_0010-1",)
    assert found[copy._id].active_version_id == "id-AB_0010-1"
