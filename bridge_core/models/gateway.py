"""The gateway's handshake, health and events, and its media queries."""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bridge_core.models.base import StrictModel, Timestamp, TolerantModel
from bridge_core.models.frames import FRAME_LIMIT, Rate
from bridge_core.models.jobs import Job, JobUpdate
from bridge_core.models.media import Plate, SourceFile
from bridge_core.models.notes import Note
from bridge_core.models.versions import Version

#: A text that a client uses only once, for which a gateway proves that it knows the token.
Challenge = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{20,128}$")]


class About(TolerantModel):
    """The handshake: which gateway answers, and whether client and gateway are compatible."""

    product: str = "shotbridge-gateway"
    version: str
    api_version: str
    """Major and minor. A client needs the same major, and a minor not below its own."""
    min_client_version: str
    """The oldest client version that this gateway accepts."""
    instance_id: str
    """Changes with each start of the gateway."""
    proof: str | None = None
    """See :func:`compute_proof`; only set if a challenge was sent."""


def compute_proof(token: str, challenge: str, instance: str) -> str:
    """The answer to a challenge that only a gateway with the token can give: a hexadecimal
    HMAC-SHA-256 (RFC 2104) keyed with the token. It includes the instance, so that the proof of
    one running gateway is not valid for another."""
    text = f"shotbridge gateway proof 1\n{challenge}\n{instance}"
    return hmac.new(token.encode(), text.encode(), "sha256").hexdigest()


class HealthCheck(TolerantModel):
    name: str
    ok: bool
    message: str
    next_step: str = ""


class Health(TolerantModel):
    ok: bool
    checks: tuple[HealthCheck, ...]


class EventKind(StrEnum):
    JOB = "job"
    PROGRESS = "progress"
    VERSION = "version"
    NOTE = "note"


class Event(TolerantModel):
    """A change at the gateway. It has the complete new state, so a later event replaces an earlier
    one, and the next event makes up for a missed one. Only the frequent progress events leave out
    what does not change: the client's event stream turns them into events with the whole job."""

    id: int
    kind: EventKind
    at: Timestamp
    job: Job | None = None
    """When it begins, ends or gets warnings."""
    update: JobUpdate | None = None
    """While it runs, of the kind ``progress``."""
    version: Version | None = None
    note: Note | None = None


class ReadableFilesQuery(StrictModel):
    """Files that the client would prefer not to upload."""

    files: tuple[SourceFile, ...]


class ReadableFilesResponse(TolerantModel):
    """Indices into the query of the files that the gateway can read and that are unchanged."""

    readable: tuple[int, ...]


class MediaInfo(TolerantModel):
    """Metadata of a movie or a still."""

    width: int
    height: int
    pixel_aspect: float
    rate: Rate | None
    """Frames per second; None if the file does not state it."""
    frame_count: int | None
    """Number of frames of a movie; None for a still."""
    start_timecode: str | None
    """Timecode of the first frame."""
    colour: str
    """A description of its colour tags; empty if it has none."""


class PlateFrameQuery(StrictModel):
    """A frame of a plate to get a proxy of, and the file that it is in."""

    plate: Plate
    file: SourceFile
    frame: int = Field(ge=-FRAME_LIMIT, le=FRAME_LIMIT)
    """In the plate's frame numbers."""
