"""The terms of cancelling for a page: a line per ticket with its refund, and the cinema's terms as sentences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from booking.models import Booking, Ticket
from booking.terms.policy import MINUTE, Offer, RefundPolicy, offer_of, read_policy
from cinema.currencies import SIGNS, format_money, minor_digits


@dataclass(frozen=True)
class TicketLine:
    """A ticket that a buyer may choose to cancel; amounts in minor units. With `why_not` it cannot be chosen."""

    label: str
    category: str
    price: int
    back: int
    kept: int
    why_not: str
    is_chosen: bool


@dataclass(frozen=True)
class Terms:
    """What a page shows. If `lines` is empty nothing can be chosen, and `refusal` says why.

    `sign` and `digits` (after the point) are those of the currency.
    """

    lines: tuple[TicketLine, ...]
    sentences: tuple[str, ...]
    refusal: str
    sign: str
    digits: int


def read_terms(booking: Booking, *, at: datetime, chosen: Collection[str] = ()) -> Terms:
    """The terms of cancelling this booking now.

    Args:
        chosen: labels of the tickets that are marked. If only one can be cancelled, it is marked in any case.
    """
    offer = offer_of(booking, at)
    if booking.showtime.cancelled_at is not None:
        return _refuse(_("This showtime has been cancelled. All of the money comes back by itself."))
    open_tickets = {each.ticket.pk for each in offer.open}
    lines = tuple(
        TicketLine(
            label=each.ticket.label,
            category=each.ticket.category,
            price=each.ticket.price,
            back=each.amount,
            kept=each.kept,
            why_not="" if each.ticket.pk in open_tickets else _("used"),
            is_chosen=each.ticket.pk in open_tickets and (each.ticket.label in chosen or len(open_tickets) == 1),
        )
        for each in offer.tickets
        if open_tickets and each.ticket.status != Ticket.Status.CANCELLED
    )
    if not lines:
        return _refuse(offer.why_not or _("Every ticket of this booking has been used or cancelled."))
    return Terms(
        lines=lines,
        sentences=tuple(_sentences(booking, offer, at)),
        refusal="",
        sign=SIGNS.get(booking.currency, f"{booking.currency} "),
        digits=minor_digits(booking.currency),
    )


def _refuse(refusal: str) -> Terms:
    return Terms((), (), refusal, "", 0)


def _sentences(booking: Booking, offer: Offer, at: datetime) -> list[str]:
    if not booking.total:
        return [_("You can cancel until %s.") % format_deadline(offer.until, at)]
    policy = read_policy(booking.showtime.screen.cinema)
    steps = [step for step in tier_steps(policy, booking.showtime.starts_at) if step[0] >= at]
    if len(steps) == 1 and steps[0][1] == 100:
        terms = _("Cancel until %s and all of the money comes back.") % format_deadline(steps[0][0], at)
    else:
        parts = [
            _("%(percent)s until %(time)s") % {"percent": _percent(percent), "time": format_deadline(until, at)}
            for until, percent in steps
        ]
        terms = _("What comes back when you cancel: %s.") % ", ".join(parts)
    sentences = [terms]
    if offer.fee:
        sentences.append(_("The house keeps %s of each seat.") % format_money(offer.fee, booking.currency))
    sentences.append(
        _("It is demo money; no card was charged.") if booking.demo else _("It goes back to the card you paid with.")
    )
    return sentences


def tier_steps(policy: RefundPolicy, starts_at: datetime) -> list[tuple[datetime, int]]:
    """Pairs (deadline, percentage refunded until then), the earliest and highest first."""
    steps: list[tuple[datetime, int]] = []
    for minutes, _percent in sorted(policy.tiers):  # the latest deadline first
        percent = policy.percent(minutes)
        if percent and (not steps or percent > steps[-1][1]):
            steps.append((starts_at - minutes * MINUTE, percent))
    return steps[::-1]


def format_deadline(instant: datetime, at: datetime) -> str:
    """`17:30 today`, else `Sat 28 Nov, 17:30`."""
    local, today = timezone.localtime(instant), timezone.localtime(at).date()
    if local.date() == today:
        return _("%s today") % date_format(local, "H:i")
    return date_format(local, "D j M, H:i")


def _percent(percent: int) -> str:
    return _("all of it") if percent == 100 else f"{percent} %"
