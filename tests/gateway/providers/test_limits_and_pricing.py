"""What a service accepts, its limits, and what a request costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge_core.errors import InvalidRequest
from bridge_core.models.frames import FrameRange
from bridge_core.models.media import Plate
from bridge_core.models.requests import MatteRegion, Reference, Request, ShapeRegion
from bridge_core.models.services import (
    AcceptedInputs,
    DataLocality,
    Pricing,
    PricingUnit,
    RegionKind,
    Service,
    ServiceLimits,
)
from bridge_core.models.shots import Shot, ShotId
from bridge_gateway.providers.limits import check_request
from bridge_gateway.providers.pricing import RequestFacts, cost_of

TRIANGLE = ShapeRegion(points=((0, 0), (1, 0), (1, 1)))


def service(**fields: Any) -> Service:
    return Service(
        id="edit",
        title="Edit",
        summary="An edit.",
        provider="far",
        data_locality=DataLocality.EXTERNAL,
        **fields,
    )


def request(
    path: str = "plate.%04d.exr",
    *,
    frames: int = 48,
    rate: object = 24,
    size: tuple[int | None, int | None] = (1920, 1080),
    **fields: Any,
) -> Request:
    span = FrameRange.of(1001, 1000 + frames, rate)
    plate = Plate(path=path, range=span, width=size[0], height=size[1])
    shot = Shot(id=ShotId(show="show", sequence="sq", shot="010"), plate=plate, cut_range=span)
    return Request(shot=shot, service="edit", **fields)


def problems(limited: Service, asked: Request) -> dict[str, str]:
    try:
        check_request(limited, asked)
    except InvalidRequest as error:
        fields: list[dict[str, str]] = error.details["fields"]  # type: ignore[assignment]
        assert all(one["problem"] in error.message for one in fields)
        return {one["field"].removeprefix("request."): one["problem"] for one in fields}
    return {}


def test_a_small_service_takes_plates_only() -> None:
    assert problems(service(), request()) == {}
    assert set(
        problems(
            service(),
            request(references=(Reference(path="a.png"),), regions=(TRIANGLE,), seed=1),
        )
    ) == {"references", "regions", "seed"}


def test_accepted_inputs() -> None:
    accepts = AcceptedInputs(
        references=2, reference_roles=("face",), regions=(RegionKind.SHAPE,), seed=True
    )
    face = Reference(path="a.png", role="face")
    fine = request(references=(face, face), regions=(TRIANGLE,), seed=1)
    matte = request(regions=(TRIANGLE, MatteRegion(path="matte.%04d.exr")))
    assert problems(service(accepts=accepts), matte) == {
        "regions": "it accepts regions as a shape, not as a matte"
    }
    both = accepts.model_copy(update={"regions": (RegionKind.SHAPE, RegionKind.MATTE)})
    check_request(service(accepts=both), matte)
    assert problems(service(accepts=accepts), fine) == {}
    assert (
        "at most 2"
        in problems(service(accepts=accepts), request(references=(face,) * 3))["references"]
    )
    look = Reference(path="a.png", role="look")
    assert (
        "not 'look'"
        in problems(service(accepts=accepts), request(references=(face, look)))["references"]
    )


@pytest.mark.parametrize(
    ("limits", "field", "words"),
    [
        ({"max_frames": 47}, "shot", "48 frames, and it takes at most 47"),
        ({"max_seconds": 1.99}, "shot", "2.00 seconds, and it takes at most 1.99"),
        ({"max_width": 1280}, "shot.plate.width", "at most 1280"),
        ({"max_height": 720}, "shot.plate.height", "at most 720"),
        ({"min_width": 2048}, "shot.plate.width", "from 2048"),
        ({"size_multiple": 16}, "shot.plate.height", "no multiple of 16"),
        ({"rates": ("25", "30000/1001")}, "shot.plate.range.rate", "it takes 25, 30000/1001"),
        ({"formats": ("mov", "png")}, "shot.plate.path", "exr, and it takes mov, png"),
    ],
)
def test_a_limit_is_named(limits: dict[str, Any], field: str, words: str) -> None:
    found = problems(service(limits=ServiceLimits(**limits)), request())
    assert set(found) == {field} and words in found[field]


def test_limits_that_are_just_kept() -> None:
    limits = ServiceLimits(
        max_frames=48,
        max_seconds=2.0,
        max_width=1920,
        min_height=1080,
        size_multiple=8,
        rates=(24,),  # type: ignore[arg-type]
        formats=("exr",),
    )
    assert problems(service(limits=limits), request("PLATE.%04d.EXR")) == {}
    # A size that the request does not state is checked when the plate has been read.
    assert problems(service(limits=limits), request(size=(None, None))) == {}
    ntsc = ServiceLimits(rates=("23.976",))  # type: ignore[arg-type]
    assert problems(service(limits=ntsc), request(rate="24000/1001")) == {}


@pytest.mark.parametrize(
    ("unit", "amount", "cost"),
    [
        (PricingUnit.JOB, "2.5", "2.5"),
        (PricingUnit.FRAME, "0.01", "0.48"),
        (PricingUnit.SECOND, "0.5", "1"),
        (PricingUnit.MEGAPIXEL_FRAME, "0.001", "0.0996"),  # 99.5328 rounded up
    ],
)
def test_prices(unit: PricingUnit, amount: str, cost: str) -> None:
    priced = service(pricing=Pricing(unit=unit, amount=Decimal(amount), currency="EUR"))
    quoted = cost_of(priced, RequestFacts.of(request(), {}))
    assert (quoted.amount, quoted.currency) == (Decimal(cost), "EUR")
    assert "E" not in str(quoted.amount)
    test_frame = cost_of(priced, RequestFacts.of(request(test_frames=(1001,)), {}))
    assert test_frame.amount <= quoted.amount


def test_a_price_by_size_needs_the_size() -> None:
    pricing = Pricing(unit=PricingUnit.MEGAPIXEL_FRAME, amount=Decimal(1))
    with pytest.raises(InvalidRequest, match="size of the plate"):
        cost_of(service(pricing=pricing), RequestFacts.of(request(size=(None, None)), {}))
    free = service(pricing=Pricing(unit=PricingUnit.MEGAPIXEL_FRAME))
    assert cost_of(free, RequestFacts.of(request(size=(None, None)), {})).amount == 0
