"""The text of "Before you send"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from textwrap import shorten
from typing import TYPE_CHECKING

from bridge_core.models.enumerations import DataLocality
from bridge_ui.core.display_text import (
    file_names,
    format_estimated_duration,
    format_frame_count,
)
from bridge_ui.core.status_sign import Tone
from bridge_ui.core.translate import tr, tr_count

if TYPE_CHECKING:
    from bridge_core.models.costs import Quote
    from bridge_core.models.requests import Request
    from bridge_core.models.services import Service
    from bridge_core.models.shots import Shot
    from bridge_ui.core.store import Store
    from bridge_ui.send.form import FormField


#: Characters of a note or a list of references.
_MAX_TEXT_LENGTH = 120


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """A line of "Before you send"."""

    title: str
    """``Render first``, ``Send``, ``Note``, ``References``, ``Regions``, ``To``, ``Duration``,
    ``Cost``, ``Allowed``"""
    text: str
    tone: Tone = Tone.NEUTRAL


def summary_lines(
    service: Service,
    requests: Sequence[Request],
    quotes: Sequence[Quote],
    jobs_ahead: int,
    *,
    connected: bool,
    render: tuple[int, str] | None = None,
) -> tuple[SummaryLine, ...]:
    """``quotes`` are empty while not known; ``jobs_ahead`` is the length of the queue;
    ``render`` the number of frames to render first and the host's title."""
    result = [SummaryLine(tr("Send"), _plates_text(requests))]
    if requests[0].note.strip():
        result.append(SummaryLine(tr("Note"), _note_text(requests)))
    if requests[0].references:
        names = [PurePath(reference.path).name for reference in requests[0].references]
        text = shorten(", ".join(names), _MAX_TEXT_LENGTH, placeholder=" …")
        result.append(SummaryLine(tr("References"), text))
    if requests[0].regions:
        result.append(SummaryLine(tr("Regions"), _regions_text(requests[0])))
    result.append(SummaryLine(tr("To"), _destination_text(service)))
    if render is not None:
        text = tr("{frames} in {host}", frames=format_frame_count(render[0]), host=render[1])
        result.insert(0, SummaryLine(tr("Render first"), text))
    if not connected:
        text = tr("starts once the gateway is reachable; kept in the outbox until then")
        result.append(SummaryLine(tr("Duration"), text, Tone.ATTENTION))
    elif quotes:
        result.append(SummaryLine(tr("Duration"), _duration_text(quotes, jobs_ahead)))
        result.append(SummaryLine(tr("Cost"), _cost_text(quotes)))
        result.append(_permission_line(requests, quotes))
    return tuple(result)


def _plates_text(requests: Sequence[Request]) -> str:
    frames = sum(request.shot.work_range.count for request in requests)
    cut = sum(request.shot.cut_range.count for request in requests)
    text = format_frame_count(cut)
    if frames > cut:
        text += " + " + tr_count(frames - cut, "{n} handle", "{n} handles")
    if len(requests) > 1:
        text = tr_count(len(requests), "{n} shot", "{n} shots") + ", " + text
    spaces = sorted({r.shot.plate.colour_space or tr("colour space by rule") for r in requests})
    sizes = sorted(
        {
            f"{r.shot.plate.width}×{r.shot.plate.height}"
            for r in requests
            if r.shot.plate.width and r.shot.plate.height
        }
    )
    delivery = tr("back as {format}", format=_delivery_text(requests[0]))
    return " · ".join([text, ", ".join([*spaces[:2], *sizes[:2]]), delivery])


def _note_text(requests: Sequence[Request]) -> str:
    note = shorten(requests[0].note, _MAX_TEXT_LENGTH, placeholder=" …")
    if len(requests) == 1:
        return tr("“{note}”", note=note)
    return tr("“{note}” for each of the {n} shots", note=note, n=len(requests))


def _regions_text(request: Request) -> str:
    """``matte sky.####.exr, 2 shapes``"""
    parts = [tr("matte {file}", file=file_names([matte.path])) for matte in request.mattes]
    shapes = len(request.regions) - len(parts)
    if shapes:
        parts.append(tr_count(shapes, "{n} shape", "{n} shapes"))
    return ", ".join(parts)


