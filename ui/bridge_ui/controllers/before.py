"""What sending will mean, in words: "Before you send"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from textwrap import shorten
from typing import TYPE_CHECKING

from bridge_core.models.services import Reach
from bridge_ui.controllers.signs import Tone
from bridge_ui.controllers.words import spell_duration, spell_frames
from bridge_ui.translate import counted, tr

if TYPE_CHECKING:
    from bridge_core.models.jobs import Estimate
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_ui.controllers.board import Board
    from bridge_ui.controllers.form import Field


#: Characters of a note that are shown.
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Line:
    """A line of "Before you send"."""

    title: str
    """``Renders first``, ``Goes out``, ``Note``, ``Look``, ``To``, ``Takes``, ``Costs``,
    ``Allowed``"""
    words: str
    tone: Tone = Tone.PLAIN


def lines(
    service: Service,
    requests: Sequence[Request],
    estimates: Sequence[Estimate],
    ahead: int,
    *,
    connected: bool,
    renders: tuple[int, str] | None = None,
) -> tuple[Line, ...]:
    """``estimates`` are those of ``requests``, or empty while they are not known; ``ahead`` the
    jobs that stand before these; ``renders`` how many frames which host has to write first."""
    found = [Line(tr("Goes out"), _goes_out(requests))]
    if requests[0].note.strip():
        found.append(Line(tr("Note"), _note(requests)))
    if requests[0].references:
        names = [PurePath(one.path).name for one in requests[0].references]
        found.append(Line(tr("Look"), shorten(", ".join(names), _LONGEST, placeholder=" …")))
    found.append(Line(tr("To"), _to(service)))
    if renders is not None:
        words = tr("{frames} in {host}", frames=spell_frames(renders[0]), host=renders[1])
        found.insert(0, Line(tr("Renders first"), words))
    if not connected:
        words = tr("once the gateway answers; until then it is kept in the outbox")
        found.append(Line(tr("Takes"), words, Tone.WAITS))
    elif estimates:
        found.append(Line(tr("Takes"), _takes(estimates, ahead)))
        found.append(Line(tr("Costs"), _costs(estimates)))
        found.append(_allowed(estimates))
    return tuple(found)


def _goes_out(requests: Sequence[Request]) -> str:
    frames = sum(request.shot.work_range.count for request in requests)
    cut = sum(request.shot.cut_range.count for request in requests)
    told = spell_frames(cut)
    if frames > cut:
        told += " + " + counted(frames - cut, "{n} handle", "{n} handles")
    if len(requests) > 1:
        told = counted(len(requests), "{n} shot", "{n} shots") + ", " + told
    spaces = sorted({r.shot.plate.colour_space or tr("colour by rule") for r in requests})
    sizes = sorted(
        {
            f"{r.shot.plate.width}×{r.shot.plate.height}"
            for r in requests
            if r.shot.plate.width and r.shot.plate.height
        }
    )
    delivery = tr("back as {format}", format=_format(requests[0]))
    return " · ".join([told, ", ".join([*spaces[:2], *sizes[:2]]), delivery])


def _note(requests: Sequence[Request]) -> str:
    words = shorten(requests[0].note, _LONGEST, placeholder=" …")
    if len(requests) == 1:
        return tr("“{words}”", words=words)
    return tr("“{words}” with each of the {n} shots", words=words, n=len(requests))


def _format(request: Request) -> str:
    return "EXR" if request.delivery.value == "exr" else tr("the plate's own format")


def _to(service: Service) -> str:
    match service.reach:
        case Reach.THIS_MACHINE:
            return tr("this machine, nothing leaves it")
        case Reach.STUDIO:
            return tr("the studio's machines, nothing leaves the studio")
        case Reach.OUTSIDE:
            return tr("outside the studio: {provider}", provider=service.provider)


def _takes(estimates: Sequence[Estimate], ahead: int) -> str:
    known = [estimate.seconds for estimate in estimates if estimate.seconds is not None]
    if len(known) == len(estimates):
        told = spell_duration(sum(known))
    else:
        told = tr("not known yet: nobody has asked for it here before")
    if ahead:
        return told + ", " + counted(ahead, "behind {n} job", "behind {n} jobs")
    return told + ", " + tr("starts now")


def _costs(estimates: Sequence[Estimate]) -> str:
    sums: dict[str, Decimal] = {}
    for estimate in estimates:
        cost = estimate.cost
        sums[cost.currency] = sums.get(cost.currency, Decimal(0)) + cost.amount
    told = [f"{amount:.2f} {currency}" for currency, amount in sums.items() if amount]
    return " + ".join(told) or tr("nothing")


def _allowed(estimates: Sequence[Estimate]) -> Line:
    refused = next((estimate for estimate in estimates if not estimate.allowed), None)
    if refused is not None:
        why = refused.reason or tr("the gateway does not say why")
        return Line(tr("Allowed"), tr("no: {why}", why=why), Tone.BAD)
    reason = estimates[0].reason
    words = tr("yes: {why}", why=reason) if reason else tr("yes")
    return Line(tr("Allowed"), words, Tone.GOOD)


def missing(
    service: Service | None,
    shots: Sequence[Shot],
    fields: Sequence[Field],
    requests: Sequence[Request],
    estimates: Sequence[Estimate],
    refused: str,
) -> tuple[str, ...]:
    """What has to be done before anything can be sent; empty: it can. ``refused`` is why the
    gateway would not even estimate it."""
    if service is None:
        return (tr("wait for the gateway: its services are not known yet"),)
    found = [] if service.available else [service.unavailable_because]
    if not shots:
        found.append(tr("select a shot"))
    found += [f"{field.parameter.title}: {field.problem}" for field in fields if field.problem]
    if not found and not requests:
        found.append(tr("shorten the note, or trim the shot: it is more than one can ask for"))
    if refused and requests:
        found.append(refused)
    forbidden = next((estimate for estimate in estimates if not estimate.allowed), None)
    if forbidden is not None:
        found.append(forbidden.reason or tr("the gateway does not allow it"))
    return tuple(found)


def button(requests: Sequence[Request], shots: int, board: Board) -> str:
    """What pressing the button will do: ``Make v004``, ``Make 3 versions``."""
    if shots > 1:
        return tr("Make {n} versions", n=shots)
    if not requests:
        return tr("Make a version")
    asked = requests[0]
    numbers = [v.number for v in board.versions_of(asked.shot.id) if v.service == asked.service]
    going = sum(
        not job.state.ended and job.request.service == asked.service and not job.request.is_try
        for job in board.jobs_of(asked.shot.id)
    )
    return tr("Make v{number}", number=f"{max(numbers, default=0) + going + 1:03d}")
