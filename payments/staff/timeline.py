"""The timeline of one booking, for staff: what happened to its seats and its money, in order, in plain words.

Nothing is stored for it. It is read from what every step writes anyway: the history of seats, the ledger, outbox
messages of mails, tickets that were used, and alerts.
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
from payments.staff import timeline_texts as texts

# The order of moments of one instant.
CHOICE, PAYMENT, SEATS, REFUND, FREED, MAIL, ALERT = range(7)
# Seat changes that are caused by a payment or refund; other changes precede it.
RANKS = {"confirm": SEATS, "cancel": FREED, "refund": FREED, "showtime": FREED}

Seat = ShowtimeSeat.Status


@dataclass(frozen=True)
class Moment:
    """A line of the timeline.

    `tone` is plain, good, bad or quiet; `amount` is what moved, minor units, positive to the cinema; `rank` orders the
    lines of one instant.
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
class UnhandledMessage:
    """An outbox message about this booking that is pending or a dead letter; `what` describes it."""

    message: OutboxMessage
    what: str
    is_dead: bool


@dataclass(frozen=True)
class Timeline:
    """What happened, and the messages that are still to be handled."""

    moments: list[Moment]
    unhandled: list[UnhandledMessage]


def read_timeline(booking: Booking) -> Timeline:
    """The moments, oldest first, and the unhandled messages."""
    messages = _read_messages(booking)
    refunds = {refund.pk: refund for refund in _refunds(booking)}
    entries = list(LedgerEntry.objects.filter(booking=booking).select_related("payment").order_by("pk"))
    moments = [
        *_seats(booking, [entry.at for entry in entries]),
        *_money(entries, refunds),
        *_mails(booking, messages),
        *_admissions(booking),
        *_alerts(booking),
    ]
    moments.sort(key=lambda moment: (moment.at, moment.rank))
    return Timeline(moments, _unhandled(messages, refunds, booking))


def _refunds(booking: Booking) -> list[Refund]:
    return list(Refund.objects.filter(payment__booking=booking).prefetch_related("seats__ticket"))


def _read_messages(booking: Booking) -> list[OutboxMessage]:
    """Mails of this booking, calls to the gateway about its refunds, and its cancellation with the showtime."""
    about = OutboxMessage.objects.filter(kind__startswith="mail.", payload__booking=booking.pk)
    calls = OutboxMessage.objects.filter(
        kind="payments.refund",
        payload__refund__in=list(Refund.objects.filter(payment__booking=booking).values_list("pk", flat=True)),
    )
    whole = OutboxMessage.objects.filter(kind="payments.cancel_booking", payload__booking=booking.pk)
    return [*about.order_by("pk"), *calls.order_by("pk"), *whole.order_by("pk")]


def _seats(booking: Booking, boundaries: Sequence[datetime]) -> Iterator[Moment]:
    """What happened to its seats; consecutive clicks are one moment, unless one of `boundaries` lies between."""
    plan = layout_of(booking.showtime.plan.hash).seats
    here = SeatChange.objects.filter(showtime=booking.showtime_id)  # the history has an index by showtime alone
    changes = here.filter(booking=booking).order_by("version", "after", "index")
    locked: list[str] = []

    def group_key(change: SeatChange) -> tuple[object, ...]:
        if change.reason == "lock":
            return "lock", bisect(boundaries, change.at)
        return change.version, change.after

    for _, group in groupby(changes, key=group_key):
        rows = list(group)
        labels = [plan[row.index].label for row in rows]
        after, at = rows[0].after, rows[-1].at
        if rows[0].reason == "lock":
            for row, label in zip(rows, labels, strict=True):
                locked = [*(one for one in locked if one != label), *([label] if row.after == Seat.LOCKED else [])]
            labels, after = (locked, Seat.LOCKED) if locked else (labels, Seat.AVAILABLE)
        text = texts.describe_seats(rows[0].reason, after, list(dict.fromkeys(labels)))
        rank = RANKS.get(rows[0].reason, CHOICE)
        yield Moment(at, rank, text.icon, text.what, who=text.who, tone=text.tone)


def _money(entries: Iterable[LedgerEntry], refunds: dict[int, Refund]) -> Iterator[Moment]:
    for entry in entries:
        refund = refunds.get(entry.refund_id or 0)
        text = texts.describe_entry(entry, refund)
        ids = tuple(filter(None, (entry.gateway_id, entry.event_id)))
        rank = REFUND if entry.kind.startswith("refund.") else PAYMENT
        yield Moment(
            entry.at,
            rank,
            text.icon,
            text.what,
            texts.name_actor(entry.actor),
            entry.note,
            text.tone,
            entry.amount,
            ids,
        )


def _mails(booking: Booking, messages: Iterable[OutboxMessage]) -> Iterator[Moment]:
    for message in messages:
        if message.done_at is not None and message.kind.startswith("mail."):
            what = texts.describe_sent_mail(message.kind, booking.email)
            who = texts.name_actor(message.payload.get("by", ""))
            yield Moment(message.done_at, MAIL, "mail", what, who, tone="quiet")


def _admissions(booking: Booking) -> Iterator[Moment]:
    used = [ticket for ticket in booking.tickets.all() if ticket.used_at is not None]
    used.sort(key=lambda ticket: ticket.used_at or ticket.booking.created_at)
    for at, group in groupby(used, key=lambda ticket: ticket.used_at):
        if at is not None:
            yield Moment(at, SEATS, "check", texts.describe_admission([ticket.label for ticket in group]), tone="good")


def _alerts(booking: Booking) -> Iterator[Moment]:
    for alert in MoneyAlert.objects.filter(booking=booking).order_by("pk"):
        yield Moment(alert.raised_at, ALERT, "alert", texts.describe_open_alert(), note=alert.text, tone="bad")
        if alert.closed_at is not None:
            yield Moment(
                alert.closed_at,
                ALERT,
                "check",
                texts.describe_closed_alert(),
                texts.name_actor(alert.closed_by),
                alert.resolution,
            )


def _unhandled(
    messages: Iterable[OutboxMessage], refunds: dict[int, Refund], booking: Booking
) -> list[UnhandledMessage]:
    dead = OutboxMessage.State.DEAD
    return [
        UnhandledMessage(message, texts.describe_message(message, refunds, booking), message.state == dead)
        for message in messages
        if message.state != OutboxMessage.State.DONE
    ]
