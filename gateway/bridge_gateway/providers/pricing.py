"""What a request costs by a service's own price list."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bridge_core.errors import InvalidRequest
from bridge_core.models.jobs import Cost
from bridge_core.models.requests import Request
from bridge_core.models.services import PricingUnit, Service


@dataclass(frozen=True)
class RequestFacts:
    """What a price can depend on."""

    frames: int
    seconds: float
    """The plate's time of these frames, at its rate."""
    width: int | None
    """In pixels; None where the request does not say."""
    height: int | None
    references: int
    is_test_frame: bool
    parameters: dict[str, float | int | str | bool]
    """All of them, including defaults."""

    @classmethod
    def of(cls, request: Request, parameters: dict[str, float | int | str | bool]) -> RequestFacts:
        plate = request.shot.plate
        frames = len(request.frames)
        return cls(
            frames=frames,
            seconds=float(frames / plate.range.rate),
            width=plate.width,
            height=plate.height,
            references=len(request.references),
            is_test_frame=request.is_test_frame,
            parameters=parameters,
        )


def cost_of(service: Service, facts: RequestFacts) -> Cost:
    """The cost by ``service.pricing``, rounded up to a ten-thousandth of its currency.

    :raises InvalidRequest: the price depends on the plate's size, which the request does not say.
    """
    pricing = service.pricing
    match pricing.unit:
        case PricingUnit.JOB:
            units = Decimal(1)
        case PricingUnit.FRAME:
            units = Decimal(facts.frames)
        case PricingUnit.SECOND:
            units = Decimal(str(facts.seconds))
        case PricingUnit.MEGAPIXEL_FRAME:
            units = _megapixel_frames(service, facts) if pricing.amount else Decimal(0)
    amount = (units * pricing.amount).quantize(Decimal("0.0001"), rounding="ROUND_UP")
    return Cost(amount=amount.normalize() + Decimal(0), currency=pricing.currency)


def _megapixel_frames(service: Service, facts: RequestFacts) -> Decimal:
    if facts.width is None or facts.height is None:
        raise InvalidRequest(
            f"the price of {service.title} depends on the size of the plate, which is not stated",
            where="shot.plate",
            next_step="state the plate's width and height",
        )
    return Decimal(facts.frames * facts.width * facts.height) / 1_000_000
