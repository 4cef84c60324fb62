"""A version that is repeated or revised keeps its regions, seed and roles of references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import MatteRegion, Reference, Request, ShapeRegion
from bridge_core.models.services import AcceptedInputs, DataLocality, Service
from bridge_core.models.shots import Shot, ShotId
from bridge_ui.app.standalone_host import StandaloneHost
from bridge_ui.core.session import Session
from bridge_ui.send.controller import SendController

if TYPE_CHECKING:
    from fake_main_thread import FakeMainThread

EDIT = Service(
    id="edit",
    title="Edit",
    summary="Edits regions",
    provider="local",
    data_locality=DataLocality.LOCAL,
    accepts=AcceptedInputs(references=4, regions=("matte", "shape"), seed=True),
)
PLAIN = EDIT.model_copy(update={"id": "plain", "title": "Plain", "accepts": AcceptedInputs()})


def shot(name: str) -> Shot:
    span = FrameRange.of(1001, 1010)
    plate = Plate(path=f"/plates/{name}.%04d.exr", range=span)
    return Shot(id=ShotId(show="bunny", sequence="sq010", shot=name), plate=plate, cut_range=span)


MATTE = MatteRegion(path="/mattes/sky.%04d.exr", channel="A", feather=4)
SHAPE = ShapeRegion(points=((0, 0), (1, 0), (1, 1)))
EARLIER = Request(
    shot=shot("A_010"),
    service="edit",
    references=(Reference(path="/a.png", role="style"), Reference(path="/b.png", role="pose")),
    regions=(MATTE, SHAPE),
    seed=7,
    note="bluer",
    source_version_id="v1",
)


@pytest.fixture
def send(main_thread: FakeMainThread, settings_in: Any, tmp_path: Path) -> Iterator[SendController]:
    """The form of a session that was never started: nothing is asked, nothing is sent."""
    settings = settings_in(tmp_path)
    session = Session(settings, StandaloneHost(settings, None), main_thread.post)
    session.services.set((EDIT, PLAIN))
    controller = SendController(session)
    yield controller
    controller.close()
    session.close(5)


def request_of(send: SendController) -> Request:
    [request] = send._requests
    return request


def summary_of(send: SendController) -> dict[str, str]:
    return {line.title: line.text for line in send.state.value.summary}


def test_the_form_requests_the_same_as_the_earlier_request(send: SendController) -> None:
    send.prefill(EARLIER)
    assert request_of(send) == EARLIER
    assert summary_of(send)["Regions"] == "matte sky.####.exr, 1 shape"
    send.set_shots([shot("A_020")])
    other = request_of(send)
    assert (other.regions, other.seed, other.references) == ((), None, ())
    assert "Regions" not in summary_of(send)
    send.set_shots([EARLIER.shot])
    assert request_of(send) == EARLIER, "kept with its shot"


def test_references_keep_their_roles_while_others_are_added(send: SendController) -> None:
    send.prefill(EARLIER)
    send.add_references(["/c.png", "/a.png"])
    send.remove_reference("/b.png")
    assert request_of(send).references == (EARLIER.references[0], Reference(path="/c.png"))


def test_resetting_the_form_removes_regions_and_seed(send: SendController) -> None:
    send.prefill(EARLIER)
    send.reset()
    request = request_of(send)
    assert (request.regions, request.seed, request.note) == ((), None, "bluer")


def test_regions_stay_in_a_request_to_a_service_without_them(send: SendController) -> None:
    send.choose_service("plain")
    send.prefill(EARLIER.model_copy(update={"service": "gone"}))
    assert "no longer has the service" in send.state.value.problem
    request = request_of(send)
    assert (request.service, request.seed, request.references) == ("plain", None, ())
    assert request.regions == EARLIER.regions, "the gateway refuses it, and changes no other pixel"


def test_what_came_with_an_earlier_request_is_sent_once(
    main_thread: FakeMainThread, send: SendController
) -> None:
    send.prefill(EARLIER)
    send.send()
    main_thread.wait_until(lambda: send.state.value.message, "the request to be stored")
    request = request_of(send)
    assert (request.regions, request.seed, request.source_version_id) == ((), None, None)


def test_a_chosen_matte_stays_with_its_shot(
    main_thread: FakeMainThread, send: SendController, tmp_path: Path
) -> None:
    picture = tmp_path / "face.png"
    picture.write_bytes(b"a picture")
    chosen = MatteRegion(path=str(picture))
    send.prefill(EARLIER)
    send.choose_matte(str(picture))
    send.set_shots([shot("A_020")])
    main_thread.wait_until(lambda: not send.state.value.message, "the file to be found")
    assert request_of(send).regions == (), "it was chosen for the other shot"
    send.set_shots([EARLIER.shot])
    assert request_of(send).regions == (SHAPE, chosen), "it replaces the earlier matte"
    send.send()
    main_thread.wait_until(lambda: send.state.value.message, "the request to be stored")
    assert request_of(send).regions == (chosen,), "without it, the whole picture might change"
    send.prefill(EARLIER)
    assert request_of(send).regions == EARLIER.regions
