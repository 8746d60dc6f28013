"""The texts of a booking's timeline, for staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.models import Booking, OutboxMessage, ShowtimeSeat
from booking.refusals import join_labels
from cinema.currencies import format_money
from payments.models import LedgerEntry, Refund

Seat = ShowtimeSeat.Status


@dataclass(frozen=True)
class TimelineEntry:
    """`what` happened, by `who`; `icon` is a name of the icon sheet, `tone` is plain, good, bad or quiet."""

    what: str
    icon: str = "card"
    tone: str = "plain"
    who: str = ""


def name_actor(actor: str) -> str:
    """The actor of a ledger entry; `staff:ines` is shown as the user name."""
    if actor.startswith("staff:"):
        return actor.removeprefix("staff:")
    names = {
        "buyer": _("the buyer"),
        "system": _("by itself"),
        "stripe": "Stripe",
        "demo": _("demo payments"),
        "outside": _("somebody at Stripe"),
    }
    return names.get(actor, actor)


def describe_seats(reason: str, after: str, labels: Sequence[str]) -> TimelineEntry:
    """What happened to seats, by the reason and the new status in their history."""
    names = join_labels(labels)
    if after == Seat.LOCKED:
        return TimelineEntry(_("Chose %s") % names, "seat", "quiet", _("the buyer"))
    if after == Seat.BOOKED:
        return TimelineEntry(_("Booked %s and made the tickets") % names, "ticket", "good", _("by itself"))
    cancelled = ngettext(
        "%s is cancelled and free again",
        "%s are cancelled and free again",
        len(labels),
    )
    freed_by = {
        "lock": TimelineEntry(_("Gave back %s") % names, "x", "quiet", _("the buyer")),
        "given-back": TimelineEntry(_("Gave back %s") % names, "x", "quiet", _("the buyer")),
        "changed": TimelineEntry(_("Chose other seats than %s") % names, "seat", "quiet", _("the buyer")),
        "cancelled": TimelineEntry(
            _("Cancelled the payment; %s went back to the house") % names, "x", "plain", _("the buyer")
        ),
        "declined": TimelineEntry(
            _("The card was declined; %s went back to the house") % names, "x", "plain", _("by itself")
        ),
        "lapsed": TimelineEntry(
            _("The hold ran out; %s went back to the house") % names, "clock", "plain", _("by itself")
        ),
        "payment-ended": TimelineEntry(_("The payment had ended; %s went back to the house") % names, "clock", "plain"),
        "cancel": TimelineEntry(cancelled % names, "x", "bad"),
        "refund": TimelineEntry(cancelled % names, "x", "bad"),
        "showtime": TimelineEntry(_("The showtime was cancelled, and %s with it") % names, "block", "bad"),
    }
    return freed_by.get(reason, TimelineEntry(_("%(seats)s: now %(state)s") % {"seats": names, "state": after}, "seat"))


def describe_entry(entry: LedgerEntry, refund: Refund | None) -> TimelineEntry:
    """What a ledger entry says."""
    if refund is not None:
        return _describe_refund(entry, refund)
    requested = format_money(entry.payment.amount, entry.currency) if entry.payment else ""
    moved = format_money(abs(entry.amount), entry.currency)
    texts = {
        "payment.created": TimelineEntry(_("Began to pay %s") % requested, "card", "quiet"),
        "payment.opened": TimelineEntry(_("The payment page was opened"), "card", "quiet"),
        "payment.paid": TimelineEntry(_("Paid %s") % moved, "check", "good"),
        "payment.processing": TimelineEntry(_("The bank is still thinking about it"), "clock"),
        "payment.expired": TimelineEntry(_("The payment page was closed; nothing was paid"), "x", "quiet"),
        "payment.failed": TimelineEntry(_("The payment failed; nothing was paid"), "x"),
        "payment.declined": TimelineEntry(_("A card was declined"), "x"),
        "payment.abandoned": TimelineEntry(
            _("Nobody could say how the payment ended; the seats were freed"), "alert", "bad"
        ),
        "payment.mismatch": TimelineEntry(_("What was paid is not what was asked"), "alert", "bad"),
        "refund.outside": TimelineEntry(_("Gave back %s at Stripe, not here") % moved, "swap", "bad"),
        "dispute.opened": TimelineEntry(_("The buyer's bank disputes the payment"), "alert", "bad"),
        "dispute.updated": TimelineEntry(_("News of the dispute"), "alert"),
        "dispute.closed": TimelineEntry(_("The dispute is over"), "check"),
        "dispute.funds_withdrawn": TimelineEntry(_("The bank took %s back for the dispute") % moved, "alert", "bad"),
        "dispute.funds_reinstated": TimelineEntry(
            _("The bank returned %s: the dispute was won") % moved, "check", "good"
        ),
        "tickets.cancelled": TimelineEntry(_("Asked to cancel tickets; no money was due"), "x"),
        "warning.fraud": TimelineEntry(_("The bank warns of fraud; a refund now avoids a dispute"), "alert", "bad"),
    }
    return texts.get(entry.kind, TimelineEntry(entry.kind))


def _describe_refund(entry: LedgerEntry, refund: Refund) -> TimelineEntry:
    sum_ = format_money(refund.amount, entry.currency)
    labels = [seat.ticket.label for seat in refund.seats.all()]
    why = _("for %s") % join_labels(labels) if labels else describe_reason(refund)
    texts = {
        "refund.requested": TimelineEntry(
            _("Asked for %(sum)s to go back, %(why)s") % {"sum": sum_, "why": why}, "swap"
        ),
        "refund.submitted": TimelineEntry(_("The refund of %s is on its way to the bank") % sum_, "clock", "quiet"),
        "refund.succeeded": TimelineEntry(_("Gave back %s") % sum_, "check", "good"),
        "refund.failed": TimelineEntry(_("The refund of %s failed") % sum_, "alert", "bad"),
        "refund.returned": TimelineEntry(_("The buyer's bank sent %s back to us") % sum_, "alert", "bad"),
        "refund.outside": TimelineEntry(_("Gave back %s at Stripe, not here") % sum_, "swap", "bad"),
    }
    return texts.get(entry.kind, TimelineEntry(entry.kind))


def describe_reason(refund: Refund) -> str:
    """Why money is refunded."""
    reasons = {
        "late": _("because it came after the seats had gone"),
        "duplicate": _("because it was paid twice"),
        "mismatch": _("because it was not what was asked"),
        "buyer": _("because the buyer cancelled"),
        "staff": _("because the house cancelled"),
        "showtime": _("because the showtime was cancelled"),
        "outside": _("asked for at Stripe"),
    }
    return reasons.get(refund.reason, refund.reason)


def name_mail(kind: str) -> str:
    """The mail of this outbox kind."""
    names = {
        "mail.confirmed": _("Mail with the tickets"),
        "mail.cancelled": _("Mail about the cancelled tickets"),
        "mail.refunded": _("Mail that the money is back"),
        "mail.late_refund": _("Mail about the late payment"),
        "mail.showtime_cancelled": _("Mail about the cancelled showtime"),
        "mail.payment_problem": _("Mail about a problem with the payment"),
    }
    return names.get(kind, kind)


def describe_sent_mail(kind: str, email: str) -> str:
    """A mail that was sent."""
    return _("%(mail)s sent to %(email)s") % {"mail": name_mail(kind), "email": email}


def describe_admission(labels: Sequence[str]) -> str:
    """Tickets that were used."""
    return _("Let in with %s") % join_labels(labels)


def describe_open_alert() -> str:
    """An alert that was raised."""
    return _("A person is needed")


def describe_closed_alert() -> str:
    """An alert that was closed."""
    return _("Settled by a person")


def describe_message(message: OutboxMessage, refunds: Mapping[int, Refund], booking: Booking) -> str:
    """What an outbox message will do."""
    if message.kind == "payments.refund" and (refund := refunds.get(message.payload.get("refund", 0))):
        return _("Tell the bank to give back %s") % format_money(refund.amount, booking.currency)
    texts = {
        "payments.cancel_booking": _("Cancel this booking, because its showtime was cancelled"),
        "payments.expire": _("End its payment at the gateway"),
        "payments.ask_refund": _("Ask the gateway how its refund stands"),
    }
    if message.kind in texts:
        return texts[message.kind]
    return _("%(mail)s to %(email)s") % {"mail": name_mail(message.kind), "email": booking.email}
