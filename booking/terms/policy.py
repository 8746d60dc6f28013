"""What is refunded to a buyer who cancels, by the terms of the cinema. Arithmetic, except `read_policy`.

Without tiers the whole price is refunded until `CANCEL_UNTIL_MINUTES` before the start. With tiers it is the largest
percentage whose `minutes_before` has not passed; after the last tier a buyer cannot cancel. The cinema keeps its
`refund_fee` per seat, at most what would be refunded. Staff are not bound by these terms.
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
    """`tiers` are pairs (minutes before the start, percentage), the earliest first; `fee` is minor units per seat."""

    tiers: tuple[tuple[int, int], ...]
    fee: int = 0

    @property
    def last_minutes(self) -> int:
        """Minutes before the start at which the time to cancel ends."""
        return min(minutes for minutes, percent in self.tiers)

    def percent(self, minutes_left: int) -> int:
        """The percentage of the price that is refunded; 0 if it is too late."""
        return max((percent for minutes, percent in self.tiers if minutes <= minutes_left), default=0)


FULL_REFUND = RefundPolicy(((-1_000_000_000, 100),))  # at any time


@dataclass(frozen=True)
class TicketOffer:
    """Refund of one ticket now and what the cinema keeps, minor units; `why_not` says why it cannot be cancelled."""

    ticket: Ticket
    amount: int
    kept: int
    why_not: str = ""


@dataclass(frozen=True)
class Offer:
    """What a buyer who cancels now is refunded. `why_not` is for the whole booking; a ticket may have its own.

    `until` is the end of the time to cancel: the end of the showtime if that was cancelled.
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
        """The refund for all open tickets, minor units."""
        return sum(each.amount for each in self.open)


def read_policy(cinema: Cinema) -> RefundPolicy:
    """The terms of this cinema, in one query."""
    tiers = tuple(cinema.refund_tiers.order_by("-minutes_before").values_list("minutes_before", "percent"))
    return RefundPolicy(tiers or ((int(settings.CANCEL_UNTIL / MINUTE), 100),), cinema.refund_fee)


def split_refund(prices: Sequence[int], *, policy: RefundPolicy, minutes_left: int, whole: bool) -> list[int]:
    """The refund of each of these seats when they are cancelled together: minor units, rounded down.

    Args:
        whole: no seat of the booking remains. The last seat then gets the remainder of rounding, so that the sum is
            the percentage of the total price, before the fees.
    """
    percent = policy.percent(minutes_left)
    parts = [price * percent // 100 for price in prices]
    if whole and parts:
        parts[-1] = min(prices[-1], parts[-1] + sum(prices) * percent // 100 - sum(parts))
    return [max(0, part - policy.fee) for part in parts]


def minutes_left(booking: Booking, at: datetime) -> int:
    """Whole minutes until the start; negative after it."""
    return (booking.showtime.starts_at - at) // MINUTE


def terms_of(booking: Booking) -> RefundPolicy:
    """The terms of this booking's cinema; a full refund if the showtime was cancelled."""
    if booking.showtime.cancelled_at is not None:
        return FULL_REFUND
    return read_policy(booking.showtime.screen.cinema)


def offer_of(booking: Booking, at: datetime, labels: Iterable[str] | None = None) -> Offer:
    """What would be refunded now for each ticket, or why nothing would be.

    Args:
        labels: the seats that are cancelled together; None for all. Rounding depends on the set.
    """
    showtime, policy, left = booking.showtime, terms_of(booking), minutes_left(booking, at)
    wanted = None if labels is None else set(labels)
    tickets = [ticket for ticket in booking.tickets.all() if wanted is None or ticket.label in wanted]
    cancelled_now = [ticket for ticket in tickets if ticket.status == Ticket.Status.VALID]
    amounts = dict(
        zip([ticket.pk for ticket in cancelled_now], parts_of(booking, cancelled_now, policy, left), strict=True)
    )
    return Offer(
        tickets=tuple(_offer(ticket, amounts.get(ticket.pk, 0)) for ticket in tickets),
        until=showtime.ends_at if policy is FULL_REFUND else showtime.starts_at - policy.last_minutes * MINUTE,
        percent=policy.percent(left),
        fee=policy.fee,
        why_not=why_closed(booking, policy, left),
    )


def parts_of(booking: Booking, cancelled_now: Sequence[Ticket], policy: RefundPolicy, left: int) -> list[int]:
    """The refund of each of these tickets when they are cancelled together, at most what was not refunded before.

    Minor units, rounded down to the smallest amount that a card can transfer.
    """
    standing = [ticket for ticket in booking.tickets.all() if ticket.status != Ticket.Status.CANCELLED]
    whole, step = len(cancelled_now) == len(standing), coin(booking.currency)
    parts = split_refund([ticket.price for ticket in cancelled_now], policy=policy, minutes_left=left, whole=whole)
    return cap([part - part % step for part in parts], booking)


def cap(parts: Sequence[int], booking: Booking) -> list[int]:
    """Reduce the parts, the last ones first, so that their sum is at most what was not refunded before."""
    rest = max(0, booking.total - booking.refunded)
    capped = []
    for part in parts:
        capped.append(min(part, rest))
        rest -= capped[-1]
    return capped


def why_closed(booking: Booking, policy: RefundPolicy, left: int) -> str:
    """The sentence for the buyer why this booking cannot be cancelled now; empty if it can."""
    if booking.status != Booking.Status.CONFIRMED:
        return _("This booking has no valid tickets, so there is nothing to cancel.")
    if policy.percent(left):
        return ""
    if left < 0:
        return _("The showtime has begun, so its tickets cannot be cancelled any more.")
    words = _("Tickets can be cancelled until %s before the start. That time has passed.")
    return words % format_minutes(policy.last_minutes)


def format_minutes(minutes: int) -> str:
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
