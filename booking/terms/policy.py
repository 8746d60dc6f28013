"""What a buyer gets back who cancels, by the cinema's terms. Arithmetic, and one reading of those terms.

Without tiers the whole price comes back until `CANCEL_UNTIL_MINUTES` before the start. With tiers it is the largest
percentage whose `minutes_before` has not passed; after the last of them a buyer cannot cancel any more. Of each seat
the house keeps its `refund_fee`, at most what would have come back. Staff are not bound by any of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from booking.models import Booking, Ticket
from cinema.currencies import coin
from cinema.models import Cinema

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class RefundPolicy:
    """`tiers` are pairs of minutes before the start and percentage, the earliest first; `fee` is minor units a seat."""

    tiers: tuple[tuple[int, int], ...]
    fee: int = 0

    @property
    def closes(self) -> int:
        """Minutes before the start until which a buyer may cancel."""
        return min(minutes for minutes, percent in self.tiers)

    def percent(self, minutes_left: int) -> int:
        """Of the price; 0 when it is too late."""
        return max((percent for minutes, percent in self.tiers if minutes <= minutes_left), default=0)


EVERYTHING = RefundPolicy(((-1_000_000_000, 100),))  # whenever, all of it


@dataclass(frozen=True)
class TicketOffer:
    """What one ticket would bring back now and what the house would keep; `why_not` when it cannot be cancelled."""

    ticket: Ticket
    amount: int
    kept: int
    why_not: str = ""


@dataclass(frozen=True)
class Offer:
    """What a buyer who cancels now would get. `why_not` is about all of it; a ticket may have its own.

    `until` is the end of the buyer's time to cancel; of a cancelled showtime the end itself.
    """

    tickets: tuple[TicketOffer, ...]
    until: datetime
    percent: int
    fee: int
    why_not: str = ""

    @property
    def open(self) -> tuple[TicketOffer, ...]:
        """The tickets that can be cancelled now."""
        return () if self.why_not else tuple(each for each in self.tickets if not each.why_not)

    @property
    def amount(self) -> int:
        """What comes back when all of them go."""
        return sum(each.amount for each in self.open)


def read_policy(cinema: Cinema) -> RefundPolicy:
    """The terms of this cinema."""
    tiers = tuple(cinema.refund_tiers.order_by("-minutes_before").values_list("minutes_before", "percent"))
    return RefundPolicy(tiers or ((int(settings.CANCEL_UNTIL / MINUTE), 100),), cinema.refund_fee)


def refundable(*, price: int, policy: RefundPolicy, minutes_left: int) -> int:
    """Minor units of this price that come back, rounded down."""
    return max(0, price * policy.percent(minutes_left) // 100 - policy.fee)


def share(prices: Sequence[int], *, policy: RefundPolicy, minutes_left: int, whole: bool) -> list[int]:
    """What each of these seats brings back when they go together.

    Args:
        whole: no seat of the booking stays: the last one takes what rounding left, so that the sum is the
            percentage of the sum.
    """
    percent = policy.percent(minutes_left)
    parts = [price * percent // 100 for price in prices]
    if whole and parts:
        parts[-1] = min(prices[-1], parts[-1] + sum(prices) * percent // 100 - sum(parts))
    return [max(0, part - policy.fee) for part in parts]


def minutes_left(booking: Booking, at: datetime) -> int:
    """Whole minutes until the start; below zero after it."""
    return (booking.showtime.starts_at - at) // MINUTE


def terms_of(booking: Booking) -> RefundPolicy:
    """The terms that hold for this booking: its cinema's, and all of the price when the showtime is cancelled."""
    if booking.showtime.cancelled_at is not None:
        return EVERYTHING
    return read_policy(booking.showtime.screen.cinema)


def offer_of(booking: Booking, at: datetime, labels: Iterable[str] | None = None) -> Offer:
    """What the buyer would get back now, ticket by ticket, or why not.

    Args:
        labels: only these seats, which then go together; all of them without. Rounding depends on who goes together.
    """
    showtime, policy, left = booking.showtime, terms_of(booking), minutes_left(booking, at)
    wanted = None if labels is None else set(labels)
    tickets = [ticket for ticket in booking.tickets.all() if wanted is None or ticket.label in wanted]
    going = [ticket for ticket in tickets if ticket.status == Ticket.Status.VALID]
    amounts = dict(zip([ticket.pk for ticket in going], parts_of(booking, going, policy, left), strict=True))
    return Offer(
        tickets=tuple(_offer(ticket, amounts.get(ticket.pk, 0)) for ticket in tickets),
        until=showtime.ends_at if policy is EVERYTHING else showtime.starts_at - policy.closes * MINUTE,
        percent=policy.percent(left),
        fee=policy.fee,
        why_not=why_closed(booking, policy, left),
    )


def parts_of(booking: Booking, going: Sequence[Ticket], policy: RefundPolicy, left: int) -> list[int]:
    """What each of these tickets brings back when they go together, at most what the house still has.

    Rounded down to what a card can move.
    """
    standing = [ticket for ticket in booking.tickets.all() if ticket.status != Ticket.Status.CANCELLED]
    whole, step = len(going) == len(standing), coin(booking.currency)
    parts = share([ticket.price for ticket in going], policy=policy, minutes_left=left, whole=whole)
    return cap([part - part % step for part in parts], booking)


def cap(parts: Sequence[int], booking: Booking) -> list[int]:
    """No more goes back than the house still has of this booking: some may have gone back elsewhere."""
    rest = max(0, booking.total - booking.refunded)
    capped = []
    for part in parts:
        capped.append(min(part, rest))
        rest -= capped[-1]
    return capped


def why_closed(booking: Booking, policy: RefundPolicy, left: int) -> str:
    """The sentence that tells a buyer why nothing of this booking can be cancelled now; empty when it can."""
    if booking.status != Booking.Status.CONFIRMED:
        return _("This booking has no valid tickets, so there is nothing to cancel.")
    if policy.percent(left):
        return ""
    if left < 0:
        return _("The showtime has begun, so its tickets cannot be cancelled any more.")
    return _("Tickets can be cancelled until %s before the start. That time has passed.") % spoken_minutes(
        policy.closes
    )


def spoken_minutes(minutes: int) -> str:
    """`45 minutes`, `2 hours`, `3 days`."""
    for unit, words in ((1440, _("%d days")), (60, _("%d hours"))):
        if minutes >= 2 * unit and minutes % unit == 0:
            return words % (minutes // unit)
    return _("%d minutes") % minutes


def _offer(ticket: Ticket, amount: int) -> TicketOffer:
    if ticket.status == Ticket.Status.CANCELLED:
        return TicketOffer(ticket, 0, 0, _("Seat %s is cancelled already.") % ticket.label)
    if ticket.status == Ticket.Status.USED:
        return TicketOffer(ticket, 0, 0, _("The ticket for %s has been used.") % ticket.label)
    return TicketOffer(ticket, amount, ticket.price - amount)
