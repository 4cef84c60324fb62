"""Shot list, job list and Send form without a gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core.errors import InvalidRequest, NotWritable, TimelineError
from bridge_core.hosts.base import Host, HostCapability, HostProblem, HostScene, HostShot
from bridge_core.models.frames import FrameRange, Retime
from bridge_core.models.gateway import Event
from bridge_core.models.jobs import Job, JobProgress, JobState
from bridge_core.models.media import Plate
from bridge_core.models.problems import Problem
from bridge_core.models.requests import OutputFormat, Request
from bridge_core.models.services import DataLocality, IntegerParameter, NumberParameter, Service
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.session import Session
from bridge_ui.core.store import Store
from bridge_ui.jobs.controller import JobsController
from bridge_ui.send.controller import SendController
from bridge_ui.send.form import form_fields, search_services, valid_values
from bridge_ui.send.presets import Preset, PresetStore, read_preset
from bridge_ui.shots.controller import ShotFilter, ShotsController
from bridge_ui.shots.shot_row import shot_range_text

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread

START = datetime(2026, 11, 1, tzinfo=UTC)


def shot(name: str, sequence: str = "sq010", record: int = 1) -> Shot:
    return Shot(
        id=ShotId(show="bunny", sequence=sequence, shot=name),
        plate=Plate(path=f"/plates/{name}.%04d.exr", range=FrameRange.of(1001, 1100)),
        cut_range=FrameRange.of(1010, 1020),
        record_range=FrameRange.of(record, record + 10),
        head_handle=8,
        tail_handle=8,
    )


def job(number: int, of: Shot, state: JobState = JobState.RUNNING, done: int = 0) -> Job:
    return Job(
        id=f"job{number:05d}",
        key=f"key-{number:05d}",
        request=Request(shot=of, service="upscale"),
        requested_by="Ada",
        state=state,
        created=START + timedelta(seconds=number),
        progress=JobProgress(step="Upscaling", done=done, total=20, seconds_left=31),
        problem=Problem(code="model_crashed", message="the model crashed", next_step="send again")
        if state is JobState.FAILED
        else None,
    )


class MainThreadHost(Host):
    """Keeps its shots in memory and is called on the main thread, as hosts with an API are."""

    def __init__(self, shots: Sequence[Shot], problems: Sequence[HostProblem] = ()) -> None:
        self.shots, self.problems = tuple(shots), tuple(problems)
        self.broken: Exception | None = None
        self.changed: list[Callable[[], None]] = []
        self.selected = False

    title = "Memory 1.0"
    capabilities = frozenset({HostCapability.SELECTION, HostCapability.WATCH})

    def scene(self) -> HostScene:
        if self.broken is not None:
            raise self.broken
        items = tuple(HostShot(one, f"Read:{one.id.shot}", "Read1") for one in self.shots)
        return HostScene("comp.nk", "bunny", items, self.problems, is_selection=self.selected)

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        self.changed.append(on_change)
        return lambda: self.changed.remove(on_change)


@pytest.fixture
def host() -> MainThreadHost:
    problem = HostProblem("Read9", "12 frames are missing", "render them", record_range=None)
    return MainThreadHost([shot("A_010"), shot("A_020", "sq020", 20), shot("B_010")], [problem])


@pytest.fixture
def session(
    host: MainThreadHost, main_thread: FakeMainThread, settings_in: Any, tmp_path: Path
) -> Iterator[Session]:
    """Never started, so nothing is requested."""
    new_session = Session(settings_in(tmp_path), host, main_thread.post)
    yield new_session
    new_session.close(5)


@pytest.fixture
def shots(session: Session) -> ShotsController:
    controller = ShotsController(session)
    controller.reload()
    return controller


def names(shots: ShotsController) -> list[str]:
    return [row.name for row in shots.rows]


def test_shots_are_searched_by_words(shots: ShotsController) -> None:
    assert names(shots) == ["A_010", "B_010", "A_020", "Read9"]
    shots.search("010 a_")
    assert names(shots) == ["A_010"]
    shots.search("SQ020")
    assert names(shots) == ["A_020"]
    shots.search("missing")
    assert names(shots) == ["Read9"]
    shots.search("nothing sent")
    assert len(shots.rows) == 3
    shots.search("")
    shots.set_filter(ShotFilter.NEEDS_ATTENTION)
    assert names(shots) == ["Read9"]
    assert shots.state.value.attention_count == 1
    assert shots.state.value.total == 4


def test_a_row_that_cannot_be_sent_says_why(shots: ShotsController) -> None:
    row = shots.rows[3]
    assert row.shot is None
    assert row.sign.text == row.problem == "12 frames are missing"
    assert row.sign.symbol == "⚠"
    assert row.next_step == "render them"


def test_hidden_rows_are_deselected(shots: ShotsController) -> None:
    keys = [row.key for row in shots.rows]
    shots.select([keys[2], keys[0], "no such key"])
    assert [row.name for row in shots.selected] == ["A_010", "A_020"]
    shots.search("A_020")
    assert [row.name for row in shots.selected] == ["A_020"]
    shots.search("")
    assert [row.name for row in shots.selected] == ["A_020"]


def test_changes_in_the_host_are_followed(shots: ShotsController, host: MainThreadHost) -> None:
    host.shots = host.shots[:1]
    host.changed[0]()
    assert names(shots) == ["A_010", "Read9"]
    host.broken = TimelineError("the script is being rendered", next_step="wait for it")
    host.changed[0]()
    assert shots.state.value.problem == "the script is being rendered"
    assert names(shots) == ["A_010", "Read9"], "the last scene stays"
    host.broken = ZeroDivisionError("a surprise")
    host.changed[0]()
    assert "ZeroDivisionError" in shots.state.value.problem
    shots.close()
    assert host.changed == []


def test_the_selection_is_valid_at_every_notification(
    shots: ShotsController, host: MainThreadHost
) -> None:
    """A host whose selection changes replaces all shots at once."""
    shots.select([row.key for row in shots.rows if row.shot is not None])
    selections: list[list[str]] = []
    shots.state.watch(
        lambda _: selections.append([row.name for row in shots.selected]), immediately=False
    )
    host.shots = (shot("C_010"),)
    host.changed[0]()
    assert selections[0] == ["A_010", "B_010", "A_020"], "while loading"
    assert selections[-1] == ["C_010"], "after loading"


def test_a_selection_in_the_host_is_selected_in_the_panel(
    shots: ShotsController, host: MainThreadHost
) -> None:
    host.selected, host.shots = True, host.shots[:2]
    host.changed[0]()
    assert [row.name for row in shots.selected] == ["A_010", "A_020"]
    shots.select([shots.rows[0].key])
    host.changed[0]()
    assert [row.name for row in shots.selected] == ["A_010"], (
        "unchanged, as the host has the same ones"
    )
    host.shots = (shot("A_020", "sq020", 20), shot("C_010"))
    host.changed[0]()
    assert {row.name for row in shots.selected} == {"A_020", "C_010"}


def test_rows_follow_jobs(shots: ShotsController, session: Session, host: MainThreadHost) -> None:
    resets: list[bool] = []
    shots.rows.watch(lambda change: resets.append(change.reset))
    a = host.shots[0]
    session.store.merge(jobs=[job(1, a, done=5)])
    assert shots.rows[0].sign.text == "Upscale · Upscaling · 5 of 20 · 0:31 left"
    assert shots.rows[0].progress == 0.25
    session.store.merge(jobs=[job(1, a, JobState.FAILED)])
    assert shots.rows[0].sign.text == "Upscale · the model crashed"
    assert shots.rows[0].needs_attention
    assert resets == [False, False]
    shots.set_filter(ShotFilter.NEEDS_ATTENTION)
    assert names(shots) == ["A_010", "Read9"]
    session.store.merge(jobs=[job(2, a, JobState.QUEUED)])
    assert names(shots) == ["Read9"], "a new job is active"


def test_what_changed_between_two_cuts_is_selected(
    main_thread: FakeMainThread, settings_in: Any, tmp_path: Path, write_cut: Any
) -> None:
    old = write_cut(tmp_path / "reel v1.otio", {"S_010": 1003, "S_020": 1003, "S_030": 1003})
    new = write_cut(tmp_path / "reel v2.otio", {"S_010": 1003, "S_020": 1005, "S_040": 1003})
    settings: Settings = settings_in(tmp_path)
    session = Session(settings, StandaloneHost(settings, new), main_thread.post)
    shots = ShotsController(session)
    shots.compare_with(old)
    assert "no cut open" in shots.state.value.problem
    shots.reload()
    main_thread.wait_until(lambda: len(shots.rows) == 3, "the cut")
    shots.compare_with(old)
    main_thread.wait_until(lambda: shots.state.value.compared_cut, "the comparison")
    assert shots.state.value.compared_cut == "reel v1.otio"
    assert (shots.state.value.changed_count, shots.state.value.removed_count) == (2, 1)
    shots.select_changed()
    assert [row.name for row in shots.selected] == ["S_020", "S_040"]
    assert shots.row(shots.rows[0].key).change_text == "retrimmed"  # type: ignore[union-attr]
    shots.reload()
    main_thread.wait_until(lambda: not shots.state.value.busy, "the cut again")
    assert names(shots) == ["S_020", "S_040"], "a comparison outlives reading the cut again"
    shots.compare_with(tmp_path / "gone.otio")
    main_thread.wait_until(lambda: shots.state.value.problem, "the refusal")
    assert shots.state.value.compared_cut == "reel v1.otio"
    shots.compare_with(None)
    assert names(shots) == ["S_010", "S_020", "S_040"]
    shots.open(old)
    main_thread.wait_until(lambda: shots.state.value.title == "reel v1.otio", "the other cut")
    shots.close()
    assert session.close(5)


def test_range_text() -> None:
    one = shot("A")
    assert shot_range_text(one) == "1010–1020 · 11 + 16 handles"
    half = one.model_copy(
        update={"retime": Retime(speed="1/2"), "head_handle": 0, "tail_handle": 1}
    )
    assert shot_range_text(half) == "1010–1020 · 11 + 1 handle · retimed 50%"


def test_older_data_never_replaces_newer() -> None:
    store, one = Store(), shot("A")
    store.merge(jobs=[job(1, one, done=7)])
    store.merge(jobs=[job(1, one, done=3)])
    assert store.jobs["job00001"].progress.done == 7
    store.merge(jobs=[job(1, one, JobState.SUCCEEDED, done=20)])
    store.merge(jobs=[job(1, one, done=9)])
    assert store.jobs["job00001"].state is JobState.SUCCEEDED


def test_a_thousand_jobs_are_listed_and_updated_in_place(session: Session) -> None:
    jobs = JobsController(session)
    one = shot("A")
    session.store.merge(jobs=[job(n, one) for n in range(1000)])
    assert jobs.rows[0].id == "job00999"
    assert jobs.state.value.text == "1\u2009000 jobs running"
    changes: list[Any] = []
    jobs.rows.watch(changes.append)
    events = [Event(id=n, kind="job", at=START, job=job(n, one, done=9)) for n in range(1000)]
    begun = time.thread_time()  # computing, not waiting for a processor
    session.store.apply_events(events)
    taken = time.thread_time() - begun
    assert [change.reset for change in changes] == [False]
    assert len(changes[0].positions) == 1000
    assert taken < 1, "a thousand events block the panel's thread only briefly"
    jobs.close()


def test_new_jobs_are_inserted_by_age(session: Session) -> None:
    jobs = JobsController(session)
    one = shot("A")
    session.store.merge(jobs=[job(n, one) for n in (10, 30, 50)])
    changes: list[Any] = []
    jobs.rows.watch(changes.append)
    session.store.merge(jobs=[job(n, one) for n in (5, 20, 31, 32, 60)])
    numbers = [60, 50, 32, 31, 30, 20, 10, 5]
    assert [row.id for row in jobs.rows] == [f"job{n:05d}" for n in numbers]
    assert not any(change.reset for change in changes), "the view keeps its scroll position"
    session.store.merge(jobs=[job(20, one, done=7), job(40, one)])
    assert [row.progress for row in jobs.rows if row.id == "job00020"] == [7 / 20]
    assert [row.id for row in jobs.rows][2:4] == ["job00040", "job00032"]
    jobs.close()


def test_a_job_of_unknown_outcome_is_not_repeated_without_a_question(session: Session) -> None:
    jobs, one = JobsController(session), shot("A")
    unknown = job(1, one, JobState.UNKNOWN)
    session.store.merge(jobs=[unknown])
    question = "The provider may have made and charged for Upscale of A. Make it again?"
    session.services.set(services())
    jobs.resend(unknown.id)
    assert jobs.state.value.question == question
    assert session.outbox.value.waiting == ()
    jobs.duplicate_check.cancel()
    ask = session.recent_requests.duplicate_question
    assert ask([unknown.request]) == question, "the same from the form"
    # The host rendered its plate: the form has the request from before.
    before = unknown.request.model_copy(update={"shot": one.model_copy(update={"head_handle": 9})})
    assert ask([before]) == ""
    session.recent_requests.add({unknown.key: before})
    assert ask([before]) == ask([unknown.request]) == question
    jobs.close()


def test_a_failed_job_is_repeated_without_a_question(session: Session) -> None:
    failed = job(1, shot("A"), JobState.FAILED)
    session.store.merge(jobs=[failed])
    assert session.recent_requests.duplicate_question([failed.request]) == ""


def test_progress_that_a_provider_reports_is_shown(
    shots: ShotsController, session: Session, host: MainThreadHost
) -> None:
    jobs = JobsController(session)
    progress = JobProgress(step="run", fraction=0.4, message="denoising", seconds_left=31)
    remote = job(1, host.shots[0]).model_copy(update={"progress": progress})
    session.store.merge(jobs=[remote])
    assert jobs.rows[0].progress == shots.rows[0].progress == 0.4
    assert jobs.rows[0].sign.text == "run · 40% · 0:31 left · denoising"
    by_frames = JobProgress(done=5, total=20, fraction=0.4)
    assert (by_frames.completed, JobProgress().completed) == (0.25, None)
    jobs.close()


def services() -> tuple[Service, ...]:
    strength = NumberParameter(name="strength", title="Strength", default=0.5, minimum=0, maximum=1)
    passes = IntegerParameter(name="passes", title="Passes", default=1, minimum=1, maximum=4)

    def make(
        service_id: str, title: str, summary: str, *parameters: Any, available: bool = True
    ) -> Service:
        return Service(
            id=service_id,
            title=title,
            summary=summary,
            provider="local",
            data_locality=DataLocality.LOCAL,
            parameters=parameters,
            available=available,
            unavailable_reason="" if available else "install its model",
        )

    return (
        make("matte", "Matte", "Finds people", strength, available=False),
        make("upscale", "Upscale", "Doubles the size, keeps the matte", strength, passes),
    )


def test_services_are_searched() -> None:
    available_services = services()
    assert [one.id for one in search_services(available_services, "mat")] == ["matte", "upscale"]
    assert [one.id for one in search_services(available_services, "UPSC")] == ["upscale"]
    assert [one.id for one in search_services(available_services, "size double")] == ["upscale"]
    assert [one.id for one in search_services(available_services, "passes")] == ["upscale"]
    assert search_services(available_services, "teleport") == ()
    assert search_services(available_services, " ") == available_services


def test_values_are_checked_one_by_one() -> None:
    upscale = services()[1]
    form = {one.parameter.name: one for one in form_fields(upscale, {"strength": 2, "odd": 1})}
    assert form["strength"].problem == "must be from 0 to 1"
    assert form["passes"].problem == ""
    assert form["passes"].value == 1
    assert valid_values(upscale, {"strength": 2, "passes": 3, "odd": 1}) == {"passes": 3}


def test_the_form_says_what_is_missing(
    session: Session, main_thread: FakeMainThread, host: MainThreadHost
) -> None:
    send = SendController(session)
    assert "services are not known" in send.state.value.missing[0]
    session.services.set(services())
    assert send.state.value.service is not None
    assert send.state.value.service.id == "upscale", "the first available"
    assert send.state.value.missing == ("select a shot",)
    send.set_shots(host.shots[:1])
    assert send.state.value.can_send, "without a gateway it goes to the outbox"
    duration = next(line for line in send.state.value.summary if line.title == "Duration")
    assert "kept in the outbox" in duration.text
    send.set_value("strength", 7)
    assert send.state.value.missing == ("Strength: must be from 0 to 1",)
    send.set_value("strength", 0.25)
    assert send.state.value.button_text == "Make v001"
    send.choose_service("matte")
    assert send.state.value.missing == ("install its model",)
    assert send.state.value.fields[0].value == 0.5, "values belong to their service"
    send.choose_service("upscale")
    assert send.state.value.fields[0].value == 0.25
    send.set_shots(host.shots[1:2])
    assert send.state.value.fields[0].value == 0.25, "values apply to all shots"
    send.set_shots(host.shots[:1])
    send.reset()
    assert send.state.value.fields[0].value == 0.5
    send.choose_service("matte")
    send.add_references(["/a.png", "/b.png", "/a.png"])
    send.remove_reference("/b.png")
    assert [one.path for one in send.state.value.references] == ["/a.png"]
    send.choose_service("upscale")
    assert send.state.value.references == ()
    send.set_note("x" * 6000)
    assert "shorten the note" in send.state.value.missing[0]
    send.close()


def test_presets_are_saved_loaded_and_exported(
    session: Session, main_thread: FakeMainThread, tmp_path: Path
) -> None:
    session.services.set(services())
    send = SendController(session)
    send.save_preset("  ")
    assert "name" in send.state.value.problem
    send.set_value("strength", 0.75)
    send.set_note("keep the grain")
    send.set_output_format(OutputFormat.PLATE)
    send.save_preset("Grain: kept/soft")
    main_thread.wait_until(lambda: send.presets.names.value, "the preset")
    [name] = send.presets.names.value
    assert name == "Grain_ kept_soft"
    exported = tmp_path / "grain.yaml"
    send.presets.export(name, exported)
    main_thread.wait_until(exported.exists, "the exported file")
    assert "strength: 0.75" in exported.read_text(encoding="utf-8")
    send.presets.remove(name)
    main_thread.wait_until(lambda: not send.presets.names.value, "the preset to go")
    send.reset()
    send.set_note("")
    send.presets.import_file(exported)
    main_thread.wait_until(lambda: send.state.value.note == "keep the grain", "the preset")
    assert {one.parameter.name: one.value for one in send.state.value.fields}["strength"] == 0.75
    assert send.state.value.output_format is OutputFormat.PLATE
    main_thread.wait_until(lambda: send.presets.names.value, "the imported preset to be listed")
    send.presets.load("nobody's")
    main_thread.wait_until(lambda: send.state.value.problem, "the refusal")
    send.close()


@pytest.mark.parametrize(
    "text",
    ["", "- a\n- b", "service: upscale", "name: [", "service: 5\nname: x", "a: &a [*a]", "\x00"],
)
def test_files_that_are_not_presets_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(text)
    with pytest.raises(InvalidRequest) as excinfo:
        read_preset(path)
    assert excinfo.value.where == str(path)


def test_a_preset_that_cannot_be_saved_is_reported(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("a file where a folder should be")
    with pytest.raises(NotWritable):
        PresetStore(tmp_path / "presets").save(Preset(service="upscale", name="mine"))
