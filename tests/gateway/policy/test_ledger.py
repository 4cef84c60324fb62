"""What jobs reserve and what they cost: each end of a job, and sums."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from job_helpers import harness
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from bridge_core.errors import JobFailed, OutcomeUnknown, StorageUnavailable
from bridge_core.models.jobs import Cancellation, Cost, JobOutcome, JobState, Resolution
from bridge_core.models.requests import Submission
from bridge_gateway.db import queries
from bridge_gateway.db.engine import Database, sqlite_url
from bridge_gateway.db.tables import LedgerRow, RemoteJobRow
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.events import EventLog
from bridge_gateway.policy import ledger
from bridge_gateway.policy.principal import Principal
from bridge_gateway.providers import remote_cancel, remote_table
from bridge_gateway.providers.base import RemoteState, RemoteStatus

ADA = Principal("Ada")
_keys = itertools.count()


def euros(amount: str) -> Cost:
    return Cost(amount=Decimal(amount), currency="EUR")


QUOTE = euros("2.50")


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    given: Submission = harness.submission(
        str(tmp_path_factory.mktemp("plates") / "plate.%04d.exr"), frames=1
    )
    return given


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path_factory.mktemp("ledger") / "gateway.sqlite"))
    yield opened
    opened.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path / "gateway.sqlite"))
    yield opened
    opened.close()


class LedgerJob:
    """A job without a workflow: its transitions are made by the test."""

    def __init__(
        self,
        database: Database,
        submission: Submission,
        quote: Cost = QUOTE,
        *,
        remote: bool = True,
    ) -> None:
        self.database = database
        job, _ = transitions.create_job(
            database,
            submission,
            f"ledger-key-{next(_keys)}",
            ADA,
            ledger.Reservation(quote, "far", "studio"),
            queue="far.studio",
        )
        self.id = job.id
        transitions.start_job(database, job.id)
        if remote:
            with database.begin_write() as session:
                session.add(
                    RemoteJobRow(
                        job_id=job.id,
                        provider="far",
                        account="studio",
                        key="k",
                        submitted=job.created,
                        handle="{}",
                        state=RemoteState.RUNNING,
                    )
                )

    def report(self, state: RemoteState, charge: Cost | None = None) -> None:
        status = RemoteStatus(state, charge=charge)
        remote_table.record_status(self.database, self.id, status)

    def answer(self, stopped: bool | None, charge: Cost | None) -> None:
        cancellation = Cancellation(provider_stopped=stopped, charge=charge)
        with self.database.begin_write() as session:
            known = remote_cancel.store_cancellation_response(session, self.id, cancellation)
            if known is not None:
                transitions.set_job_cancellation(self.id, session, known)

    def cancellation(self) -> Cancellation:
        """What the job says, which is also what its newest event says."""
        with self.database.begin_read() as session:
            job = queries.load_job(session, queries.get_job_row(session, self.id))
        newest = EventLog(self.database).list_events(after=0, job=self.id)[-1].job
        assert job.cancellation is not None and newest is not None
        assert job.cancellation == newest.cancellation
        return job.cancellation

    def rows(self) -> list[LedgerRow]:
        with self.database.begin_read() as session:
            query = select(LedgerRow).where(LedgerRow.job_id == self.id)
            return list(session.scalars(query.order_by(LedgerRow.number)))

    def entries(self) -> list[tuple[str, str, str, str]]:
        return [(row.kind, row.occasion, row.amount, row.currency) for row in self.rows()]

    def totals(self) -> dict[str, dict[str, Decimal]]:
        sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in self.rows():
            sums[row.kind][row.currency] += Decimal(row.amount)
        return sums


RESERVED = ("reserve", "submitted", "2.5", "EUR")


def test_an_entry_says_whose_job_it_is(database: Database, submission: Submission) -> None:
    (row,) = LedgerJob(database, submission).rows()
    assert (row.provider, row.account, row.principal, row.show) == ("far", "studio", "Ada", "show")


def test_a_job_and_its_reservation_are_stored_together(
    database: Database, submission: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageUnavailable("its disk fails")

    monkeypatch.setattr(transitions.events, "add_job_event", fail)
    with pytest.raises(StorageUnavailable):
        LedgerJob(database, submission)
    with database.begin_read() as session:
        assert session.scalars(select(LedgerRow)).all() == []


@pytest.mark.parametrize("charge", [None, euros("3")])
def test_success_costs_what_the_provider_takes_or_else_the_quote(
    database: Database, submission: Submission, charge: Cost | None
) -> None:
    job = LedgerJob(database, submission)
    job.report(RemoteState.SUCCEEDED, charge)
    assert job.entries() == [RESERVED]
    transitions.complete_job(database, job.id)
    transitions.complete_job(database, job.id)  # the step is repeated
    assert job.entries() == [
        RESERVED,
        ("charge", "succeeded", "3" if charge else "2.5", "EUR"),
        ("release", "succeeded", "2.5", "EUR"),
    ]


def test_a_local_job_costs_nothing_by_the_same_entries(
    database: Database, submission: Submission
) -> None:
    job = LedgerJob(database, submission, Cost(), remote=False)
    transitions.complete_job(database, job.id)
    assert job.entries() == [
        ("reserve", "submitted", "0", "USD"),
        ("charge", "succeeded", "0", "USD"),
        ("release", "succeeded", "0", "USD"),
    ]


@pytest.mark.parametrize("charge", [None, euros("1")])
def test_failed_work_costs_what_the_provider_takes(
    database: Database, submission: Submission, charge: Cost | None
) -> None:
    job = LedgerJob(database, submission)
    job.report(RemoteState.FAILED, charge)
    for _ in range(2):
        transitions.fail_job(database, job.id, JobFailed("it was moderated"))
    charged = [("charge", "failed", "1", "EUR")] if charge else []
    assert job.entries() == [RESERVED, *charged, ("release", "failed", "2.5", "EUR")]


def test_a_charge_below_0_is_not_believed(database: Database, submission: Submission) -> None:
    job = LedgerJob(database, submission)
    job.report(RemoteState.RUNNING, euros("-1"))
    job.report(RemoteState.SUCCEEDED, euros("-1"))
    transitions.complete_job(database, job.id)
    assert job.entries()[1] == ("charge", "succeeded", "2.5", "EUR")


def _cancel(job: LedgerJob) -> None:
    transitions.cancel_job(job.database, job.id)


def _fail(job: LedgerJob) -> None:
    transitions.fail_job(job.database, job.id, JobFailed("the results cannot be fetched"))


@pytest.mark.parametrize(("end", "occasion"), [(_cancel, "cancelled"), (_fail, "failed")])
@pytest.mark.parametrize(("charge", "costs"), [(None, "2.5"), (euros("1"), "1"), (euros("0"), "0")])
def test_work_that_is_done_costs_its_price_although_its_job_does_not_succeed(
    database: Database,
    submission: Submission,
    end: Callable[[LedgerJob], None],
    occasion: str,
    charge: Cost | None,
    costs: str,
) -> None:
    job = LedgerJob(database, submission)
    job.report(RemoteState.SUCCEEDED, charge)
    for _ in range(2):
        end(job)
    assert job.entries() == [
        RESERVED,
        ("charge", occasion, costs, "EUR"),
        ("release", occasion, "2.5", "EUR"),
    ]


def test_a_charge_that_is_named_after_a_cancellation_is_an_entry_of_its_own(
    database: Database, submission: Submission
) -> None:
    job = LedgerJob(database, submission)
    transitions.cancel_job(database, job.id)
    job.answer(None, None)
    assert job.entries() == [RESERVED, ("release", "cancelled", "2.5", "EUR")]
    job.answer(True, euros("2"))
    job.answer(True, euros("2"))
    job.answer(False, euros("2.5"))  # ignored: a charge is known already
    assert job.cancellation().charge == euros("2")
    assert job.entries()[2:] == [("charge", "answered", "2", "EUR")]
    # It corrects itself, and then names another currency.
    job.answer(True, euros("0.5"))
    job.answer(True, Cost(amount=Decimal("0.6"), currency="USD"))
    assert job.entries()[3:] == [
        ("charge", "answered 2", "-1.5", "EUR"),
        ("charge", "answered 3", "-0.5", "EUR"),
        ("charge", "answered", "0.6", "USD"),
    ]
    assert job.totals()["charge"] == {"EUR": 0, "USD": Decimal("0.6")}


@pytest.mark.parametrize("stopped", [None, False, True])
def test_a_charge_that_only_the_second_answer_names_is_charged_and_shown(
    database: Database, submission: Submission, stopped: bool | None
) -> None:
    job = LedgerJob(database, submission)
    transitions.cancel_job(database, job.id)
    job.answer(stopped, None)
    job.answer(False, euros("2"))  # the work had ended, it says now
    assert job.entries()[2:] == [("charge", "answered", "2", "EUR")]
    assert job.cancellation().provider_stopped is stopped  # the first answer
    assert job.cancellation().charge == euros("2")


def test_a_cancelled_job_shows_the_charge_of_the_last_poll(
    database: Database, submission: Submission
) -> None:
    job = LedgerJob(database, submission)
    job.report(RemoteState.RUNNING, euros("1.25"))
    transitions.cancel_job(database, job.id)
    job.answer(True, None)
    assert job.entries()[1] == ("charge", "cancelled", "1.25", "EUR")
    assert job.cancellation() == Cancellation(provider_stopped=True, charge=euros("1.25"))


def test_a_charge_known_when_the_job_is_cancelled_is_not_charged_again(
    database: Database, submission: Submission
) -> None:
    job = LedgerJob(database, submission)
    job.report(RemoteState.SUCCEEDED, euros("2"))
    transitions.cancel_job(database, job.id)
    job.answer(False, euros("2"))
    assert job.entries() == [
        RESERVED,
        ("charge", "cancelled", "2", "EUR"),
        ("release", "cancelled", "2.5", "EUR"),
    ]


def test_a_last_report_of_a_job_that_has_just_been_cancelled_is_charged(
    database: Database, submission: Submission
) -> None:
    """The gateway may be killed before it asks the provider to stop."""
    job = LedgerJob(database, submission)
    transitions.cancel_job(database, job.id)
    job.report(RemoteState.SUCCEEDED, euros("2"))
    assert job.entries()[2:] == [("charge", "answered", "2", "EUR")]


def test_a_last_report_without_a_charge_costs_the_quote_until_one_is_named(
    database: Database, submission: Submission
) -> None:
    job = LedgerJob(database, submission)
    transitions.cancel_job(database, job.id)
    for _ in range(2):
        job.report(RemoteState.SUCCEEDED)
    assert job.entries()[2:] == [("charge", "answered", "2.5", "EUR")]
    job.answer(False, euros("2"))
    assert job.entries()[3:] == [("charge", "answered 2", "-0.5", "EUR")]


def test_work_that_was_done_before_its_cancellation_shows_the_quote_as_its_charge(
    database: Database, submission: Submission
) -> None:
    """Otherwise the panel would ask what it costs."""
    job = LedgerJob(database, submission)
    job.report(RemoteState.SUCCEEDED)
    transitions.cancel_job(database, job.id)
    job.answer(False, None)
    assert job.cancellation().charge == euros("2.5")
    job.answer(False, euros("2"))
    assert job.cancellation().charge == euros("2")


def test_an_unknown_outcome_keeps_its_reservation(
    database: Database, submission: Submission
) -> None:
    made, not_made, known = (LedgerJob(database, submission) for _ in range(3))
    known.report(RemoteState.RUNNING, euros("1.25"))
    for job in (made, not_made, known):
        transitions.fail_job(database, job.id, OutcomeUnknown("nobody knows"))
        assert job.entries() == [RESERVED]
    found = Resolution(outcome=JobOutcome.MADE_ELSEWHERE, text="it is on the invoice")
    transitions.resolve_job(database, made.id, found, Principal("Ben"))
    transitions.resolve_job(database, known.id, found, Principal("Ben"))
    nothing = Resolution(outcome=JobOutcome.NOT_MADE, text="it is not")
    resolved = transitions.resolve_job(database, not_made.id, nothing, Principal("Ben"))
    assert resolved.resolution is not None and resolved.resolution.by == "Ben"
    released = ("release", "resolved", "2.5", "EUR")
    assert made.entries()[1:] == [("charge", "resolved", "2.5", "EUR"), released]
    assert known.entries()[1:] == [("charge", "resolved", "1.25", "EUR"), released]
    assert not_made.entries()[1:] == [released]
    # The costs are those of the person who asked.
    assert {row.principal for row in made.rows()} == {"Ada"}


@pytest.mark.parametrize("stopped", [None, False])
@pytest.mark.parametrize("has_handle", [True, False])
def test_a_cancelled_job_whose_work_may_have_gone_on_is_resolved(
    database: Database, submission: Submission, stopped: bool | None, has_handle: bool
) -> None:
    made, not_made = (LedgerJob(database, submission) for _ in range(2))
    for job, outcome in ((made, JobOutcome.MADE_ELSEWHERE), (not_made, JobOutcome.NOT_MADE)):
        if not has_handle:  # the gateway was killed while it submitted
            with database.begin_write() as session:
                session.get_one(RemoteJobRow, job.id).handle = None
        transitions.cancel_job(database, job.id)
        if has_handle:
            job.answer(stopped, None)
        found = Resolution(outcome=outcome, text="by the invoice")
        resolved = transitions.resolve_job(database, job.id, found, Principal("Ben"))
        assert resolved.state is JobState.CANCELLED
        assert resolved.resolution is not None and resolved.resolution.by == "Ben"
        with pytest.raises(JobFailed, match="only once"):
            transitions.resolve_job(database, job.id, found, Principal("Ben"))
    released = ("release", "cancelled", "2.5", "EUR")
    assert made.entries()[1:] == [released, ("charge", "resolved", "2.5", "EUR")]
    assert not_made.entries()[1:] == [released]
    # The provider's own word counts more.
    made.answer(True, euros("1"))
    assert made.totals()["charge"] == {"EUR": Decimal(1)}


def test_a_cancelled_job_whose_cost_is_known_is_not_resolved(
    database: Database, submission: Submission
) -> None:
    stopped, charged, ended, local = (
        LedgerJob(database, submission, remote=remote) for remote in (True, True, True, False)
    )
    ended.report(RemoteState.FAILED)
    found = Resolution(outcome=JobOutcome.MADE_ELSEWHERE, text="by the invoice")
    for job in (stopped, charged, ended, local):
        transitions.cancel_job(database, job.id)
    stopped.answer(True, None)
    charged.answer(False, euros("0"))
    for job in (stopped, charged, ended, local):
        before = job.entries()
        with pytest.raises(JobFailed):
            transitions.resolve_job(database, job.id, found, ADA)
        assert job.entries() == before


def test_the_plate_s_own_size_corrects_the_reservation(
    database: Database, submission: Submission
) -> None:
    job = LedgerJob(database, submission)
    for quote in ("4", "4", "2.5", "2"):  # a gateway with other prices resumes it
        transitions.correct_quote(database, job.id, euros(quote))
    transitions.complete_job(database, job.id)
    assert job.entries() == [
        RESERVED,
        ("reserve", "admitted", "1.5", "EUR"),
        ("reserve", "admitted 2", "-1.5", "EUR"),
        ("reserve", "admitted 3", "-0.5", "EUR"),
        ("charge", "succeeded", "2", "EUR"),
        ("release", "succeeded", "2", "EUR"),
    ]
    transitions.correct_quote(database, job.id, euros("9"))
    assert len(job.entries()) == 6


def test_an_occasion_has_one_entry_of_a_kind(database: Database, submission: Submission) -> None:
    """The last line of defence, for a database that does not lock writers."""
    (row,) = LedgerJob(database, submission).rows()
    fields = {
        column.name: getattr(row, column.name)
        for column in LedgerRow.__table__.columns
        if column.name != "number"
    }
    with pytest.raises(IntegrityError), database.begin_write() as session:
        session.add(LedgerRow(**fields))


def test_sums_are_exact_and_by_show_and_currency(
    database: Database, submission: Submission
) -> None:
    def of_show(show: str) -> Submission:
        raw = submission.model_dump(mode="json")
        raw["request"]["shot"]["id"]["show"] = show
        return Submission.model_validate(raw)

    for _ in range(30):
        job = LedgerJob(database, of_show("bunny"), euros("0.1"))
        transitions.complete_job(database, job.id)
    LedgerJob(database, of_show("bunny"), euros("0.7000"))
    LedgerJob(database, of_show("bunny"), Cost(amount=Decimal(3)))
    LedgerJob(database, of_show("aaron"), Cost())
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with database.begin_read() as session:
        sums = ledger.sum_by_show(session)
        assert [one for one in sums if one.show == "bunny"] == ledger.sum_by_show(session, "bunny")
    assert len([one for one in statements if one.startswith("SELECT")]) == 2  # one for each call
    assert [(one.show, one.currency, str(one.reserved), str(one.charged)) for one in sums] == [
        ("aaron", "USD", "0", "0"),
        ("bunny", "EUR", "0.7", "3.0"),
        ("bunny", "USD", "3", "0"),
    ]


# --- any order of events

_CHARGES = [None, euros("0"), euros("1"), euros("2.5"), Cost(amount=Decimal("1.1"))]


def _act(job: LedgerJob, chance: random.Random) -> None:
    charge = chance.choice(_CHARGES)
    outcome = chance.choice(list(JobOutcome))
    acts = [
        lambda: job.report(chance.choice(list(RemoteState)), charge),
        lambda: transitions.complete_job(job.database, job.id),
        lambda: transitions.fail_job(job.database, job.id, JobFailed("no")),
        lambda: transitions.fail_job(job.database, job.id, OutcomeUnknown("who knows")),
        lambda: transitions.cancel_job(job.database, job.id),
        lambda: job.answer(chance.choice([None, False, True]), charge),
        lambda: transitions.correct_quote(job.database, job.id, charge or QUOTE),
        lambda: transitions.resolve_job(
            job.database, job.id, Resolution(outcome=outcome, text="found out"), ADA
        ),
        lambda: transitions.start_job(job.database, job.id),
    ]
    with suppress(JobFailed):  # only a job whose outcome is unknown can be resolved
        chance.choice(acts)()


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 12), is_local=st.booleans())
def test_in_any_order_what_is_reserved_is_released_and_nothing_is_charged_twice(
    shared: Database, submission: Submission, seed: int, steps: int, is_local: bool
) -> None:
    chance = random.Random(seed)
    job = LedgerJob(shared, submission, Cost() if is_local else QUOTE, remote=not is_local)
    for _ in range(steps):
        if is_local:
            chance.choice(
                [
                    lambda: transitions.complete_job(shared, job.id),
                    lambda: transitions.cancel_job(shared, job.id),
                    lambda: transitions.fail_job(shared, job.id, JobFailed("no")),
                    lambda: transitions.correct_quote(shared, job.id, Cost()),
                ]
            )()
        else:
            _act(job, chance)
    with shared.begin_read() as session:
        row = queries.get_job_row(session, job.id)
        state = JobState(row.state)
        known = remote_table.load_charge(session, job.id)
        is_work_done = remote_table.is_work_done(session, job.id)
    totals, rows = job.totals(), job.rows()
    is_settled = state.ended and state is not JobState.UNKNOWN
    reserved = {name: amount for name, amount in totals["reserve"].items() if amount}
    released = {name: amount for name, amount in totals["release"].items() if amount}
    charged = {name: amount for name, amount in totals["charge"].items() if amount}
    assert released == (reserved if is_settled else {})
    assert (not charged) or is_settled
    occasions = Counter((one.kind, one.occasion, one.currency) for one in rows)
    assert set(occasions.values()) == {1}
    if is_settled and known is not None and row.resolution is None:
        assert charged == ({known.currency: known.amount} if known.amount else {})
    if is_settled and known is None and is_work_done and row.resolution is None:
        assert charged == reserved
    if state is JobState.SUCCEEDED and known is None:
        assert charged == reserved
    if is_local:
        assert not reserved and not charged
