"""What became of the money that a booking gives back, as its pages tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from booking.models import Booking
from payments.models import Refund

UNDER_WAY, BACK, FAILED = "under-way", "back", "failed"
STATES = {"requested": UNDER_WAY, "submitted": UNDER_WAY, "succeeded": BACK, "failed": FAILED}


@dataclass(frozen=True)
class SeatReturn:
    """What one cancelled ticket brings back."""

    ticket_id: int
    label: str
    amount: int
    kept: int
    state: str


@dataclass(frozen=True)
class Return:
    """Money that goes back for one reason: a refund, and whatever was asked again in its place.

    `state` is one of under-way, back, failed; `seats` are those it is for, none for a payment that bought nothing.
    """

    refund: Refund
    seats: tuple[SeatReturn, ...]
    amount: int
    state: str

    @property
    def labels(self) -> list[str]:
        return [seat.label for seat in self.seats]

    @property
    def kept(self) -> int:
        return sum(seat.kept for seat in self.seats)

    @property
    def reason(self) -> str:
        return self.refund.reason


@dataclass(frozen=True)
class Returns:
    lines: tuple[Return, ...]

    def of_ticket(self, ticket_id: int) -> SeatReturn | None:
        return next((seat for line in self.lines for seat in line.seats if seat.ticket_id == ticket_id), None)

    def sum_of(self, state: str) -> int:
        return sum(line.amount for line in self.lines if line.state == state)

    @property
    def under_way(self) -> int:
        return self.sum_of(UNDER_WAY)

    @property
    def back(self) -> int:
        return self.sum_of(BACK)

    @property
    def failed(self) -> int:
        return self.sum_of(FAILED)

    @property
    def kept(self) -> int:
        return sum(line.kept for line in self.lines)

    @property
    def is_back(self) -> bool:
        """All that was asked for has arrived."""
        return bool(self.lines) and self.back == sum(line.amount for line in self.lines)


def read_returns(booking: Booking) -> Returns:
    """Every return of this booking's money, oldest first. Two queries."""
    found = Refund.objects.filter(payment__booking=booking).select_related("payment")
    refunds = list(found.prefetch_related("seats__ticket").order_by("pk"))
    next_of = {refund.replaces_id: refund for refund in refunds}
    return Returns(tuple(_line(_chain(first, next_of)) for first in refunds if first.replaces_id is None))


def _chain(first: Refund, next_of: dict[int | None, Refund]) -> list[Refund]:
    chain = [first]
    while (later := next_of.get(chain[-1].pk)) is not None:
        chain.append(later)
    return chain


def _line(chain: Iterable[Refund]) -> Return:
    refunds = list(chain)
    last = refunds[-1]
    state = STATES[last.status]
    seats = sorted((seat for refund in refunds for seat in refund.seats.all()), key=lambda seat: seat.ticket_id)
    lines = [SeatReturn(seat.ticket_id, seat.ticket.label, seat.amount, seat.kept, state) for seat in seats]
    return Return(refund=last, seats=tuple(lines), amount=last.amount, state=state)
