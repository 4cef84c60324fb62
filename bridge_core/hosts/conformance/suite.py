"""The tests of the suite, for the fixture ``subject``: a :class:`HostUnderTest`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge_core.errors import HostError, TimelineError
from bridge_core.hosts.base import Host, HostCapability, HostShot, Placement
from bridge_core.hosts.conformance import HostUnderTest, file_hashes, require, version
from bridge_core.models.frames import FrameRange
from bridge_core.models.notes import Note
from bridge_core.models.shots import Shot
from bridge_core.models.versions import Version

AT = datetime(2026, 11, 1, 9, tzinfo=UTC)

#: A call for each capability, which fails without it.
CALLS: dict[HostCapability, Callable[[Host], object]] = {
    HostCapability.WATCH: lambda host: host.watch(lambda: None),
    HostCapability.OPEN: lambda host: host.open_cut(Path("nothing.otio")),
    HostCapability.PLACE: lambda host: host.place([]),
    HostCapability.PLAYHEAD: lambda host: host.current_frame(),
    HostCapability.RENDER: lambda host: list(host.render("A", Path("nowhere"))),
    HostCapability.NOTES: lambda host: host.notes(),
}


def test_it_has_a_title_and_capabilities(subject: HostUnderTest) -> None:
    assert subject.host.title.strip()
    assert subject.host.capabilities <= set(HostCapability)
    assert subject.host.capabilities == subject.host.capabilities


@pytest.mark.parametrize("capability", list(CALLS))
def test_unsupported_calls_raise_a_host_error(
    subject: HostUnderTest, capability: HostCapability
) -> None:
    if capability in subject.host.capabilities:
        pytest.skip("supported")
    with pytest.raises(HostError) as excinfo:
        CALLS[capability](subject.host)
    assert capability.value in excinfo.value.message
    assert excinfo.value.next_step


def test_its_shots_are_unique_and_can_be_sent(subject: HostUnderTest) -> None:
    scene = subject.host.scene()
    assert len(scene.shots) == subject.shots
    assert not scene.is_selection or HostCapability.SELECTION in subject.host.capabilities
    assert len({shot.item_id for shot in scene.shots}) == subject.shots
    assert scene.title
    for item in scene.shots:
        shot = item.shot
        assert shot.id.show == scene.show
        assert shot.plate.range.contains_range(shot.work_range)
        if item.needs_render:
            assert HostCapability.RENDER in subject.host.capabilities
            assert shot.plate.colour_space
            continue
        assert Path(shot.plate.path_at(shot.cut_range.first)).is_absolute()
        for frame in shot.work_range.frames():
            assert Path(shot.plate.path_at(frame)).is_file()


def test_what_cannot_be_sent_is_reported_with_a_next_step(subject: HostUnderTest) -> None:
    scene = subject.host.scene()
    skipped = [problem for problem in scene.problems if problem.skipped]
    assert len(skipped) == subject.problems
    item_ids = {shot.item_id for shot in scene.shots}
    for problem in scene.problems:
        assert problem.message
        assert problem.next_step
        assert problem.item_id in {"", *item_ids}


def test_a_scene_has_a_cut_if_the_host_has_that_capability(subject: HostUnderTest) -> None:
    scene = subject.host.scene()
    assert (scene.cut is not None) == (HostCapability.CUT in subject.host.capabilities)
    if scene.cut is not None:
        assert {item.clip_id for item in scene.cut} == {shot.item_id for shot in scene.shots}


def test_reading_the_scene_twice_gives_the_same_and_changes_nothing(subject: HostUnderTest) -> None:
    before = file_hashes(subject.plates)
    assert subject.host.scene() == subject.host.scene()
    assert file_hashes(subject.plates) == before


def test_an_empty_host_has_no_shots(subject: HostUnderTest) -> None:
    assert subject.empty.scene().shots == ()


def test_another_cut_is_opened_or_the_old_one_stays_open(subject: HostUnderTest) -> None:
    require(subject, HostCapability.OPEN)
    assert subject.other is not None
    before = subject.host.scene()
    broken = subject.other.with_name("broken.otio")
    broken.write_text("this is no timeline")
    for path in (broken, subject.other.with_name("gone.otio")):
        with pytest.raises(TimelineError):
            subject.host.open_cut(path)
        assert subject.host.scene() == before
    subject.host.open_cut(subject.other)
    assert len(subject.host.scene().shots) == 1


def test_versions_are_placed_once_and_nothing_else_changes(subject: HostUnderTest) -> None:
    require(subject, HostCapability.PLACE)
    assert subject.placed is not None
    scene = subject.host.scene()
    plates = file_hashes(subject.plates)
    cut = scene.cut.path.read_bytes() if scene.cut is not None else b""
    first, second = scene.shots[:2]
    made = subject.host.place([Placement(first.item_id, version(subject, first.shot, 1))])
    assert made.message
    local = version(subject, first.shot, 2, local_folder="here/v002")
    for _ in range(2):
        subject.host.place(
            [
                Placement(first.item_id, local, subject.library / "here/v002"),
                Placement(second.item_id, version(subject, second.shot, 1)),
            ]
        )
    placed = subject.placed()
    assert [Path(path).parent for path in placed[first.item_id]] == [
        subject.library / first.shot.id.shot / "v001",
        subject.library / "here/v002",
    ]
    assert len(placed[second.item_id]) == 1
    assert file_hashes(subject.plates) == plates
    if scene.cut is not None:
        assert scene.cut.path.read_bytes() == cut
    after = {item.item_id: item for item in subject.host.scene().shots}
    assert list(after) == [s.item_id for s in scene.shots]
    # The standalone host writes a new cut; the open one has no versions.
    if after[first.item_id].placed_version_ids:
        ids = (version(subject, first.shot, 1).id, local.id)
        assert after[first.item_id].placed_version_ids == ids
        assert after[first.item_id].active_version_id == local.id


def test_every_placement_mode_works(subject: HostUnderTest) -> None:
    require(subject, HostCapability.PLACE)
    assert subject.placed is not None
    modes = subject.host.placement_modes
    assert len({mode.id for mode in modes}) == len(modes)
    assert all(mode.title for mode in modes)
    item = subject.host.scene().shots[0]
    for number, mode in enumerate(modes, 1):
        made = version(subject, item.shot, number)
        assert subject.host.place([Placement(item.item_id, made, mode_id=mode.id)]).message
    assert len(subject.placed().get(item.item_id, [])) == len(modes)


def _of_another_shot(item_id: str, made: Version, **names: str) -> Placement:
    return Placement(item_id, made.model_copy(update={"shot": made.shot.model_copy(update=names)}))


def _with_frames(item_id: str, made: Version, first: int, rate: int) -> Placement:
    """With outputs from the frame at index ``first`` on, at another ``rate``."""
    frames = FrameRange.of(made.frames[first], made.frames[-1], rate)
    outputs = tuple(output.model_copy(update={"range": frames}) for output in made.outputs)
    return Placement(item_id, made.model_copy(update={"outputs": outputs}))


@pytest.mark.parametrize(
    ("misfit", "message"),
    [
        (lambda item, made: _of_another_shot(item, made, shot="other"), "was made for"),
        (lambda item, made: _of_another_shot(item, made, show="other"), "was made for other/"),
        (lambda item, made: _with_frames(item, made, 0, 30), "has 30 frames per second, the plate"),
        (lambda item, made: _with_frames(item, made, -1, 25), "the cut shows"),
        (lambda item, made: Placement(item, made, output="depth"), "has no output 'depth'"),
        (lambda item, made: Placement(item, made, mode_id="sideways"), "mode 'sideways'"),
        (lambda item, made: Placement("no-such-item", made), "no-such-item"),
    ],
)
def test_a_version_that_does_not_fit_is_refused_and_changes_nothing(
    subject: HostUnderTest, misfit: Callable[[str, Version], Placement], message: str
) -> None:
    require(subject, HostCapability.PLACE)
    assert subject.placed is not None
    first, second = subject.host.scene().shots[:2]
    fitting = Placement(second.item_id, version(subject, second.shot, 1))
    refused = misfit(first.item_id, version(subject, first.shot, 2))
    before = (subject.placed(), subject.state())
    with pytest.raises(HostError) as excinfo:
        subject.host.place([fitting, refused])
    assert message in excinfo.value.message
    assert excinfo.value.where
    assert excinfo.value.next_step
    assert (subject.placed(), subject.state()) == before


def test_watching_can_be_stopped_twice(subject: HostUnderTest) -> None:
    require(subject, HostCapability.WATCH)
    ended = subject.host.watch(lambda: None)
    ended()
    ended()


def shot_to_render(subject: HostUnderTest) -> HostShot:
    require(subject, HostCapability.RENDER)
    return next(item for item in subject.host.scene().shots if item.needs_render)


def test_a_shot_without_a_plate_is_rendered_and_nothing_else_changes(
    subject: HostUnderTest, tmp_path: Path
) -> None:
    item = shot_to_render(subject)
    # The panel stores the request with the shot, and compares it later.
    assert Shot.model_validate_json(item.shot.model_dump_json()) == item.shot
    scene, state, plates = subject.host.scene(), subject.state(), file_hashes(subject.plates)
    folder = tmp_path / "rendered"
    folder.mkdir()
    steps = list(subject.host.render(item.item_id, folder))
    shot = steps[-1].shot
    assert shot is not None
    assert [step.completed for step in steps] == sorted(step.completed for step in steps)
    assert steps[-1].completed == steps[-1].total == item.shot.work_range.count
    for name in ("id", "cut_range", "work_range"):
        assert getattr(shot, name) == getattr(item.shot, name)
    assert shot.plate.colour_space == item.shot.plate.colour_space
    files = {Path(shot.plate.path_at(frame)) for frame in shot.work_range.frames()}
    assert files == {path for path in folder.iterdir() if path.is_file()}
    assert subject.state() == state
    assert subject.host.scene() == scene
    assert file_hashes(subject.plates) == plates


def test_a_single_frame_is_rendered_for_a_test_frame(
    subject: HostUnderTest, tmp_path: Path
) -> None:
    item = shot_to_render(subject)
    folder = tmp_path / "rendered"
    folder.mkdir()
    frame = item.shot.cut_range.last
    *_, last = subject.host.render(item.item_id, folder, [frame])
    assert last.shot is not None
    assert [path.name for path in folder.iterdir()] == [Path(last.shot.plate.path_at(frame)).name]
    assert last.shot.work_range == item.shot.work_range


def test_a_stopped_rendering_leaves_no_files(subject: HostUnderTest, tmp_path: Path) -> None:
    item = shot_to_render(subject)
    state = subject.state()
    folder = tmp_path / "rendered"
    folder.mkdir()
    rendering = subject.host.render(item.item_id, folder)
    next(rendering)
    rendering.close()
    assert list(folder.iterdir()) == []
    assert subject.state() == state
    with pytest.raises(HostError) as excinfo:
        list(subject.host.render("no-such-item", folder))
    assert "no-such-item" in excinfo.value.message
    assert list(folder.iterdir()) == []


def test_notes_written_in_the_host_are_reported_until_they_are_synced(
    subject: HostUnderTest,
) -> None:
    require(subject, HostCapability.NOTES)
    assert subject.write_note is not None
    item = subject.host.scene().shots[0]
    made = version(subject, item.shot, 1)
    kept = Note(id="n-1", version_id=made.id, text="there already", by="Ada", at=AT)
    subject.host.place([Placement(item.item_id, made, notes=(kept,))])
    assert subject.host.notes() == ()
    subject.write_note(item.item_id, "the sky is too bright")
    (note,) = subject.host.notes()
    assert (note.version_id, note.text) == (kept.version_id, "the sky is too bright")
    assert subject.host.notes() == (note,)
    synced = kept.model_copy(update={"id": "n-2", "text": note.text})
    subject.host.mark_note_synced(note.note_key, synced)
    assert subject.host.notes() == ()
