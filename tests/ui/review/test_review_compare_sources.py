"""Sources to compare: other shots' versions and changed plates; and requests made from feedback.

The controllers' session is never started, so there are no requests to a gateway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_main_thread import FakeMainThread

from bridge_core.hosts.base import Host, HostCapability, HostScene
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.notes import Note
from bridge_core.models.requests import Request
from bridge_core.models.services import DataLocality, Service, TextParameter
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import (
    DecisionRecord,
    Lineage,
    Proxies,
    ResultOutput,
    ReviewStatus,
    Version,
)
from bridge_ui.core.session import Session
from bridge_ui.review.compare.media_choices import PLATE
from bridge_ui.review.controller import ReviewController
from bridge_ui.review.revision import feedback_texts, repeat_request, revision_request

AT = datetime(2026, 1, 1, tzinfo=UTC)


class EmptySceneHost(Host):
    @property
    def title(self) -> str:
        return "a host"

    @property
    def capabilities(self) -> frozenset[HostCapability]:
        return frozenset()

    def scene(self) -> HostScene:
        return HostScene("", "", (), ())


def shot(name: str, folder: Path, first: int) -> Shot:
    return Shot(
        id=ShotId(show="BBB", sequence="A", shot=name),
        plate=Plate(path=str(folder / f"{name}.%04d.exr"), range=FrameRange.of(first, first + 9)),
        cut_range=FrameRange.of(first + 2, first + 7),
    )


def version(of: Shot, number: int = 1, *decisions: DecisionRecord) -> Version:
    frames = of.cut_range
    return Version(
        id=f"{of.id.shot}-{number}",
        number=number,
        shot=of.id,
        service="upscale",
        job_id="j",
        folder="/v",
        frames=tuple(frames.frames()),
        outputs=(
            ResultOutput(
                name="main",
                pattern="%04d.exr",
                range=frames,
                colour_space="ACEScg",
                width=64,
                height=36,
                channels=("R", "G", "B"),
                depth="half",
            ),
        ),
        proxies=Proxies(pattern="%04d.jpg", width=64, height=36, display="sRGB", view="x"),
        created=AT + timedelta(hours=number),
        requested_by="Ada",
        decisions=decisions,
    )


@pytest.fixture
def main_thread() -> FakeMainThread:
    return FakeMainThread()


@pytest.fixture
def review(tmp_path: Path, main_thread: FakeMainThread) -> Iterator[ReviewController]:
    # No gateway listens there.
    client = ClientSettings(state_dir=tmp_path, user="Ada", url="http://127.0.0.1:9", retries=0)
    settings = Settings(client=client)
    session = Session(settings, EmptySceneHost(), main_thread.post)
    controller = ReviewController(session)
    yield controller
    controller.close()
    assert session.close(10.0)


def test_another_shots_version_is_shifted_to_the_shot(
    review: ReviewController, tmp_path: Path
) -> None:
    reviewed, other = shot("S_010", tmp_path, 1001), shot("S_020", tmp_path, 86400)
    own, older, newest = version(reviewed), version(other, 1), version(other, 2)
    review._session.store.merge(versions=[own, older, newest])
    review.set_other_shots([reviewed, other])
    review.open(reviewed)
    labels = [choice.label for choice in review.state.value.choices]
    assert labels == ["Plate", "Upscale v001", "S_020 Upscale v002"]
    review.choose_a(newest.id)
    source = review.a.value
    assert source is not None
    assert source.frames == own.frames, "both cuts begin on the same frame"
    review.choose_b(PLATE)
    assert review.state.value.version is None, "another shot's version is never under review"
    review.choose_b(own.id)
    review.step_version(-1)
    assert review.state.value.b == own.id
    review.set_other_shots([])
    assert review.state.value.a == PLATE


def test_a_plate_that_was_rendered_again_gets_a_new_source(
    review: ReviewController, tmp_path: Path, main_thread: FakeMainThread
) -> None:
    reviewed = shot("S_010", tmp_path, 1001)
    files = [Path(reviewed.plate.path_at(frame)) for frame in reviewed.work_range.frames()]
    for file in files:
        file.write_bytes(b"first")
    review.open(reviewed)
    first = review.a.value
    assert first is not None
    main_thread.wait_until(lambda: not review._sources._plate_call.busy, "the plate")
    review.check_plate()
    main_thread.wait_until(lambda: not review._sources._plate_call.busy, "the plate")
    assert review.a.value is first, "nothing has changed"
    files[3].write_bytes(b"again")
    os.utime(files[3], ns=(0, files[0].stat().st_mtime_ns + 10**9))
    review.check_plate()
    main_thread.wait_until(lambda: review.a.value is not first, "the changed plate")
    assert review.a.value is not None
    assert review.a.value.key != first.key
    assert review.a.value.frames == first.frames


def test_all_feedback_is_in_the_next_request(tmp_path: Path) -> None:
    reviewed = shot("S_010", tmp_path, 1001)
    record = DecisionRecord(
        status=ReviewStatus.CHANGES_REQUESTED, by="Ada", comment="calmer", at=AT
    )
    reviewed_version = version(reviewed, 1, record)
    notes = [
        Note(id="1", version_id=reviewed_version.id, text="the whole sky", by="Ada", at=AT),
        Note(
            id="2",
            version_id=reviewed_version.id,
            frames=FrameRange.of(1004, 1004),
            text="hold the leaves",
            by="Ada",
            at=AT,
        ),
    ]
    feedback = feedback_texts(reviewed_version, notes)
    service = Service(
        id="extend",
        title="Set extension",
        summary="",
        provider="local",
        data_locality=DataLocality.LOCAL,
        parameters=(TextParameter(name="prompt", title="Prompt", max_length=60),),
    )
    earlier_request = Request(
        shot=reviewed,
        service="extend",
        note="the whole sky",
        parameters={"prompt": "a meadow"},
    )
    lineage = Lineage.model_construct(  # type: ignore[call-arg]
        request=earlier_request, parameters={"prompt": "a meadow"}
    )
    trimmed = reviewed.model_copy(update={"head_handle": 4})
    request = revision_request(lineage, reviewed_version.id, feedback, service, trimmed)
    assert request.note == "the whole sky\ncalmer\n1004: hold the leaves"
    assert request.parameters["prompt"] == "a meadow\ncalmer\nthe whole sky\n1004: hold the leaves"
    assert request.source_version_id == reviewed_version.id
    assert request.shot == trimmed
    too_long = revision_request(lineage, reviewed_version.id, ["x" * 100], service, reviewed)
    assert too_long.parameters["prompt"] == "a meadow\n" + "x" * 51
    assert request.seed is None, "the service takes none"
    seeded = lineage.model_copy(update={"seed": 7})
    assert repeat_request(seeded).seed == 7, "which the gateway chose"
    assert revision_request(seeded, reviewed_version.id, (), service, reviewed).seed == 7
    without_service = revision_request(lineage, reviewed_version.id, feedback, None, reviewed)
    assert without_service.parameters == {"prompt": "a meadow"}
