"""The client with the real gateway, which is started by the launcher and killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge_core import gateway_launcher
from bridge_core.client import Client
from bridge_core.config import load_settings
from bridge_core.errors import IdempotencyKeyReused, MissingFrames, NotFound, UnknownService
from bridge_core.models.frames import FrameRange
from bridge_core.models.jobs import JobState
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.models.settings import Settings
from bridge_core.models.shots import Shot, ShotId
from bridge_core.models.versions import ResultFile

pytest.importorskip("fastapi")
oiio = pytest.importorskip("OpenImageIO")


@pytest.fixture(scope="module")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a local gateway for this module, which the first call starts."""
    base = tmp_path_factory.mktemp("gateway")
    settings = load_settings(
        {
            "client.state_dir": base / "state",
            "gateway.data_dir": base / "data",
            "gateway.library_dir": base / "library",
            "gateway.models_dir": base / "models",
        },
        environ={"XDG_CONFIG_HOME": str(base)},
    ).settings
    yield settings
    gateway_launcher.stop_gateway(settings)


@pytest.fixture
def shot(tmp_path: Path) -> Request:
    frames = FrameRange.of(1001, 1004)
    plate = Plate(
        path=str(tmp_path / "sc 010.%04d.exr"),
        range=frames,
        colour_space="ACEScg",
        width=64,
        height=36,
    )
    for frame in frames.frames():
        picture = oiio.ImageBuf(oiio.ImageSpec(64, 36, 3, "half"))
        oiio.ImageBufAlgo.fill(picture, (frame / 2000, -0.1, 1.5))
        assert picture.write(plate.path_at(frame))
    new_shot = Shot(
        id=ShotId(show="bunny", sequence="010", shot="0010"), plate=plate, cut_range=frames
    )
    return Request(shot=new_shot, service="round_trip")


def read_announcement(settings: Settings) -> Any:
    return json.loads((settings.client.state_dir / "gateway.json").read_text())


def test_a_shot_is_sent_and_a_version_fetched(
    own_settings: Settings, shot: Request, tmp_path: Path
) -> None:
    received = []
    with Client(own_settings) as client:
        job = client.submit(shot, key="round-trip-key")
        [job] = client.wait([job.id], received.append, timeout=120)
        assert job.problem is None
        assert job.state is JobState.SUCCEEDED
        assert job.version_id is not None
        assert received[-1].job == job
        version = client.version(job.version_id)
        assert version.frames == (1001, 1002, 1003, 1004)
        assert client.fetch(version, tmp_path / "out") == Path(version.folder)
        elsewhere = version.model_copy(update={"folder": "/on/another/machine"})
        folder = client.fetch(elsewhere, tmp_path / "out")
        listed = client._get(list[ResultFile], f"/v1/results/{version.id}/files")
        downloaded = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert downloaded == {file.path for file in listed}
        assert client.proxy(version.id, 1001)[:2] == b"\xff\xd8"
        assert client.submit(shot, key="round-trip-key").id == job.id
        with pytest.raises(IdempotencyKeyReused):
            client.submit(shot.model_copy(update={"note": "other"}), key="round-trip-key")
        assert client.outbox.entries() == ()


def test_an_error_of_the_gateway_keeps_its_class(own_settings: Settings, shot: Request) -> None:
    with Client(own_settings) as client:
        with pytest.raises(UnknownService):
            client.submit(shot.model_copy(update={"service": "teleport"}))
        with pytest.raises(NotFound):
            client.job("no-such-job")


def test_a_gateway_killed_between_and_during_calls_is_started_again(
    own_settings: Settings, shot: Request
) -> None:
    with Client(own_settings) as client:
        first = client.about().instance_id
        os.kill(read_announcement(own_settings)["pid"], signal.SIGKILL)
        job = client.submit(shot)
        os.kill(read_announcement(own_settings)["pid"], signal.SIGKILL)
        [job] = client.wait([job.id], timeout=200)
        assert job.state is JobState.SUCCEEDED
        assert client.about().instance_id != first
        assert [v.number for v in client.versions(show="bunny") if v.job_id == job.id] != []


def test_a_plate_can_be_inspected_without_a_job(own_settings: Settings, shot: Request) -> None:
    plate = shot.shot.plate
    with Client(own_settings) as client:
        first = client.plate_proxy(plate, 1001)
        assert first[:2] == b"\xff\xd8"
        assert client.plate_proxy(plate, 1001) == first
        with pytest.raises(MissingFrames):
            client.plate_proxy(plate, 1009)
        # The gateway's uploads are deleted meanwhile.
        for content in (own_settings.gateway.data_dir / "contents").rglob("*"):
            if content.is_file():
                content.unlink()
        assert client.plate_proxy(plate, 1002)[:2] == b"\xff\xd8"
        assert client.jobs(show="nobody") == []
