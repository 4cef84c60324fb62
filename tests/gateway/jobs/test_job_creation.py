"""What accepting a request costs, by counts that do not depend on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bridge_core.errors import IdempotencyKeyReused
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Cost, Job
from bridge_core.models.media import Plate, SourceFile
from bridge_core.models.requests import Request, Submission
from bridge_core.models.shots import Shot, ShotId
from bridge_gateway.db.engine import Database, sqlite_url
from bridge_gateway.jobs import transitions
from bridge_gateway.jobs.events import EventLog
from bridge_gateway.policy import ledger
from bridge_gateway.policy.principal import Principal


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path / "gateway.sqlite"))
    yield opened
    opened.close()


def submission_of(frames: int, note: str = "") -> Submission:
    span = FrameRange.of(1001, 1000 + frames, 24)
    shot = Shot(
        id=ShotId(show="show", sequence="sq", shot="010"),
        plate=Plate(path="/plates/a.%04d.exr", range=span),
        cut_range=span,
    )
    return Submission(
        request=Request(shot=shot, service="copy", note=note),
        plate_files=tuple(
            SourceFile(path=shot.plate.path_at(frame), frame=frame, size=1, mtime_ns=1)
            for frame in span.frames()
        ),
    )


def create(database: Database, submission: Submission, key: str, by: str) -> tuple[Job, bool]:
    reservation = ledger.Reservation(Cost(), "local", "")
    return transitions.create_job(
        database, submission, key, Principal(by), reservation, queue="local"
    )


def test_a_job_of_many_frames_is_one_short_transaction(database: Database) -> None:
    executed: list[str] = []
    commits: list[Any] = []
    event.listen(
        database.engine,
        "before_cursor_execute",
        lambda *arguments: executed.append(arguments[2].split()[0]),
    )
    event.listen(database.engine, "commit", commits.append)
    job, created = create(database, submission_of(240), "key-00001", "Ada")
    assert created
    assert job.queue_position == 0
    # BEGIN, job, reservation, its position in the queue, number of the event, event
    assert executed == ["BEGIN", "INSERT", "INSERT", "SELECT", "UPDATE", "INSERT"]
    assert len(commits) == 1
    assert [entry.job for entry in EventLog(database).list_events(after=0)] == [job]


def test_a_key_makes_one_job(database: Database) -> None:
    job, _ = create(database, submission_of(2), "key-00001", "Ada")
    assert create(database, submission_of(2), "key-00001", "Ada") == (job, False)
    for submission, name in ((submission_of(2), "Eve"), (submission_of(2, "closer"), "Ada")):
        with pytest.raises(IdempotencyKeyReused):
            create(database, submission, "key-00001", name)
    assert len(EventLog(database).list_events(after=0)) == 1
