"""What the gateway says about itself, and the events that it sends."""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bridge_core.models.base import ResponseModel, StrictModel, Timestamp
from bridge_core.models.frames import FRAME_LIMIT, Rate
from bridge_core.models.jobs import Job
from bridge_core.models.media import Plate, SourceFile
from bridge_core.models.notes import Note
from bridge_core.models.versions import Version

#: Text that a client has never used before, for which a gateway proves that it knows the token.
Challenge = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{20,128}$")]


class About(ResponseModel):
    """The handshake: who answers, and whether the two can talk."""

    product: str = "shotbridge-gateway"
    version: str
    api_version: str
    """Major and minor; a client talks to the same major and any minor at or above its own."""
    min_client_version: str
    """The oldest client that this gateway still understands."""
    instance_id: str
    """Changes with every start of the gateway."""
    proof: str | None = None
    """See :func:`proof_of`; only where a challenge was sent."""


def compute_proof(token: str, challenge: str, instance: str) -> str:
    """What only a gateway that knows the token can answer a challenge with: an HMAC-SHA-256
    (RFC 2104), hexadecimal, keyed with the token. The instance is in it, so that one running
    gateway's answer does not stand for another's."""
    text = f"shotbridge gateway proof 1\n{challenge}\n{instance}"
    return hmac.new(token.encode(), text.encode(), "sha256").hexdigest()


class HealthCheck(ResponseModel):
    name: str
    ok: bool
    message: str
    next_step: str = ""


class Health(ResponseModel):
    ok: bool
    checks: tuple[HealthCheck, ...]


class EventKind(StrEnum):
    JOB = "job"
    VERSION = "version"
    NOTE = "note"


class Event(ResponseModel):
    """One thing that happened. It carries the whole new state, so a later event of the same
    thing always replaces an earlier one and a missed event is mended by the next."""

    id: int
    kind: EventKind
    at: Timestamp
    job: Job | None = None
    version: Version | None = None
    note: Note | None = None


class ReadableFilesQuery(StrictModel):
    """Files that a client would rather name than send."""

    files: tuple[SourceFile, ...]


class ReadableFilesResponse(ResponseModel):
    """Positions in the query of the files that the gateway can read and finds unchanged."""

    readable: tuple[int, ...]


class MediaInfo(ResponseModel):
    """What a movie or a still says of itself."""

    width: int
    height: int
    pixel_aspect: float
    rate: Rate | None
    """Frames per second; None where the file does not say."""
    frame_count: int | None
    """How many pictures a movie has; None for a still."""
    start_timecode: str | None
    """Of the first picture."""
    colour: str
    """What it says of its colour, in words; empty for nothing."""


class PlateFrameQuery(StrictModel):
    """A frame of a plate that somebody wants to look at, and the file that it is in."""

    plate: Plate
    file: SourceFile
    frame: int = Field(ge=-FRAME_LIMIT, le=FRAME_LIMIT)
    """In the plate's numbering."""
