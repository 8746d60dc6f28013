"""What booking says no to. Each class is one line of the contract's table of errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cinema.web.problems import Busy, Forbidden, Invalid, NotFound, Refusal

if TYPE_CHECKING:
    from booking.models import Booking

__all__ = [
    "AlreadyPaid",
    "BeingReleased",
    "Busy",
    "Forbidden",
    "Invalid",
    "LockExpired",
    "NotFound",
    "NotOnSale",
    "NothingToCancel",
    "PaymentDisputed",
    "PaymentOpen",
    "RateLimited",
    "Refusal",
    "SalesClosed",
    "SeatsTaken",
    "TicketUsed",
    "TooLateToCancel",
    "TooManySeats",
    "UnknownSeat",
]


def spoken(labels: Iterable[str]) -> str:
    """`A1`, `A1 and A2`, `A1, A2 and A3`."""
    names = list(labels)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class SeatsTaken(Refusal):
    type, status, title = "seats-taken", 409, "Somebody else has that seat"

    def __init__(self, seats: list[str], v: int) -> None:
        verb = "is" if len(seats) == 1 else "are"
        super().__init__(f"{spoken(seats)} {verb} no longer free. Your other seats are as they were.", seats=seats, v=v)
        self.seats = seats


class BeingReleased(Refusal):
    type, status, title = "being-released", 409, "A payment on that seat is being ended"

    def __init__(self, seats: list[str]) -> None:
        super().__init__(
            f"A payment on {spoken(seats)} is just being ended. Try again in a moment.",
            headers={"Retry-After": "2"},
            seats=seats,
        )
        self.seats = seats


class AlreadyPaid(Refusal):
    type, status, title = "already-paid", 409, "These seats are paid"

    def __init__(self, reference: str) -> None:
        super().__init__(f"Booking {reference} is paid. Your tickets are waiting there.", reference=reference)
        self.reference = reference


class LockExpired(Refusal):
    type, status, title = "lock-expired", 409, "The hold ran out"

    def __init__(self) -> None:
        super().__init__("The time to pay ran out and the seats are free again. Nothing was charged.")


class NotOnSale(Refusal):
    type, status, title = "not-on-sale", 409, "Not on sale yet"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Seats for this showtime are not on sale yet.", headers={"Retry-After": str(retry_after)})


class SalesClosed(Refusal):
    type, status, title = "sales-closed", 410, "Sales are over"

    def __init__(self, detail: str = "Seats for this showtime are no longer sold here.") -> None:
        super().__init__(detail)


class TooManySeats(Refusal):
    type, status, title = "too-many-seats", 422, "Too many seats"

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} seats in one booking.", limit=limit)


class UnknownSeat(Refusal):
    type, status, title = "unknown-seat", 422, "No such seat"

    def __init__(self, seats: list[str], detail: str = "The hall has no seat of that name.") -> None:
        super().__init__(detail, seats=seats)


class NothingToCancel(Invalid):
    title = "There is nothing to cancel"


class SumChanged(Invalid):
    title = "What comes back has changed"

    def __init__(self) -> None:
        super().__init__("What comes back has changed. Please look once more.")


class TooLateToCancel(SalesClosed):
    """Of the contract's types it is the one for what is over for good."""

    title = "Too late to cancel"


class TicketUsed(Forbidden):
    title = "That ticket has been used"

    def __init__(self, seats: list[str]) -> None:
        verb = "has" if len(seats) == 1 else "have"
        super().__init__(
            f"{spoken(seats)} {verb} been used at the door and cannot be cancelled. Ask the house if that is wrong.",
            seats=seats,
        )


class PaymentDisputed(Forbidden):
    """Nobody may move this money while the bank has it: not a matter of time, nor of a wrong request."""

    title = "The bank is looking into this payment"

    def __init__(self) -> None:
        super().__init__(
            "The payment of this booking is disputed at the bank, which decides where the money goes. "
            "Nothing was changed and the tickets stay valid; ask the house."
        )


class RateLimited(Refusal):
    type, status, title = "rate-limited", 429, "Too much at once"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class PaymentOpen(Exception):
    """Not for the outside: the wish needs the open payment of this booking ended first (`booking.payment_port`)."""

    def __init__(self, booking: Booking) -> None:
        super().__init__(booking.reference)
        self.booking = booking
