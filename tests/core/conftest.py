"""Fixtures for the client's tests, with the strict gateway as the module ``strict_gateway``."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge_core.client import Client
from bridge_core.connection.transport import Transport
from bridge_core.gateway_launcher import find_gateway
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import Request
from bridge_core.models.settings import ClientSettings, Settings
from bridge_core.models.shots import Shot, ShotId

_spec = importlib.util.spec_from_file_location(
    "strict_gateway", Path(__file__).with_name("strict_gateway.py")
)
assert _spec is not None
assert _spec.loader is not None
strict_gateway = importlib.util.module_from_spec(_spec)
sys.modules["strict_gateway"] = strict_gateway
_spec.loader.exec_module(strict_gateway)


@pytest.fixture
def gateway() -> Iterator[Any]:
    """A :class:`strict_gateway.StrictGateway`, checked for violations at the end."""
    running = strict_gateway.StrictGateway()
    yield running
    running.stop()
    assert running.violations == []


@pytest.fixture
def settings(gateway: Any, tmp_path: Path) -> Settings:
    """Settings for a client of the strict gateway, with few retries."""
    token = tmp_path / "token"
    token.write_text(strict_gateway.TOKEN + "\n")
    token.chmod(0o600)
    client = ClientSettings(
        url=gateway.url,
        token_file=token,
        state_dir=tmp_path / "state",
        connect_timeout=2,
        read_timeout=2,
        retries=3,
    )
    return Settings(client=client)


@pytest.fixture
def transport(settings: Settings) -> Iterator[Transport]:
    new_transport = Transport(lambda: find_gateway(settings), settings.client)
    yield new_transport
    new_transport.close()


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with Client(settings) as new_client:
        yield new_client


@pytest.fixture
def plate(tmp_path: Path) -> Plate:
    """Six frames of different sizes, one of them empty, two of them the same."""
    return make_plate(tmp_path / "plates" / "größe 10", range(1001, 1007))


def make_plate(folder: Path, frames: range) -> Plate:
    folder.mkdir(parents=True)
    for index, frame in enumerate(frames):
        content = random.Random(index % 5).randbytes([300_000, 0, 1_500_000, 70_000, 1][index % 5])
        (folder / f"sc.{frame}.exr").write_bytes(content)
    return Plate(
        path=str(folder / "sc.%04d.exr"), range=FrameRange.of(frames.start, frames.stop - 1)
    )


@pytest.fixture
def request_of(plate: Plate) -> Request:
    return make_request(plate)


def make_request(plate: Plate) -> Request:
    shot = Shot(
        id=ShotId(show="bunny", sequence="010", shot="0010"), plate=plate, cut_range=plate.range
    )
    return Request(shot=shot, service="upscale")
