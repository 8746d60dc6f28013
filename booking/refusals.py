"""Refusals of booking. Each class is one line of the table of errors in docs/api.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from cinema.web.problems import Busy, Forbidden, Invalid, NotFound, Refusal

if TYPE_CHECKING:
    from booking.locks import LockResult, Situation
    from booking.models import Booking

__all__ = [
    "AlreadyPaid",
    "BeingReleased",
    "CompanionAlone",
    "Busy",
    "Forbidden",
    "HalfASofa",
    "HistoryInTheWay",
    "IllAdvised",
    "Invalid",
    "LeavesSingleSeat",
    "LockChanged",
    "LockExpired",
    "NoSeatsTogether",
    "NotFound",
    "NotOnSale",
    "NothingToCancel",
    "PaymentDisputed",
    "PaymentOpen",
    "RateLimited",
    "Refusal",
    "SalesClosed",
    "SeatsTaken",
    "SumChanged",
    "TicketUsed",
    "TooLateToCancel",
    "TooManySeats",
    "UnknownSeat",
]


def join_labels(labels: Iterable[str]) -> str:
    """At least one label, as text: `A1`, `A1 and A2`, `A1, A2 and A3`."""
    names = list(labels)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class HistoryInTheWay(Busy):
    """The history has the showtime's next version already: rows were put back by hand. Nothing was changed.

    It goes away when a new epoch has begun past the history (`booking.seats.epochs`), within seconds.
    """

    def __init__(self, showtime_id: int) -> None:
        super().__init__()
        self.showtime_id = showtime_id


class SeatsTaken(Refusal):
    """Seats are taken, being taken at this moment, or blocked: the map shows it from version `v` on."""

    type, status, title = "seats-taken", 409, "Somebody else has that seat"

    def __init__(self, seats: list[str], v: int, situation: Situation | None = None) -> None:
        verb = "is" if len(seats) == 1 else "are"
        super().__init__(
            f"{join_labels(seats)} {verb} no longer free. Your other seats are as they were.", seats=seats, v=v
        )
        self.seats = seats
        self.situation = situation  # in which it was decided

    def offer(self, alternative: list[str]) -> None:
        """Name what to request instead."""
        self.extra["alternative"] = alternative


class BeingReleased(Refusal):
    """Seats are locked by a payment that is being ended; worth another try after 2 s."""

    type, status, title = "being-released", 409, "A payment on that seat is being ended"

    def __init__(self, seats: list[str]) -> None:
        # Of no seats: all are being given back, which needs no second try.
        sentence = f"A payment on {join_labels(seats)} is just being ended. Try again in a moment." if seats else ""
        super().__init__(
            sentence or "Your payment is just being ended. Your seats are free in a moment.",
            headers={"Retry-After": "2"},
            seats=seats,
        )
        self.seats = seats


class AlreadyPaid(Refusal):
    """The visitor's booking `reference` is confirmed."""

    type, status, title = "already-paid", 409, "These seats are paid"

    def __init__(self, reference: str) -> None:
        super().__init__(f"Booking {reference} is paid. Your tickets are waiting there.", reference=reference)
        self.reference = reference


class LockChanged(Refusal):
    """The lock is none that the request names (`If-Match`), but `found`. The API adds it as `lock`."""

    type, status, title = "lock-changed", 412, "Your seats have changed"

    def __init__(self, found: LockResult) -> None:
        super().__init__("Your seats have changed meanwhile, perhaps in another tab. Nothing was changed by this.")
        self.found = found


class LockExpired(Refusal):
    """There is no lock to check out, or its time has passed."""

    type, status, title = "lock-expired", 409, "The hold ran out"

    def __init__(self) -> None:
        super().__init__("The time to pay ran out and the seats are free again. Nothing was charged.")


class NotOnSale(Refusal):
    """Sales open in `retry_after` seconds."""

    type, status, title = "not-on-sale", 409, "Not on sale yet"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Seats for this showtime are not on sale yet.", headers={"Retry-After": str(retry_after)})


class SalesClosed(Refusal):
    """Sales have ended or the showtime was cancelled."""

    type, status, title = "sales-closed", 410, "Sales are over"

    def __init__(self, detail: str = "Seats for this showtime are no longer sold here.") -> None:
        super().__init__(detail)


