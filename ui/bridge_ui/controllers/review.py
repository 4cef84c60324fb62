"""Reviewing a shot: its plate and versions to compare, notes, decisions, and asking again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge_ui.controllers.observable import Observable
from bridge_ui.controllers.words import Sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge_core.models.frames import FrameRange
    from bridge_core.models.notes import Note, Stroke
    from bridge_core.models.requests import Request
    from bridge_core.models.shots import Shot
    from bridge_core.models.versions import DecisionRecord, ReviewStatus, Version
    from bridge_ui.controllers.frames import FrameSource
    from bridge_ui.controllers.session import Session

#: Id of the plate among the choices.
PLATE = "plate"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be A or B."""

    id: str
    """:data:`PLATE`, or the id of a version, a try or a running job."""
    label: str
    """``Plate``, ``Upscale v003``, ``Matte, running``"""
    sign: Sign | None = None
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class ReviewState:
    shot: Shot | None = None
    choices: tuple[Choice, ...] = ()
    """The plate, then the newest first."""
    a: str = ""
    """Ids of the choices; empty: none."""
    b: str = ""
    version: Version | None = None
    """What is under review: B, else A, whichever is a version."""
    notes: tuple[Note, ...] = ()
    """Of that version, by frame; those on the whole version first."""
    decisions: tuple[DecisionRecord, ...] = ()
    """Of that version, newest first."""
    busy: bool = False
    """Something that was decided or said is on its way."""
    problem: str = ""
    next_step: str = ""
    told: str = ""
    """What was done last, in words: ``v003 approved by Ada Lovelace, 11:20``"""


class ReviewController:
    """``state`` says what there is, ``a`` and ``b`` give the pictures."""

    def __init__(self, session: Session) -> None:
        self.state: Observable[ReviewState] = Observable(ReviewState())
        self.a: Observable[FrameSource | None] = Observable(None)
        self.b: Observable[FrameSource | None] = Observable(None)

    def open(self, shot: Shot | None) -> None:
        """Review another shot: A is its plate, B its newest version. None: nothing."""
        raise NotImplementedError

    def choose_a(self, id: str) -> None:  # noqa: A002  the API's word
        raise NotImplementedError

    def choose_b(self, id: str) -> None:  # noqa: A002
        """The empty text: no B."""
        raise NotImplementedError

    def swap(self) -> None:
        raise NotImplementedError

    def step_version(self, by: int) -> None:
        """B becomes the next newer (1) or older (-1) version; at the end it stays."""
        raise NotImplementedError

    def decide(self, status: ReviewStatus, comment: str = "") -> None:
        raise NotImplementedError

    def add_note(
        self,
        text: str,
        strokes: Iterable[Stroke] = (),
        frames: FrameRange | None = None,
        *,
        done: Callable[[Note], None] | None = None,
    ) -> None:
        """On the version under review. ``done`` is told once the gateway has it; until then, and
        where it fails (``state.problem``), the caller keeps the drawing."""
        raise NotImplementedError

    def make_again(self, note: Note, then: Callable[[Request], None]) -> None:
        """The request that the note's version was made from, with what the note says in it, for
        :meth:`bridge_ui.controllers.send.SendController.prefill`."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
