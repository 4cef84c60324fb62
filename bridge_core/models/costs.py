"""What requests should cost, and what a show has spent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from bridge_core.models.base import StrictModel, TolerantModel
from bridge_core.models.jobs import Cost
from bridge_core.models.problems import Problem
from bridge_core.models.requests import Request
from bridge_core.models.services import DataLocality

#: Requests in one call for quotes. Clients divide longer lists.
MAX_QUOTED_REQUESTS = 500


class QuoteQuery(StrictModel):
    """Requests to quote, such as those of all selected shots."""

    requests: Annotated[tuple[Request, ...], Field(min_length=1, max_length=MAX_QUOTED_REQUESTS)]


class Quote(TolerantModel):
    """What a request would take, before it is sent."""

    frames: int
    seconds: float | None = None
    """The provider's working time, estimated from earlier jobs of this service on this gateway;
    None if there were none."""
    cost: Cost | None = None
    """None: not known, because the request is not possible."""
    data_locality: DataLocality | None = None
    """None: no provider offers the service."""
    provider: str = ""
    allowed: bool = True
    reason: str = ""
    """Why the request is or is not allowed."""
    problem: Problem | None = None
    """The error with which the request would be refused; None where it is allowed."""


class ShowCosts(TolerantModel):
    """What a show has reserved and spent in one currency."""

    show: str
    currency: str
    reserved: Decimal
    """Quoted for jobs that have not ended, or whose outcome is unknown."""
    charged: Decimal
    """What the providers took."""