def _delivery_text(request: Request) -> str:
    return "EXR" if request.output_format.value == "exr" else tr("the plate's own format")


def _destination_text(service: Service) -> str:
    match service.data_locality:
        case DataLocality.LOCAL:
            return tr("this machine, nothing leaves it")
        case DataLocality.STUDIO:
            return tr("the studio's machines, nothing leaves the studio")
        case DataLocality.EXTERNAL:
            return tr("outside the studio: {provider}", provider=service.provider)


def _duration_text(quotes: Sequence[Quote], jobs_ahead: int) -> str:
    known = [quote.seconds for quote in quotes if quote.seconds is not None]
    if len(known) == len(quotes):
        text = format_estimated_duration(sum(known))
    else:
        text = tr("not known yet: first request for this service")
    if jobs_ahead:
        return text + ", " + tr_count(jobs_ahead, "behind {n} job", "behind {n} jobs")
    return text + ", " + tr("starts now")


def _cost_text(quotes: Sequence[Quote]) -> str:
    """The sum in each currency, of the requests that have a price."""
    from bridge_core.models.jobs import Cost

    sums: dict[str, Decimal] = {}
    for cost in (quote.cost for quote in quotes if quote.cost is not None):
        sums[cost.currency] = sums.get(cost.currency, Decimal(0)) + cost.amount
    amounts = [str(Cost(amount=amount, currency=name)) for name, amount in sums.items() if amount]
    return " + ".join(amounts) or (tr("none") if sums else tr("not known"))


def _permission_line(requests: Sequence[Request], quotes: Sequence[Quote]) -> SummaryLine:
    refusal = _refusal_text(requests, quotes)
    if refusal:
        return SummaryLine(tr("Allowed"), tr("no: {why}", why=refusal), Tone.ERROR)
    reason = quotes[0].reason
    text = tr("yes: {why}", why=reason) if reason else tr("yes")
    return SummaryLine(tr("Allowed"), text, Tone.SUCCESS)


def _refusal_text(requests: Sequence[Request], quotes: Sequence[Quote]) -> str:
    """Why the first request that is not allowed is not, with its shot where there are several;
    empty where all are allowed or nothing is known yet."""
    refused = [
        (request, quote)
        for request, quote in zip(requests, quotes, strict=bool(quotes))
        if not quote.allowed
    ]
    if not refused:
        return ""
    request, quote = refused[0]
    text = quote.reason or tr("the gateway does not say why")
    if len(requests) > 1:
        text = f"{request.shot.id.shot}: {text}"
    if len(refused) > 1:
        text += " " + tr_count(len(refused) - 1, "(and {n} more)", "(and {n} more)")
    return text


def missing_steps(
    service: Service | None,
    shots: Sequence[Shot],
    fields: Sequence[FormField],
    requests: Sequence[Request],
    quotes: Sequence[Quote],
    refused: str,
) -> tuple[str, ...]:
    """What has to be done before sending; empty: nothing. ``refused``: why the gateway gives
    no quotes."""
    if service is None:
        return (tr("wait for the gateway: its services are not known yet"),)
    steps = [] if service.available else [service.unavailable_reason]
    if not shots:
        steps.append(tr("select a shot"))
    steps += [f"{field.parameter.title}: {field.problem}" for field in fields if field.problem]
    if not steps and not requests:
        steps.append(tr("shorten the note or trim the shot: the request is too large"))
    if refused and requests:
        steps.append(refused)
    refusal = _refusal_text(requests, quotes)
    if refusal and service.available:
        steps.append(refusal)
    return tuple(steps)


def button_text(requests: Sequence[Request], shots: int, store: Store) -> str:
    """``Make v004``, ``Make 3 versions``"""
    if shots > 1:
        return tr("Make {n} versions", n=shots)
    if not requests:
        return tr("Make a version")
    request = requests[0]
    numbers = [v.number for v in store.versions_of(request.shot.id) if v.service == request.service]
    active_jobs = sum(
        not job.state.ended
        and job.request.service == request.service
        and not job.request.is_test_frame
        for job in store.jobs_of(request.shot.id)
    )
    return tr("Make v{number}", number=f"{max(numbers, default=0) + active_jobs + 1:03d}")
