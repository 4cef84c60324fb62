"""Placing versions in a copy of the timeline, made by OTIO export and import."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from resolve_sample_project import import_plate, render_state

from bridge_core.errors import HostError
from bridge_core.hosts.base import Placement
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.versions import ReviewStatus

NEW = "Reel 1 with versions"


def project_state(sample: Any) -> object:
    tracks = sample.timeline._tracks["video"]
    clips = [
        [(i._start, i._duration, len(i._takes), dict(i._markers)) for i in t.items] for t in tracks
    ]
    return render_state(sample.app), clips, [one._media.path for one in sample.app._all_media()]


def new_timelines(sample: Any) -> list[Any]:
    return [one for one in sample.project._timelines if one is not sample.timeline]


def shown(timeline: Any, item: Any) -> list[float]:
    frames = range(item._start, item._end)
    return [float(timeline._picture(frame)[0, 0, 0]) for frame in frames]


def test_versions_are_placed_in_a_copy_of_the_timeline(sample: Any, tmp_path: Path) -> None:
    fast = import_plate(sample.app, tmp_path / "fast", "CD_0010", range(1, 41))
    item = sample.app._cut_in(sample.timeline, fast, 95000, 10, 8, speed=Fraction(2))
    items = [sample.items[0], sample.items[2], item]
    shots = {shot.item_id: shot for shot in sample.host.scene().shots}
    wanted = [shots[one._id] for one in items]
    before = project_state(sample)
    versions = [sample.version(shot) for shot in wanted]
    pending = sample.version(shots[sample.items[1]._id], 1, ReviewStatus.PENDING)
    note = Note(
        id="n-1",
        version_id=versions[0].id,
        text="brighter",
        by="Ada",
        at=versions[0].created,
        frames=FrameRange.of(1005, 1006, 25),
    )
    placements = [
        Placement(shot.item_id, version, mode_id="timeline", notes=(note,) if not at else ())
        for at, (shot, version) in enumerate(zip(wanted, versions, strict=True))
    ]
    placements.append(Placement(sample.items[1]._id, pending, mode_id="timeline"))
    message = sample.host.place(placements).message
    assert f"4 versions placed in the new timeline {NEW}, without" in message
    assert "Text+" in message

    (new,) = new_timelines(sample)
    assert sample.project._current is sample.timeline, "the user's timeline is open"
    assert project_state(sample)[1] == before[1], "and unchanged"  # type: ignore[index]
    twins = {one._start: one for one in new._tracks["video"][0].items}
    for one in items:
        twin = twins[one._start]
        assert twin._duration == one._duration
        assert twin.GetSelectedTakeIndex() == 2
        assert "library" in twin._take.item._media.path
    for one in (sample.items[0], item):
        assert shown(new, twins[one._start]) == shown(sample.timeline, one), "the same frames"
    assert twins[sample.items[1]._start].GetSelectedTakeIndex() == 1, (
        "a pending version is not shown"
    )

    sample.project._current = new
    found = {one.shot.record_range.first: one for one in sample.host.scene().shots}
    for shot, version in zip(wanted, versions, strict=True):
        again = found[shot.shot.record_range.first]
        kept = {"clip_id": again.item_id, "plate": again.shot.plate}
        assert again.shot == shot.shot.model_copy(update=kept)
        assert again.shot.plate.range == shot.shot.plate.range
        assert again.needs_render or again.shot.plate == shot.shot.plate, "the editor's media"
        assert (again.placed_version_ids, again.active_version_id) == ((version.id,), version.id)
    assert sample.host.notes() == (), "notes of the gateway are not reported"


def test_existing_markers_are_not_duplicated(sample: Any) -> None:
    """The import drops the data of our markers; a person's marker is kept."""
    shot, item = sample.shot(), sample.items[0]
    version = sample.version(shot)
    placed_note = Note(
        id="n-1", version_id=version.id, text="brighter", by="Ada", at=version.created
    )
    sample.place(shot, version, notes=(placed_note,))
    assert item.AddMarker(7, "Blue", "", "too dark", 1)
    sample.place(sample.shot(), version, notes=(placed_note,), mode_id="timeline")
    (new,) = new_timelines(sample)
    (twin,) = [one for one in new._items if one._start == item._start]
    known, again = ([m["note"] for _, m in sorted(one._markers.items())] for one in (item, twin))
    assert again == known == ["", "brighter", "too dark"]
    sample.project._current = new
    assert [one.text for one in sample.host.notes()] == ["too dark"]


def test_each_placement_creates_a_new_timeline(sample: Any) -> None:
    shot = sample.shot()
    for _ in range(2):
        sample.place(shot, sample.version(shot), mode_id="timeline")
    assert [one._name for one in new_timelines(sample)] == [NEW, f"{NEW} 2"]


@pytest.mark.parametrize(
    "call", ["MediaPool.ImportTimelineFromFile", "TimelineItem.AddTake", "TimelineItem.AddMarker"]
)
def test_a_failed_call_leaves_no_timeline(sample: Any, call: str) -> None:
    shot = sample.shot()
    version = sample.version(shot)
    before = project_state(sample)
    sample.app._refused.add(call)
    with pytest.raises(HostError, match="Resolve did not") as error:
        sample.place(shot, version, mode_id="timeline")
    assert error.value.next_step
    assert project_state(sample) == before


@pytest.mark.parametrize("wrong", ["place", "frames"])
def test_an_import_that_differs_from_the_export(
    sample: Any, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    kind = type(sample.project._pool)
    import_ = kind.ImportTimelineFromFile

    def shifts(self: Any, *given: Any) -> Any:
        made = import_(self, *given)
        clip = made._tracks["video"][0].items[0]
        if wrong == "place":
            clip._start += 1
        else:
            clip._takes[0].start += 1
        return made

    monkeypatch.setattr(kind, "ImportTimelineFromFile", shifts)
    shot = sample.shot()
    version = sample.version(shot)
    before = project_state(sample)
    with pytest.raises(HostError, match="has not imported AB_0010") as error:
        sample.place(shot, version, mode_id="timeline")
    assert "V1, frame 90000" in error.value.where
    assert project_state(sample) == before


def test_a_new_timeline_cannot_be_mixed_with_other_modes(sample: Any) -> None:
    shot, other = sample.shot(0), sample.shot(1)
    before = project_state(sample)
    with pytest.raises(HostError, match="all together"):
        sample.host.place(
            [
                Placement(shot.item_id, sample.version(shot), mode_id="timeline"),
                Placement(other.item_id, sample.version(other), mode_id="take"),
            ]
        )
    assert project_state(sample) == before
