"""The ledger: what jobs reserve and what they cost.

Each entry belongs to a job:

- ``reserve``: the quote, in the transaction of the job's row;
- ``charge``: what the provider takes, or the quote where it does not say, in the transaction that
  ends the job; in one of its own where it becomes known later;
- ``release``: what was reserved, in the transaction that ends the job.

Entries are only added. Callers give the new total, and the entry is the difference from the earlier
ones: a step that is repeated adds nothing, and a provider that corrects its charge gets a
second entry. The transactions hold the lock of the job's row. A job whose outcome is unknown keeps
its reservation until a person resolves it.

Local jobs cost 0, and have the same entries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bridge_core.models.base import now
from bridge_core.models.costs import ShowCosts
from bridge_core.models.jobs import Cost
from bridge_gateway.db.tables import JobRow, LedgerRow


class LedgerEntryKind(StrEnum):
    RESERVE = "reserve"
    CHARGE = "charge"
    RELEASE = "release"


class Occasion(StrEnum):
    """Why an entry was made."""

    SUBMITTED = "submitted"
    ADMITTED = "admitted"
    """The plate's files have another size than the request says, and so another price."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ANSWERED = "answered"
    """The provider named a charge after the end of the job."""
    RESOLVED = "resolved"
    """A person found out what became of the job."""


#: What may happen more than once, with a number from the second time on: a gateway with other
#: prices takes over a job; a provider corrects its charge.
_REPEATABLE = (Occasion.ADMITTED, Occasion.ANSWERED)


@dataclass(frozen=True)
class Reservation:
    """What a new job reserves, and where."""

    quote: Cost
    provider: str
    account: str


def reserve(session: Session, job: JobRow, reservation: Reservation) -> None:
    """Reserve the quote of a new job."""
    session.add(
        LedgerRow(
            job_id=job.id,
            kind=LedgerEntryKind.RESERVE,
            occasion=Occasion.SUBMITTED,
            amount=_to_text(reservation.quote.amount),
            currency=reservation.quote.currency,
            provider=reservation.provider,
            account=reservation.account,
            principal=job.requested_by,
            show=job.show,
            at=now(),
        )
    )


def correct_reservation(session: Session, job_id: str, quote: Cost) -> None:
    """Reserve what the job should cost by its files, instead of what its request says."""
    _JobEntries(session, job_id).set_total(LedgerEntryKind.RESERVE, quote, Occasion.ADMITTED)


def reserved_cost(session: Session, job_id: str) -> Cost:
    """What a job has reserved: its newest quote."""
    reserved = _JobEntries(session, job_id).totals(LedgerEntryKind.RESERVE)
    # A corrected quote may have another currency; nothing is left in the earlier one.
    return next(
        (Cost(amount=amount, currency=name) for name, amount in reserved.items() if amount),
        Cost(currency=next(iter(reserved))) if reserved else Cost(),
    )


def settle(session: Session, job_id: str, charge: Cost | None, occasion: Occasion) -> None:
    """Charge and release at the end of a job; ``charge`` None: nothing is known to be charged."""
    entries = _JobEntries(session, job_id)
    if charge is not None:
        entries.set_total(LedgerEntryKind.CHARGE, charge, occasion)
    reserved = entries.totals(LedgerEntryKind.RESERVE)
    entries.set_totals(LedgerEntryKind.RELEASE, reserved, occasion)


def add_late_charge(session: Session, job_id: str, charge: Cost) -> None:
    """Record a provider's charge for a job that is already settled. For any other job, it is
    recorded when the job ends."""
    # Locked, so that the job does not end meanwhile.
    session.scalars(select(JobRow.id).where(JobRow.id == job_id).with_for_update()).one()
    entries = _JobEntries(session, job_id)
    if entries.totals(LedgerEntryKind.RELEASE):
        entries.set_total(LedgerEntryKind.CHARGE, charge, Occasion.ANSWERED)


def sum_by_show(session: Session, show: str | None = None) -> list[ShowCosts]:
    """What each show, or this one, has reserved and spent; by show and currency."""
    # Equal amounts are counted by the database, and added here: databases add text as floats.
    group = (LedgerRow.show, LedgerRow.currency, LedgerRow.kind, LedgerRow.amount)
    query = select(*group, func.count()).group_by(*group)
    if show is not None:
        query = query.where(LedgerRow.show == show)
    sums: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for name, currency, kind, amount, count in session.execute(query):
        sums[name, currency][kind] += Decimal(amount) * count
    return [
        ShowCosts(
            show=name,
            currency=currency,
            reserved=by_kind[LedgerEntryKind.RESERVE] - by_kind[LedgerEntryKind.RELEASE],
            charged=by_kind[LedgerEntryKind.CHARGE],
        )
        for (name, currency), by_kind in sorted(sums.items())
    ]


class _JobEntries:
    """The entries of one job."""

    def __init__(self, session: Session, job_id: str) -> None:
        self._session = session
        query = select(LedgerRow).where(LedgerRow.job_id == job_id).order_by(LedgerRow.number)
        self._entries = list(session.scalars(query))

    def totals(self, kind: LedgerEntryKind) -> dict[str, Decimal]:
        """The sums of the entries of a kind, by currency; empty if there are none."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for entry in self._entries:
            if entry.kind == kind:
                sums[entry.currency] += Decimal(entry.amount)
        return dict(sums)

    def set_total(self, kind: LedgerEntryKind, total: Cost, occasion: Occasion) -> None:
        self.set_totals(kind, {total.currency: total.amount}, occasion)

    def set_totals(
        self, kind: LedgerEntryKind, totals: Mapping[str, Decimal], occasion: Occasion
    ) -> None:
        """Add entries so that the sums of the kind become ``totals``; none where they are."""
        have = self.totals(kind)
        for currency in sorted(totals.keys() | have.keys()):
            difference = totals.get(currency, Decimal(0)) - have.get(currency, Decimal(0))
            if not difference and currency in have:
                continue
            first = self._entries[0]
            entry = LedgerRow(
                job_id=first.job_id,
                kind=kind,
                occasion=self._numbered(kind, currency, occasion),
                amount=_to_text(difference),
                currency=currency,
                provider=first.provider,
                account=first.account,
                principal=first.principal,
                show=first.show,
                at=now(),
            )
            self._session.add(entry)
            self._entries.append(entry)

    def _numbered(self, kind: LedgerEntryKind, currency: str, occasion: Occasion) -> str:
        """``answered``, ``answered 2``, ...; the end of a job occurs once."""
        same = [
            entry for entry in self._entries if (entry.kind, entry.currency) == (kind, currency)
        ]
        count = sum(entry.occasion.startswith(occasion) for entry in same)
        return f"{occasion} {count + 1}" if occasion in _REPEATABLE and count else occasion


def _to_text(amount: Decimal) -> str:
    return format(amount.normalize() + Decimal(0), "f")
