"""Sums of the ledger, and the rows that need a person, for the staff page of money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from booking.models import Booking, OutboxMessage, Ticket
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund

UP, DOWN = Q(amount__gt=0), Q(amount__lt=0)
DEMO = Q(payment__provider=Payment.Provider.DEMO)


@dataclass(frozen=True)
class Sums:
    """Money of one currency that moved, minor units: to the cinema, and back. The demo's part is included in both."""

    currency: str
    taken: int = 0
    back: int = 0
    demo_taken: int = 0
    demo_back: int = 0

    @property
    def kept(self) -> int:
        """Taken, less what went back."""
        return self.taken - self.back

    @property
    def is_mixed(self) -> bool:
        """Some of it is demo money, and some is not."""
        demo = self.demo_taken + self.demo_back
        return 0 < demo < self.taken + self.back


def sum_today(*, at: datetime) -> dict[str, Sums]:
    """What the ledger records on the local day of `at`, by currency."""
    local = timezone.localtime(at)
    begins = datetime.combine(local.date(), time.min, local.tzinfo)
    return sum_ledger(LedgerEntry.objects.filter(at__gte=begins, at__lte=at))


def sum_ledger(entries: QuerySet[LedgerEntry]) -> dict[str, Sums]:
    """Taken and refunded by these entries, by currency."""
    rows = entries.exclude(amount=0).order_by().values("currency").annotate(
        taken=Coalesce(Sum("amount", filter=UP), 0),
        back=Coalesce(Sum("amount", filter=DOWN), 0),
        demo_taken=Coalesce(Sum("amount", filter=UP & DEMO), 0),
        demo_back=Coalesce(Sum("amount", filter=DOWN & DEMO), 0),
    )  # fmt: skip
    return {
        row["currency"]: Sums(row["currency"], row["taken"], -row["back"], row["demo_taken"], -row["demo_back"])
        for row in rows
    }


def sum_booking(booking: Booking) -> Sums:
    """What moved for this booking."""
    return sum_ledger(LedgerEntry.objects.filter(booking=booking)).get(booking.currency, Sums(booking.currency))


def refunds_under_way() -> QuerySet[Refund]:
    """Refunds that are neither settled nor failed, oldest first."""
    waiting = Refund.objects.filter(status__in=[Refund.Status.REQUESTED, Refund.Status.SUBMITTED])
    return waiting.select_related("payment__booking").prefetch_related("seats__ticket").order_by("created_at", "pk")


def sum_under_way() -> dict[str, int]:
    """The amount of refunds under way, minor units, by currency."""
    sums = refunds_under_way().order_by().values("payment__currency").annotate(sum=Sum("amount"))
    return {row["payment__currency"]: row["sum"] for row in sums}


def open_alerts() -> QuerySet[MoneyAlert]:
    """The open alerts, oldest first."""
    return related(MoneyAlert.objects.filter(closed_at=None)).order_by("raised_at", "pk")


def related(alerts: QuerySet[MoneyAlert]) -> QuerySet[MoneyAlert]:
    """With the rows that an alert's line shows."""
    return alerts.select_related("booking", "payment", "refund__payment")


@dataclass(frozen=True)
class Remedy:
    """An alert, and whether its failed refund can be retried: it is not replaced yet."""

    alert: MoneyAlert
    can_retry: bool


def with_remedies(alerts: Iterable[MoneyAlert]) -> list[Remedy]:
    """Each alert with its remedy. One query."""
    found = list(alerts)
    failed = {each.refund_id for each in found if each.refund and each.refund.status == Refund.Status.FAILED}
    replaced = set(Refund.objects.filter(replaces__in=failed).values_list("replaces_id", flat=True))
    return [Remedy(alert, alert.refund_id in failed - replaced) for alert in found]


def dead_letters() -> QuerySet[OutboxMessage]:
    """The dead letters of the outbox, oldest first."""
    return OutboxMessage.objects.filter(state=OutboxMessage.State.DEAD).order_by("created_at", "pk")


@dataclass(frozen=True)
class Subjects:
    """The rows that a list of outbox messages is about, by key."""

    bookings: dict[int, Booking]
    payments: dict[int, Payment]
    refunds: dict[int, Refund]

    def booking_of(self, message: OutboxMessage) -> Booking | None:
        """The booking that a message is about, directly or by its refund or payment."""
        if "booking" in message.payload:  # then `refund` is an amount, not a key
            return self.bookings.get(message.payload["booking"])
        if refund := self.refunds.get(message.payload.get("refund", 0)):
            return refund.payment.booking
        if payment := self.payments.get(message.payload.get("payment", 0)):
            return payment.booking
        return None


def read_subjects(messages: list[OutboxMessage]) -> Subjects:
    """Three queries and their relations, for any number of messages."""
    named: dict[str, set[int]] = defaultdict(set)
    for message in messages:
        for name in ("booking", "refund", "payment"):
            if isinstance(number := message.payload.get(name), int):
                named[name].add(number)
    refunds = Refund.objects.filter(pk__in=named["refund"]).select_related("payment__booking")
    return Subjects(
        Booking.objects.in_bulk(named["booking"]),
        Payment.objects.select_related("booking").in_bulk(named["payment"]),
        {refund.pk: refund for refund in refunds.prefetch_related("seats__ticket")},
    )


@dataclass(frozen=True)
class Effect:
    """What the cancellation of a showtime affects now: confirmed bookings, their tickets and money (minor units), and
    live bookings that are not paid.
    """

    bookings: int
    tickets: int
    money: int
    live: int


def effect_of_cancelling(showtime_id: int) -> Effect:
    """As of now; sales go on until the cancellation."""
    here = Booking.objects.filter(showtime_id=showtime_id)
    standing = Ticket.objects.filter(booking__in=here.filter(status=Booking.Status.CONFIRMED))
    sums = standing.exclude(status=Ticket.Status.CANCELLED).aggregate(
        bookings=Count("booking", distinct=True), tickets=Count("pk"), money=Coalesce(Sum("price"), 0)
    )
    return Effect(**sums, live=here.not_ended().count())
