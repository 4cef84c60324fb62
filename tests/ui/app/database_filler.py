"""Fills the database of a gateway: many versions before it starts, many running jobs while it
runs. The gateway reads changes by other processes within a second and publishes their events.

    python database_filler.py DATABASE JOBS ROUNDS
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge_core.models.base import canonical_json
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import Job, JobProgress, JobState, JobUpdate
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import Proxies, ResultOutput, Version

SHOW, SEQUENCE = "BBB", "A"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FRAMES = range(993, 1049)


def shot(number: int) -> Shot:
    """The same shot as in the host of these tests."""
    name = f"S_{number:05d}"
    plate = Plate(path=f"/plates/{name}.%04d.exr", range=FrameRange.of(993, 1048))
    return Shot(
        id=ShotId(show=SHOW, sequence=SEQUENCE, shot=name),
        plate=plate,
        cut_range=FrameRange.of(1001, 1040),
        head_handle=8,
        tail_handle=8,
    )


def job(number: int) -> Job:
    return Job(
        id=f"job{number:029d}",
        key=f"key-{number:05d}",
        request=Request(shot=shot(number), service="round_trip"),
        requested_by="Ada Lovelace",
        state=JobState.RUNNING,
        created=NOON + timedelta(seconds=number),
        started=NOON + timedelta(seconds=number),
        progress=JobProgress(step="run", total=len(FRAMES)),
    )


def versions(shots: Sequence[int]) -> list[Version]:
    """A version for each shot number, numbered in order."""
    result: list[Version] = []
    numbers: dict[int, int] = {}
    for at, number in enumerate(shots):
        numbers[number] = numbers.get(number, 0) + 1
        result.append(
            Version(
                id=f"version{at:025d}",
                shot=shot(number).id,
                service="round_trip",
                job_id=f"made{at:028d}",
                folder=f"/library/{number}/v{numbers[number]:03d}",
                frames=tuple(FRAMES),
                outputs=(
                    ResultOutput(
                        name="main",
                        pattern="main/main.%04d.exr",
                        range=FrameRange.of(FRAMES[0], FRAMES[-1]),
                        colour_space="ACEScg",
                        width=2048,
                        height=1080,
                        channels=("R", "G", "B"),
                        depth="half",
                    ),
                ),
                proxies=Proxies(
                    pattern="proxies/p.%04d.jpg", width=1920, height=1080, display="s", view="v"
                ),
                created=NOON + timedelta(seconds=at),
                requested_by="Ada Lovelace",
                number=numbers[number],
            )
        )
    return result


def insert_versions(path: Path, records: Iterable[Version]) -> None:
    """Insert versions into a gateway's database."""
    from bridge_gateway.db.engine import Database, sqlite_url
    from bridge_gateway.db.tables import JobRow, ResultRow

    path.parent.mkdir(parents=True, exist_ok=True)
    listed = list(records)
    database = Database(sqlite_url(path))
    with database.begin_write() as session:
        session.add_all(
            JobRow(
                id=one.job_id,
                key=f"key-{one.job_id}",
                fingerprint="",
                request=canonical_json(job(int(one.shot.shot[2:])).request),
                files="{}",
                requested_by="Ada Lovelace",
                show=one.shot.show,
                service=one.service,
                state=JobState.SUCCEEDED,
                created=one.created,
            )
            for one in listed
        )
        session.flush()
        session.add_all(
            ResultRow(
                id=one.id,
                job_id=one.job_id,
                show=one.shot.show,
                sequence=one.shot.sequence,
                shot=one.shot.shot,
                service=one.service,
                number=one.number,
                folder=one.folder,
                created=one.created,
                published=one.created,
                content=canonical_json(one),
            )
            for one in listed
        )
    database.close()


def run_jobs(path: Path, count: int, rounds: int) -> None:
    """Insert ``count`` jobs that report progress ``rounds`` times, once a second, and succeed."""
    from sqlalchemy import update

    from bridge_gateway.db.engine import Database, sqlite_url
    from bridge_gateway.db.tables import JobRow
    from bridge_gateway.jobs import events

    jobs = [job(number) for number in range(count)]
    database = Database(sqlite_url(path))
    with database.begin_write() as session:
        session.add_all(
            JobRow(
                id=one.id,
                key=one.key,
                fingerprint="",
                request=canonical_json(one.request),
                files="{}",
                requested_by="Ada Lovelace",
                show=SHOW,
                service=one.request.service,
                state=one.state,
                created=one.created,
                started=one.started,
                attempt=1,
                step=one.progress.step,
                total=one.progress.total,
            )
            for one in jobs
        )
    for turn in range(1, rounds + 1):
        began, last = time.monotonic(), turn == rounds
        with database.begin_write() as session:
            for one in jobs:
                state = JobState.SUCCEEDED if last else JobState.RUNNING
                progress = one.progress.model_copy(update={"done": turn})
                report = JobUpdate(id=one.id, state=state, progress=progress)
                if turn == 1 or last:
                    events.add_job_event(session, report.apply_to(one))
                else:
                    events.add_progress_event(session, report)
            if last:
                session.execute(update(JobRow).values(state=JobState.SUCCEEDED))
        print(turn, flush=True)
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))
    database.close()


if __name__ == "__main__":
    run_jobs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
