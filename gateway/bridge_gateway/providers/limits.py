"""Checks a request against what a service accepts and its limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import PurePosixPath

from bridge_core.errors import InvalidRequest
from bridge_core.models.requests import Request
from bridge_core.models.services import RegionKind, Service


def check_request(service: Service, request: Request) -> None:
    """
    :raises InvalidRequest: the service does not accept something, or it exceeds a limit; the error
        names all that does not fit, also in ``details["fields"]``.
    """
    plate = request.shot.plate
    problems = [*_input_problems(service, request), *_limit_problems(service, request)]
    problems += size_problems(service, plate.width, plate.height)
    require_no_problems(service, problems)


def require_no_problems(service: Service, found: Iterable[tuple[str, str]]) -> None:
    """``found``: pairs of a field and what is wrong.

    :raises InvalidRequest: there are any; the error names them all.
    """
    problems = list(found)
    if problems:
        raise InvalidRequest(
            f"{service.title} does not accept this request: "
            + "; ".join(problem for _, problem in problems),
            where=", ".join(dict.fromkeys(field for field, _ in problems)),
            next_step="change these, or send the shot to another service",
            details={"fields": [{"field": name, "problem": problem} for name, problem in problems]},
        )


def size_problems(
    service: Service, width: int | None, height: int | None
) -> Iterator[tuple[str, str]]:
    """Why a plate of ``width`` and ``height`` pixels does not fit; None is not checked."""
    limits = service.limits
    for name, value, smallest, largest in (
        ("width", width, limits.min_width, limits.max_width),
        ("height", height, limits.min_height, limits.max_height),
    ):
        if value is None:
            continue
        field, stated = f"request.shot.plate.{name}", f"a {name} of {value} pixels"
        if largest is not None and value > largest:
            yield field, f"{stated}, and it takes at most {largest}"
        if smallest is not None and value < smallest:
            yield field, f"{stated}, and it takes from {smallest}"
        if value % limits.size_multiple:
            yield field, f"{stated} is no multiple of {limits.size_multiple}"


def _input_problems(service: Service, request: Request) -> Iterator[tuple[str, str]]:
    accepts, field = service.accepts, "request.references"
    references = len(request.references)
    if references and not accepts.references:
        yield field, "it does not accept references"
    elif references > accepts.references:
        yield field, f"it takes at most {accepts.references} references, not {references}"
    elif accepts.reference_roles:
        for role in dict.fromkeys(reference.role for reference in request.references):
            if role not in accepts.reference_roles:
                roles = ", ".join(accepts.reference_roles)
                yield field, f"references have the role {roles}, not {role!r}"
    if request.regions and not accepts.regions:
        yield "request.regions", "it does not accept regions"
    for kind in dict.fromkeys(RegionKind(region.kind) for region in request.regions):
        if accepts.regions and kind not in accepts.regions:
            kinds = " or ".join(accepts.regions)
            yield "request.regions", f"it accepts regions as a {kinds}, not as a {kind}"
    if request.seed is not None and not accepts.seed:
        yield "request.seed", "it does not accept a seed"


def _limit_problems(service: Service, request: Request) -> Iterator[tuple[str, str]]:
    limits, plate = service.limits, request.shot.plate
    frames, rate = len(request.frames), plate.range.rate
    seconds = frames / rate
    if limits.max_frames is not None and frames > limits.max_frames:
        yield "request.shot", f"{frames} frames, and it takes at most {limits.max_frames}"
    if limits.max_seconds is not None and seconds > Fraction(str(limits.max_seconds)):
        most = f"{limits.max_seconds:g}"
        yield "request.shot", f"{float(seconds):.2f} seconds, and it takes at most {most}"
    if limits.rates and rate not in limits.rates:
        rates = ", ".join(map(str, limits.rates))
        yield "request.shot.plate.range.rate", f"{rate} frames per second, and it takes {rates}"
    extension = PurePosixPath(plate.path.replace("\\", "/")).suffix.lower().removeprefix(".")
    if limits.formats and extension not in limits.formats:
        files, formats = extension or "files without an extension", ", ".join(limits.formats)
        yield "request.shot.plate.path", f"{files}, and it takes {formats}"
