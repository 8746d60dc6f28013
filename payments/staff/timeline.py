"""The story of one booking, for staff: what happened to its seats and its money, in order, in plain words.

Nothing is stored for it. It is read from what every step writes anyway: the history of seats, the ledger, the
promises of mails, tickets that were used, and alerts.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from booking.models import Booking, OutboxMessage, SeatChange, ShowtimeSeat
from cinema.plans.layouts import layout_of
from payments.models import LedgerEntry, MoneyAlert, Refund
from payments.staff import timeline_texts as words

# What is told first where several things were written at one instant.
CHOICE, PAYMENT, SEATS, REFUND, FREED, MAIL, ALERT = range(7)
# Where the reason of a change of seats follows from what happened to money; else money follows from it.
RANKS = {"confirm": SEATS, "cancel": FREED, "refund": FREED, "showtime": FREED}

Seat = ShowtimeSeat.Status


@dataclass(frozen=True)
class Moment:
    """A line of the story.

    `tone` is one of plain, good, bad, quiet; `amount` is what moved, to the house above zero.
    """

    at: datetime
    rank: int
    icon: str
    what: str
    who: str = ""
    note: str = ""
    tone: str = "plain"
    amount: int = 0
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """A promise about this booking that is not kept yet, or was given up."""

    message: OutboxMessage
    what: str
    gave_up: bool


@dataclass(frozen=True)
class Timeline:
    moments: list[Moment]
    pending: list[Pending]


def read_timeline(booking: Booking) -> Timeline:
    """What happened, oldest first, and what is still to happen."""
    messages = _promises(booking)
    refunds = {refund.pk: refund for refund in _refunds(booking)}
    entries = list(LedgerEntry.objects.filter(booking=booking).select_related("payment").order_by("pk"))
    moments = [
        *_seats(booking, [entry.at for entry in entries]),
        *_money(entries, refunds),
        *_mails(booking, messages),
        *_visits(booking),
        *_alerts(booking),
    ]
    moments.sort(key=lambda moment: (moment.at, moment.rank))
    return Timeline(moments, _pending(messages, refunds, booking))


def _refunds(booking: Booking) -> list[Refund]:
    return list(Refund.objects.filter(payment__booking=booking).prefetch_related("seats__ticket"))


def _promises(booking: Booking) -> list[OutboxMessage]:
    """Mails of this booking, and calls to the gateway about its refunds."""
    about = OutboxMessage.objects.filter(kind__startswith="mail.", payload__booking=booking.pk)
    calls = OutboxMessage.objects.filter(
        kind="payments.refund",
        payload__refund__in=list(Refund.objects.filter(payment__booking=booking).values_list("pk", flat=True)),
    )
    whole = OutboxMessage.objects.filter(kind="payments.cancel_booking", payload__booking=booking.pk)
    return [*about.order_by("pk"), *calls.order_by("pk"), *whole.order_by("pk")]


def _seats(booking: Booking, breaks: Sequence[datetime]) -> Iterator[Moment]:
    """What became of its seats; a run of clicks is one moment, unless something of `breaks` lies between."""
    plan = layout_of(booking.showtime.plan.hash).seats
    here = SeatChange.objects.filter(showtime=booking.showtime_id)  # the history has an index by showtime alone
    changes = here.filter(booking=booking).order_by("version", "after", "index")
    held: list[str] = []

    def turn(change: SeatChange) -> tuple[object, ...]:
        if change.reason == "lock":
            return "lock", bisect(breaks, change.at)
        return change.version, change.after

    for _, group in groupby(changes, key=turn):
        rows = list(group)
        labels = [plan[row.index].label for row in rows]
        after, at = rows[0].after, rows[-1].at
        if rows[0].reason == "lock":
            for row, label in zip(rows, labels, strict=True):
                held = [*(one for one in held if one != label), *([label] if row.after == Seat.LOCKED else [])]
            labels, after = (held, Seat.LOCKED) if held else (labels, Seat.AVAILABLE)
        told = words.seats(rows[0].reason, after, list(dict.fromkeys(labels)))
        rank = RANKS.get(rows[0].reason, CHOICE)
        yield Moment(at, rank, told.icon, told.what, who=told.who, tone=told.tone)


def _money(entries: Iterable[LedgerEntry], refunds: dict[int, Refund]) -> Iterator[Moment]:
    for entry in entries:
        refund = refunds.get(entry.refund_id or 0)
        told = words.money(entry, refund)
        ids = tuple(filter(None, (entry.gateway_id, entry.event_id)))
        rank = REFUND if entry.kind.startswith("refund.") else PAYMENT
        yield Moment(
            entry.at, rank, told.icon, told.what, words.who(entry.actor), entry.note, told.tone, entry.amount, ids
        )


def _mails(booking: Booking, messages: Iterable[OutboxMessage]) -> Iterator[Moment]:
    for message in messages:
        if message.done_at is not None and message.kind.startswith("mail."):
            what = words.mail_sent(message.kind, booking.email)
            who = words.who(message.payload.get("by", ""))
            yield Moment(message.done_at, MAIL, "mail", what, who, tone="quiet")


def _visits(booking: Booking) -> Iterator[Moment]:
    used = [ticket for ticket in booking.tickets.all() if ticket.used_at is not None]
    used.sort(key=lambda ticket: ticket.used_at or ticket.booking.created_at)
    for at, group in groupby(used, key=lambda ticket: ticket.used_at):
        if at is not None:
            yield Moment(at, SEATS, "check", words.let_in([ticket.label for ticket in group]), tone="good")


def _alerts(booking: Booking) -> Iterator[Moment]:
    for alert in MoneyAlert.objects.filter(booking=booking).order_by("pk"):
        yield Moment(alert.raised_at, ALERT, "alert", words.alert_raised(), note=alert.text, tone="bad")
        if alert.closed_at is not None:
            yield Moment(
                alert.closed_at, ALERT, "check", words.alert_closed(), words.who(alert.closed_by), alert.resolution
            )


def _pending(messages: Iterable[OutboxMessage], refunds: dict[int, Refund], booking: Booking) -> list[Pending]:
    dead = OutboxMessage.State.DEAD
    return [
        Pending(message, words.promise(message, refunds, booking), message.state == dead)
        for message in messages
        if message.state != OutboxMessage.State.DONE
    ]
