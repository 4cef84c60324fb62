"""The suite that every host passes; needs pytest.

A host's tests set it up in a module of their own::

    from bridge_core.hosts.conformance import HostUnderTest
    from bridge_core.hosts.conformance.suite import *

    @pytest.fixture
    def subject(tmp_path):
        yield HostUnderTest(host=..., empty=..., plates=..., shots=2, problems=1, placed=...)

The sample scene has plates of 64 by 36 pixels at 25 frames per second on disk, and at least two
shots with handles; tests of what the host cannot do are skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge_core.hosts.base import Host, HostCapability
from bridge_core.models.shots import Shot
from bridge_core.models.versions import DecisionRecord, Proxies, ResultOutput, ReviewStatus, Version

# Failed assertions show their values, as in any module of tests.
pytest.register_assert_rewrite("bridge_core.hosts.conformance.suite")


@dataclass
class HostUnderTest:
    """A host with a sample scene, and what the suite has to know about it."""

    host: Host
    empty: Host
    """The same host with an empty scene."""
    plates: Path
    """Folder of the plates, which must never change."""
    shots: int
    problems: int
    other: Path | None = None
    """A cut that it can open, with one shot."""
    placed: Callable[[], dict[str, list[str]]] | None = None
    """Paths of the placed versions by item id."""
    state: Callable[[], object] = lambda: None
    """State that rendering must not change: settings, nodes, whether the script is modified."""
    write_note: Callable[[str, str], None] | None = None
    """Write a note (item id, text) on the placed version, as a person does in the host."""
    end: Callable[[], None] = lambda: None
    """Closes the host's program."""
    picture: bytes = b"a picture"
    """A file of a version, for hosts that read it: 64 by 36 pixels."""

    @property
    def library(self) -> Path:
        return self.plates.parent / "library"


def file_hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def version(subject: HostUnderTest, shot: Shot, number: int, local_folder: str = "") -> Version:
    """A version with files, which some hosts read. With ``local_folder`` they are in that folder of
    the library instead of the gateway's."""
    span = shot.work_range
    folder = subject.library / shot.id.shot / f"v{number:03d}"
    pictures = subject.library / local_folder if local_folder else folder
    pictures.mkdir(parents=True, exist_ok=True)
    for frame in span.frames():
        (pictures / f"main.{frame:04d}.exr").write_bytes(subject.picture)
    at = datetime(2026, 11, 1, number, tzinfo=UTC)
    main = ResultOutput(
        name="main",
        pattern="main.%04d.exr",
        range=span,
        colour_space="ACEScg",
        width=64,
        height=36,
        channels=("R", "G", "B"),
        depth="half",
    )
    return Version(
        id=f"id-{shot.id.shot}-{number}",
        shot=shot.id,
        service="upscale",
        job_id=f"job-{number}",
        folder=str(folder),
        frames=tuple(span.frames()),
        outputs=(main,),
        proxies=Proxies(pattern="p.%d.jpg", width=64, height=36, display="sRGB", view="ACES"),
        created=at,
        requested_by="Ada",
        number=number,
        status=ReviewStatus.APPROVED,
        decisions=(DecisionRecord(status=ReviewStatus.APPROVED, by="Ada", at=at),),
    )


def require(subject: HostUnderTest, capability: HostCapability) -> None:
    if capability not in subject.host.capabilities:
        pytest.skip(f"this host has no {capability}")