class IllAdvised(Refusal):
    """A seating rule, asked at checkout: the seats stay locked, and `suggestion` are those to request instead."""

    status = 422
    sentence: ClassVar[str]

    def __init__(self, seats: list[str], suggestion: list[str]) -> None:
        verb = ("is", "it", "its") if len(seats) == 1 else ("are", "them", "their")
        text = self.sentence.format(join_labels(seats), *verb)
        super().__init__(f"{text} Take {join_labels(suggestion)} instead.", seats=seats, suggestion=suggestion)
        self.suggestion = suggestion


class CompanionAlone(IllAdvised):
    type, title = "companion-alone", "A companion seat needs its wheelchair space"
    sentence = "{0} {1} kept for whoever comes with a guest in a wheelchair."


class HalfASofa(IllAdvised):
    type, title = "half-a-sofa", "Sofas are for two"
    sentence = "Nobody wants to sit with strangers: the other half of {0} would be left."


class LeavesSingleSeat(IllAdvised):
    type, title = "leaves-single-seat", "One seat would be left alone"
    sentence = "{0} would be left alone, and few come alone."


ILL_ADVISED: dict[str, type[IllAdvised]] = {
    refusal.type: refusal for refusal in (CompanionAlone, HalfASofa, LeavesSingleSeat)
}


class TooManySeats(Refusal):
    """More than `limit` seats were requested for one booking."""

    type, status, title = "too-many-seats", 422, "Too many seats"

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} seats in one booking.", limit=limit)


class UnknownSeat(Refusal):
    """No seat has one of these labels."""

    type, status, title = "unknown-seat", 422, "No such seat"

    def __init__(self, seats: list[str], detail: str = "The hall has no seat of that name.") -> None:
        super().__init__(detail, seats=seats)


class NoSeatsTogether(NotFound):
    """The hall has not `n` such seats side by side; `alternative` names seats apart, when that many are free."""

    type, title = "no-seats-together", "No seats together"

    def __init__(self, n: int, alternative: list[str]) -> None:
        what = "such a seat" if n == 1 else f"{n} such seats side by side"
        also = f" There would be {join_labels(alternative)}." if alternative else ""
        super().__init__(f"The hall has not {what} any more.{also}")
        if alternative:
            self.extra["alternative"] = alternative


class NothingToCancel(Invalid):
    """The booking is not confirmed, so it has no ticket to cancel."""

    title = "There is nothing to cancel"


class SumChanged(Invalid):
    """The sum that the buyer agreed to is no longer what is refunded."""

    title = "What comes back has changed"

    def __init__(self) -> None:
        super().__init__("What comes back has changed. Please look once more.")


class TooLateToCancel(SalesClosed):
    """Has the type `sales-closed`, which is for everything that is over for good."""

    title = "Too late to cancel"


class TicketUsed(Forbidden):
    """Tickets of these seats have been used."""

    title = "That ticket has been used"

    def __init__(self, seats: list[str]) -> None:
        verb = "has" if len(seats) == 1 else "have"
        super().__init__(
            f"{join_labels(seats)} {verb} been used at the door and cannot be cancelled. "
            "Ask the house if that is wrong.",
            seats=seats,
        )


class PaymentDisputed(Forbidden):
    """The payment is disputed: its money may not be refunded until the bank has decided."""

    title = "The bank is looking into this payment"

    def __init__(self) -> None:
        super().__init__(
            "The payment of this booking is disputed at the bank, which decides where the money goes. "
            "Nothing was changed and the tickets stay valid; ask the house."
        )


class RateLimited(Refusal):
    """The visitor has begun too many locks, or its client has done something too often or has too many seats.

    Worth another try after `retry_after` seconds; `sign_in` in the answer says that signing in helps as well.
    """

    type, status, title = "rate-limited", 429, "Too much at once"

    def __init__(self, detail: str, retry_after: int, *, sign_in: bool = False) -> None:
        more = {"sign_in": True} if sign_in else {}
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **more)
        self.sign_in = sign_in


class PaymentOpen(Exception):
    """Internal: the open payment of `booking` must be ended before its seats change (`booking.payment_port`).

    `indices`: its seats, in ascending order.
    """

    def __init__(self, booking: Booking, indices: Sequence[int] = ()) -> None:
        super().__init__(booking.reference)
        self.booking, self.indices = booking, indices
