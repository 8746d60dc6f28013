"""The state of a booking's refunds, for its pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from booking.models import Booking
from payments.models import Refund

UNDER_WAY, BACK, FAILED = "under-way", "back", "failed"
STATES = {"requested": UNDER_WAY, "submitted": UNDER_WAY, "succeeded": BACK, "failed": FAILED}


@dataclass(frozen=True)
class SeatRefund:
    """The refund of one cancelled ticket. `amount` and `kept` in minor units; `state` as of its line."""

    ticket_id: int
    label: str
    amount: int
    kept: int
    state: str


@dataclass(frozen=True)
class RefundLine:
    """Money that goes back for one reason: a refund, and the retries that replaced it.

    `refund` is the last of them; `state` is under-way, back or failed; `seats` is empty where nothing was bought.
    """

    refund: Refund
    seats: tuple[SeatRefund, ...]
    amount: int
    state: str

    @property
    def labels(self) -> list[str]:
        return [seat.label for seat in self.seats]

    @property
    def kept(self) -> int:
        """What the cinema kept of the prices, minor units."""
        return sum(seat.kept for seat in self.seats)

    @property
    def reason(self) -> str:
        return self.refund.reason


@dataclass(frozen=True)
class BookingRefunds:
    """Every refund of a booking, oldest first; sums in minor units."""

    lines: tuple[RefundLine, ...]

    def of_ticket(self, ticket_id: int) -> SeatRefund | None:
        """The refund of this ticket (its key), if it has one."""
        return next((seat for line in self.lines for seat in line.seats if seat.ticket_id == ticket_id), None)

    def sum_of(self, state: str) -> int:
        """The amount of all lines in this state."""
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


def read_refunds(booking: Booking) -> BookingRefunds:
    """Every refund of this booking, oldest first. Two queries."""
    found = Refund.objects.filter(payment__booking=booking).select_related("payment")
    refunds = list(found.prefetch_related("seats__ticket").order_by("pk"))
    next_of = {refund.replaces_id: refund for refund in refunds}
    return BookingRefunds(tuple(_line(_chain(first, next_of)) for first in refunds if first.replaces_id is None))


def _chain(first: Refund, next_of: dict[int | None, Refund]) -> list[Refund]:
    """A refund and its retries, in order."""
    chain = [first]
    while (later := next_of.get(chain[-1].pk)) is not None:
        chain.append(later)
    return chain


def _line(chain: Iterable[Refund]) -> RefundLine:
    refunds = list(chain)
    last = refunds[-1]
    state = STATES[last.status]
    seats = sorted((seat for refund in refunds for seat in refund.seats.all()), key=lambda seat: seat.ticket_id)
    lines = [SeatRefund(seat.ticket_id, seat.ticket.label, seat.amount, seat.kept, state) for seat in seats]
    return RefundLine(refund=last, seats=tuple(lines), amount=last.amount, state=state)
