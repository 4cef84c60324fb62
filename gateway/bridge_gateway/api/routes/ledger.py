"""What jobs have reserved and cost."""

from __future__ import annotations

from bridge_core.models.costs import ShowCosts
from bridge_gateway.api.dependencies import ContextDep, NameQuery, create_router

router = create_router("ledger")


@router.get("/ledger/shows")
def list_show_costs(context: ContextDep, show: NameQuery = None) -> list[ShowCosts]:
    """What each show has reserved and spent, by show and currency."""
    return context.runtime.jobs.list_show_costs(show)
