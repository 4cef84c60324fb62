"""Fixtures of gateways that run in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process_gateway import InProcessGateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessGateway]:
    """One gateway for all tests of a module."""
    running = InProcessGateway(tmp_path_factory.mktemp("gateway"))
    running.open()
    yield running
    running.close()


@pytest.fixture
def own_gateway(tmp_path: Path) -> Iterator[InProcessGateway]:
    """A gateway of the test's own, running; the test may close and open it again."""
    running = InProcessGateway(tmp_path / "gateway")
    running.open()
    yield running
    running.close()
