"""The diff of two cuts: added, removed, moved, retrimmed, retimed, replaced, unchanged."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import opentimelineio as otio
import pytest
from sample_versions import version_of

from bridge_core.models.versions import Version
from bridge_core.timeline.cut import Cut
from bridge_core.timeline.cut_reader import read_cut
from bridge_core.timeline.diff import ChangeKind, CutDiff, diff_cuts
from bridge_core.timeline.version_lookup import find_versions
from bridge_core.timeline.version_writer import PlacedVersion, write_versions


def kinds_by_name(changes: CutDiff) -> dict[str, set[str]]:
    return {
        (change.new or change.old).clip_name: {kind.value for kind in change.kinds}
        for change in changes.changes
    }


def diff_of(kit: Any, old: list[Any], new: list[Any]) -> CutDiff:
    before = kit.write(kit.timeline([item.clone() for item in old]), "old.otio")
    after = kit.write(kit.timeline([item.clone() for item in new]), "new.otio")
    return diff_cuts(read_cut(before), read_cut(after))


def test_nothing_changed(kit: Any) -> None:
    items = [kit.clip("a"), kit.gap(4), kit.clip("b")]
    assert kinds_by_name(diff_of(kit, items, items)) == {"a": {"unchanged"}, "b": {"unchanged"}}


def test_added_and_removed(kit: Any) -> None:
    a, b = kit.clip("a"), kit.clip("b")
    assert kinds_by_name(diff_of(kit, [a], [b])) == {"b": {"added"}, "a": {"removed"}}


def test_moved(kit: Any) -> None:
    a, b, c = (kit.clip(name) for name in "abc")
    assert kinds_by_name(diff_of(kit, [a, b, c], [b, a, c])) == {
        "b": {"moved"},
        "a": {"moved"},
        "c": {"unchanged"},
    }


def test_retrimmed_at_either_end(kit: Any) -> None:
    diff = diff_of(
        kit,
        [kit.clip("a"), kit.clip("b")],
        [kit.clip("a", source=(8, 47)), kit.gap(1), kit.clip("b", source=(7, 49))],
    )
    assert kinds_by_name(diff) == {"a": {"retrimmed"}, "b": {"retrimmed"}}
    assert "plate frames 1009-1056 are now 1009-1055" in str(diff.of_kind(ChangeKind.RETRIMMED)[0])
    assert diff.of_kind(ChangeKind.RETRIMMED)[0].needs_sending


def test_slipped_within_its_media(kit: Any) -> None:
    assert kinds_by_name(diff_of(kit, [kit.clip("a")], [kit.clip("a", source=(10, 48))])) == {
        "a": {"retrimmed"}
    }


def test_retimed(kit: Any) -> None:
    fast = kit.clip("a", source=(8, 24))
    fast.effects.append(otio.schema.LinearTimeWarp(time_scalar=2))
    diff = diff_of(kit, [kit.clip("a", source=(8, 24))], [fast])
    assert kinds_by_name(diff) == {"a": {"retimed", "retrimmed"}}


def test_media_replaced(kit: Any) -> None:
    again = kit.clip("a", kit.sequence("a_rescan"))
    assert kinds_by_name(diff_of(kit, [kit.clip("a")], [again])) == {"a": {"media replaced"}}


def test_a_dissolve_that_needs_more_frames(kit: Any) -> None:
    dissolve = otio.schema.Transition(
        in_offset=otio.opentime.RationalTime(6, 24), out_offset=otio.opentime.RationalTime(6, 24)
    )
    a, b = kit.clip("a"), kit.clip("b")
    assert kinds_by_name(diff_of(kit, [a, b], [a, dissolve, b])) == {
        "a": {"retrimmed"},
        "b": {"retrimmed"},
    }


def test_of_equal_clips_those_at_the_same_position_are_unchanged(kit: Any) -> None:
    x = kit.clip("x")
    diff = diff_of(kit, [x, kit.gap(52), x, kit.gap(52), x], [kit.gap(100), x, kit.gap(52), x])
    assert [sorted(change.kinds) for change in diff.changes] == [
        ["unchanged"],
        ["unchanged"],
        ["removed"],
    ]
    assert diff.of_kind(ChangeKind.REMOVED)[0].old.shot.record_range.first == 0


def test_two_parts_of_one_clip_are_distinguished_by_their_frames(kit: Any) -> None:
    media = kit.sequence("long", available=(0, 200))
    one, two = kit.clip("x", media, (10, 20)), kit.clip("x", media, (100, 20))
    longer = kit.clip("x", media, (98, 24))
    diff = diff_of(kit, [one, two], [longer, one])
    by_first = {change.new.shot.cut_range.first: change for change in diff.changes}
    assert by_first[1099].old.shot.cut_range.first == 1101
    assert by_first[1099].kinds == {ChangeKind.RETRIMMED, ChangeKind.MOVED}
    assert by_first[1011].kinds == {ChangeKind.MOVED}


def test_matched_on_another_machine_and_without_names(kit: Any) -> None:
    local = kit.clip("a", kit.external("file:///show/sc/a.[1001-1064].exr", available=(86400, 64)))
    local.source_range = kit.range(86408, 48)
    remote = kit.clip("Clip 1", kit.external("Z:\\show\\sc\\a.1001.exr", available=(1001, 64)))
    remote.source_range = kit.range(1009, 48)
    assert kinds_by_name(diff_of(kit, [local], [remote])) == {"Clip 1": {"unchanged"}}


def test_a_movie_counted_from_zero_and_from_timecode(kit: Any) -> None:
    by_timecode = kit.clip("a", kit.external("/m/a.mov", available=(86400, 64)), (86408, 48))
    from_zero = kit.clip("a", kit.external("/m/a.mov", available=(0, 64)), (8, 48))
    assert kinds_by_name(diff_of(kit, [by_timecode], [from_zero])) == {"a": {"unchanged"}}


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_cuts_neither_lose_nor_add_a_shot(kit: Any, seed: int) -> None:
    chance = random.Random(seed)
    media = kit.sequence("long", available=(0, 5000))
    items = [kit.clip(f"c{n % 7}", media, (chance.randrange(4000), 20)) for n in range(60)]
    shuffled = chance.sample(items, 50)
    diff = diff_of(kit, items, shuffled)
    assert len(diff.changes) == 60
    assert len(diff.of_kind(ChangeKind.REMOVED)) == 10
    assert not diff.of_kind(ChangeKind.ADDED)
    assert not diff.of_kind(ChangeKind.RETRIMMED)
    assert {change.old.clip_id for change in diff.changes if change.old} == {
        item.clip_id for item in read_cut(kit.folder / "old.otio")
    }
    assert str(diff) == str(diff_of(kit, items, shuffled))


def test_thousands_of_equal_clips_lose_the_right_one(kit: Any) -> None:
    black = kit.external("/m/black.mov", available=(0, 10))
    items = [kit.clip("black", black.clone(), (0, 10)) for _ in range(2000)]
    diff = diff_of(kit, items, items[1:])
    assert len(diff.of_kind(ChangeKind.REMOVED)) == 1
    assert len(diff.of_kind(ChangeKind.UNCHANGED)) == 1999


def _relinked(kit: Any, *folders: tuple[str, str]) -> dict[str, set[str]]:
    """The changes of clips whose plates move from the first folders to the second."""

    def clips(which: int) -> list[Any]:
        return [
            kit.clip(f"sh0{n}0", kit.external(f"{pair[which]}/exr/a.[1001-1064].exr", (0, 64)))
            for n, pair in enumerate(folders, 1)
        ]

    return kinds_by_name(diff_of(kit, clips(0), clips(1)))


def test_a_relocated_root_is_not_a_change(kit: Any) -> None:
    moved = [(f"/mnt/a/show/sh0{n}0/v001", f"Z:/show/sh0{n}0/v001") for n in (1, 2, 3)]
    assert set().union(*_relinked(kit, *moved).values()) == {"unchanged"}


def test_a_relink_below_a_relocated_root_is_a_change(kit: Any) -> None:
    diff = _relinked(
        kit,
        ("/mnt/a/sh010/v001", "/mnt/b/sh010/v001"),
        ("/mnt/a/sh020/v001", "/mnt/b/sh020/v002"),
        ("/mnt/a/sh030/v001", "/mnt/b/sh030/v001"),
    )
    assert diff == {"sh010": {"unchanged"}, "sh020": {"media replaced"}, "sh030": {"unchanged"}}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("old", "new"),
    [("/p/v001", "/p/v002"), ("/p/beauty_v1", "/p/beauty_v2"), ("/p/v001/a", "/p/v002/b")],
)
def test_a_version_folder_is_never_a_root(kit: Any, count: int, old: str, new: str) -> None:
    diff = _relinked(kit, *[(old, new)] * count)
    assert set().union(*diff.values()) == {"media replaced"}


def test_no_root_is_relocated_if_some_media_stays(kit: Any) -> None:
    diff = _relinked(kit, ("/p/a", "/p/a"), ("/p/b", "/p/d"))
    assert diff == {"sh010": {"unchanged"}, "sh020": {"media replaced"}}


def test_changes_are_described(kit: Any) -> None:
    movie = kit.external("/m/a.mov", available=(86400, 64))
    longer = kit.external("/m/a.mov", available=(86390, 74))
    slow = kit.clip("b", source=(8, 24))
    slow.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    diff = diff_of(
        kit,
        [kit.clip("a", movie, (86408, 40)), kit.clip("b", source=(8, 24))],
        [kit.clip("a", longer, (86408, 40)), slow],
    )
    one, two = (str(change).partition("; ")[2] for change in diff.changes)
    assert one == "frames 8-47 of the movie, counted from its first, are now 18-57"
    assert two == "plate frames 1009-1032 are now 1009-1020; speed 1 is now 0.5"


def _equal_plate_names(kit: Any, *names: str) -> list[Any]:
    """Clips with the same range of plates that are all named exr/plate."""
    return [kit.clip(n, kit.external(f"/show/{n[:5]}/exr/plate.[1001-1064].exr")) for n in names]


def test_plates_with_equal_names_are_matched_by_their_folders(kit: Any) -> None:
    """Their clip ids are numbered, so a stored one does not match a computed one of another cut."""
    path = kit.cut(*_equal_plate_names(kit, "sh010", "sh020"))
    placed = {item.clip_id: [PlacedVersion(version_of(item.shot))] for item in read_cut(path)}
    old = read_cut(write_versions(path, placed, kit.folder / "placed.otio").target)
    new = read_cut(kit.write(kit.timeline(_equal_plate_names(kit, "sh020", "sh010")), "new.otio"))
    assert kinds_by_name(diff_cuts(old, new)) == {"sh010": {"moved"}, "sh020": {"moved"}}
    assert [item.clip_id for item in new] == [item.clip_id for item in reversed(old.shots)]


class VersionListClient:
    """A client with one version for each shot of a cut."""

    def __init__(self, cut: Cut) -> None:
        self.shots = {item.shot.id.shot: item.shot for item in cut}

    def versions(self, *, show: str, sequence: str) -> list[Version]:
        versions = [
            version_of(shot).model_copy(update={"job_id": name})
            for name, shot in self.shots.items()
        ]
        return [v for v in versions if (v.shot.show, v.shot.sequence) == (show, sequence)]

    def job(self, job: str) -> Any:
        return SimpleNamespace(request=SimpleNamespace(shot=self.shots[job]))

    def notes(self, version: str) -> tuple[()]:
        return ()


def test_a_renamed_clip_gets_no_other_shots_versions(kit: Any) -> None:
    old = read_cut(kit.cut(*_equal_plate_names(kit, "sh010", "sh020", "sh030")))
    client = VersionListClient(old)
    after = read_cut(kit.cut(*_equal_plate_names(kit, "sh030", "sh020_hero")))
    result = find_versions(client, after)  # type: ignore[arg-type]
    # sh010 is removed, and sh020's clip now has the number that sh010's had.
    assert [one.version.shot.shot for placed in result.versions.values() for one in placed] == [
        "sh030"
    ]
    assert [item.clip_name for item in result.without_versions] == ["sh020_hero"]
    renamed = read_cut(kit.cut(*_equal_plate_names(kit, "sh010", "sh020_hero", "sh030")))
    result = find_versions(client, renamed)  # type: ignore[arg-type]
    assert {shot_id.shot for shot_id in result.renamed.values()} == {"sh020"}
