"""The sample comp of tests/hosts/nuke_sample_comp.py in the fake, and a host for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nuke_sample_comp
import pytest

from bridge_core.models.settings import Settings

if TYPE_CHECKING:
    from nuke_fake import FakeNuke

    from bridge_nuke.host import NukeHost

SETTINGS = Settings.model_validate({"work": {"handles": 2, "show": "bunny"}})


@pytest.fixture
def program(tmp_path: Path) -> Iterator[FakeNuke]:
    folder = tmp_path / "Größe und Länge"
    folder.mkdir()
    nuke = nuke_sample_comp.sample_comp(folder)
    yield nuke
    nuke.close()


@pytest.fixture
def host(program: FakeNuke) -> NukeHost:
    from bridge_nuke.host import NukeHost

    return NukeHost(lambda: SETTINGS)
