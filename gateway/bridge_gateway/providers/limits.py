"""Checks a request against what a service accepts and its limits."""

from __future__ import annotations

from collections.abc import Iterator
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
    problems = [*_input_problems(service, request), *_limit_problems(service, request)]
    problems += size_problems(service, request.shot.plate.width, request.shot.plate.height)
    require_no_problems(service, problems)


def require_no_problems(service: Service, problems: list[tuple[str, str]]) -> None:
    """``problems``: pairs of a field and what is wrong.

    :raises InvalidRequest: there are any; the error names them all.
    """
    if problems:
        raise InvalidRequest(
            f"{service.title} does not accept this request: "
            + "; ".join(problem for _, problem in problems),
            where=", ".join(dict.fromkeys(field for field, _ in problems)),
            next_step="change these, or send the shot to another service",
            details={"fields": [{"field": f, "problem": problem} for f, problem in problems]},
        )


def size_problems(service: Service, width: int | None, height: int | None) -> list[tuple[str, str]]:
    """Why a plate of ``width`` and ``height`` pixels does not fit; None is not checked."""
    limits, problems = service.limits, []
    for name, value, smallest, largest in (
        ("width", width, limits.min_width, limits.max_width),
        ("height", height, limits.min_height, limits.max_height),
    ):
        field = f"request.shot.plate.{name}"
        if value is None:
            continue
        if largest is not None and value > largest:
            problems.append((field, f"a {name} of {value} pixels, and it takes at most {largest}"))
        if smallest is not None and value < smallest:
            problems.append((field, f"a {name} of {value} pixels, and it takes from {smallest}"))
        if value % limits.size_multiple:
            problems.append(
                (field, f"a {name} of {value} pixels is no multiple of {limits.size_multiple}")
            )
    return problems


def _input_problems(service: Service, request: Request) -> Iterator[tuple[str, str]]:
    accepts = service.accepts
    references = len(request.references)
    if references and not accepts.references:
        yield "request.references", "it does not accept references"
    elif references > accepts.references:
        yield (
            "request.references",
            f"it takes at most {accepts.references} references, not {references}",
        )
    elif accepts.reference_roles:
        for role in dict.fromkeys(reference.role for reference in request.references):
            if role not in accepts.reference_roles:
                roles = ", ".join(accepts.reference_roles)
                yield "request.references", f"references have the role {roles}, not {role!r}"
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
    if limits.max_frames is not None and frames > limits.max_frames:
        yield "request.shot", f"{frames} frames, and it takes at most {limits.max_frames}"
    if limits.max_seconds is not None and frames / rate > Fraction(str(limits.max_seconds)):
        yield (
            "request.shot",
            f"{float(frames / rate):.2f} seconds, and it takes at most {limits.max_seconds:g}",
        )
    if limits.rates and rate not in limits.rates:
        yield (
            "request.shot.plate.range.rate",
            f"{rate} frames per second, and it takes {', '.join(map(str, limits.rates))}",
        )
    extension = PurePosixPath(plate.path.replace("\\", "/")).suffix.lower().removeprefix(".")
    if limits.formats and extension not in limits.formats:
        yield (
            "request.shot.plate.path",
            f"{extension or 'files without an extension'}, and it takes "
            f"{', '.join(limits.formats)}",
        )
