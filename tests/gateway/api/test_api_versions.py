"""Long lists of versions in pages: each version once and in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from in_process_gateway import TOKEN, InProcessGateway

from bridge_core.client import Client
from bridge_core.models.base import canonical_json
from bridge_core.models.frames import FrameRange
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import ShotId
from bridge_core.models.versions import Proxies, ResultOutput, ReviewStatus, Version
from bridge_gateway.db.engine import Database, sqlite_url
from bridge_gateway.db.tables import DecisionRow, JobRow, ResultRow

SHOTS = 150
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: The versions of each shot: service, number, minutes after noon.
VERSION_SPECS = (("matte", 1, 3), ("upscale", 1, 1), ("upscale", 2, 2))


def version(shot: ShotId, service: str, number: int, minutes: int) -> Version:
    return Version(
        id=f"{shot.shot}-{service}-{number}",
        shot=shot,
        service=service,
        job_id=f"job-{shot.shot}-{service}-{number}",
        folder="/library/nowhere",
        frames=(1001,),
        outputs=(
            ResultOutput(
                name="main",
                pattern="main.%04d.exr",
                range=FrameRange.of(1001, 1001),
                colour_space="ACEScg",
                width=4,
                height=4,
                channels=("R", "G", "B"),
                depth="half",
            ),
        ),
        proxies=Proxies(pattern="p.%04d.jpg", width=4, height=4, display="sRGB", view="ACES"),
        created=NOON + timedelta(minutes=minutes),
        requested_by="Ada",
        number=number,
    )


@pytest.fixture(scope="module")
def client(gateway: InProcessGateway) -> Iterator[Client]:
    """The client of a gateway with 450 versions of one sequence, and one of another."""
    database = Database(sqlite_url(gateway.settings.data_dir / "gateway.sqlite"))
    shots = [ShotId(show="long", sequence="sq010", shot=f"sh{n:04d}") for n in range(SHOTS)]
    versions = [version(shot, *one) for shot in shots for one in VERSION_SPECS]
    versions.append(version(ShotId(show="long", sequence="sq020", shot="other"), "matte", 1, 9))
    with database.begin_write() as session:
        for one in versions:
            session.add(
                JobRow(
                    id=one.job_id,
                    key=f"key-{one.job_id}",
                    fingerprint="f",
                    request="{}",
                    files="{}",
                    requested_by="Ada",
                    show=one.shot.show,
                    service=one.service,
                    state="succeeded",
                    created=one.created,
                )
            )
        session.flush()
        for one in versions:
            session.add(
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
            )
        session.flush()
        for status in ("rejected", "approved"):
            session.add(
                DecisionRow(
                    key=f"decision on {status}",
                    fingerprint="",
                    result_id="sh0007-matte-1",
                    status=status,
                    by="Ada",
                    comment="",
                    at=NOON,
                )
            )
    database.close()
    token = gateway.root / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    settings = ClientSettings(url=gateway.url, token_file=token, state_dir=gateway.root / "state")
    with Client(Settings(client=settings)) as versions:
        yield versions


def test_a_long_list_is_complete_and_in_order(client: Client) -> None:
    listed = client.versions(show="long", sequence="sq010")
    expected = [
        (f"sh{n:04d}", service, number)
        for n in range(SHOTS)
        for service, number, _ in VERSION_SPECS
    ]
    assert [(v.shot.shot, v.service, v.number) for v in listed] == expected
    assert len(client.versions(show="long")) == len(expected) + 1
    pages = list(client.version_pages(show="long", sequence="sq010"))
    assert [len(page) for page in pages] == [100, 100, 100, 100, 50]


def test_the_newest_of_each_shot_is_the_one_made_last(client: Client) -> None:
    listed = client.versions(show="long", sequence="sq010", newest=True)
    assert [(v.shot.shot, v.service, v.number) for v in listed] == [
        (f"sh{n:04d}", "matte", 1) for n in range(SHOTS)
    ]
    upscaled = client.versions(show="long", service="upscale", newest=True)
    assert {v.number for v in upscaled} == {2}
    assert len(upscaled) == SHOTS


def test_versions_are_found_by_their_own_review_status(client: Client) -> None:
    """A version stays pending until it is decided about, and not until the next one is made."""
    waiting = client.versions(show="long", sequence="sq010", status=ReviewStatus.PENDING)
    expected = [
        (f"sh{n:04d}", service, number)
        for n in range(SHOTS)
        for service, number, _ in VERSION_SPECS
    ]
    expected.remove(("sh0007", "matte", 1))
    assert [(v.shot.shot, v.service, v.number) for v in waiting] == expected
    approved = client.versions(show="long", status=ReviewStatus.APPROVED)
    assert [v.id for v in approved] == ["sh0007-matte-1"], "the last decision counts"
    assert client.versions(show="long", status=ReviewStatus.REJECTED) == []


def test_every_page_has_the_decisions_of_its_versions(client: Client) -> None:
    decided = [v for v in client.versions(show="long") if v.decisions]
    assert [(v.id, v.status) for v in decided] == [("sh0007-matte-1", "approved")]
    assert [d.status for d in decided[0].decisions] == ["rejected", "approved"]


def test_pages_have_the_requested_length_and_continue(
    gateway: InProcessGateway, client: Client
) -> None:
    first = gateway.call("GET", "/v1/versions?show=long&limit=2").json()
    after = first[-1]["id"]
    second = gateway.call("GET", f"/v1/versions?show=long&limit=2&after={after}").json()
    labels = [(v["shot"]["shot"], v["service"], v["number"]) for v in (*first, *second)]
    assert labels == [
        ("sh0000", "matte", 1),
        ("sh0000", "upscale", 1),
        ("sh0000", "upscale", 2),
        ("sh0001", "matte", 1),
    ]
    assert gateway.call("GET", f"/v1/versions?after={'0' * 32}").status == 404
    assert gateway.call("GET", "/v1/versions?limit=501").status == 422
