"""Payments, refunds, the ledger, alerts and received events: one row per gateway session, refund and event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Never

from django.db import models
from django.db.models import Q

from booking.models import Booking, Ticket
from cinema.database import clock

# How long after the end of a session its verdict may still arrive.
VERDICT_GRACE = timedelta(minutes=10)
# Between two queries of the gateway about one payment.
LONGEST_QUERY_WAIT = timedelta(minutes=1)


def mark_of_key(idempotency_key: str) -> str:
    """Sixteen hexadecimal digits for what has this key, for names that are known outside, as a Message-ID is.

    Keys are random: unlike a primary key they are not used again after a restored backup.
    """
    return hashlib.sha256(idempotency_key.encode()).hexdigest()[:16]


class PaymentQuerySet(models.QuerySet["Payment"]):
    def active(self) -> PaymentQuerySet:
        """Payments that may still bring money."""
        return self.filter(status__in=Payment.ACTIVE)

    def due(self, at: datetime) -> PaymentQuerySet:
        """Active payments whose next query of the gateway is due, or was put off by a process whose clock was ahead."""
        void = Q(ask_again_at__gt=at + LONGEST_QUERY_WAIT + clock.TOLERANCE)
        return self.active().filter(Q(ask_again_at=None) | Q(ask_again_at__lte=at) | void)


class Payment(models.Model):
    """One session at the gateway. Committed before the gateway is called, so that no session is unknown here."""

    class Provider(models.TextChoices):
        DEMO = "demo"
        STRIPE = "stripe"

    class Status(models.TextChoices):
        CREATED = "created"
        OPEN = "open"
        PAID = "paid"
        PROCESSING = "processing"
        EXPIRED = "expired"
        FAILED = "failed"

    ACTIVE = (Status.CREATED, Status.OPEN, Status.PROCESSING)

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
    provider = models.CharField(max_length=8, choices=Provider)
    livemode = models.BooleanField(help_text="Real money")
    status = models.CharField(max_length=12, choices=Status, default=Status.CREATED)
    amount = models.PositiveIntegerField(help_text="Minor units; the sum of the price snapshots, never recomputed")
    currency = models.CharField(max_length=3)
    email = models.EmailField()
    session_id = models.CharField(max_length=120, unique=True, null=True)  # noqa: DJ001 unknown at first, then unique
    payment_intent = models.CharField(max_length=120, unique=True, null=True)  # noqa: DJ001 unknown at first, then unique
    url = models.TextField(blank=True, help_text="Where the buyer pays")
    idempotency_key = models.CharField(max_length=80, unique=True)
    request = models.JSONField(help_text="What the gateway was asked: a repetition must be equal to the byte")
    expires_at = models.DateTimeField(help_text="The session's own end, as asked for; never recomputed")
    late = models.BooleanField(default=False, help_text="The money came after the booking had ended")
    mismatch = models.BooleanField(default=False, help_text="What was paid is not what was asked; a person should look")
    disputed = models.BooleanField(default=False)
    abandoned = models.BooleanField(
        default=False, help_text="The gateway could not be asked until it no longer mattered"
    )
    declined_at = models.DateTimeField(null=True)
    received = models.PositiveIntegerField(null=True, help_text="Minor units that the gateway says it took")
    asks = models.PositiveSmallIntegerField(default=0, help_text="Questions in a row without a verdict")
    ask_again_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["status", "ask_again_at"], name="payment_status_ask")]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(status__in=["created", "open", "processing"]),
                name="one_active_payment_per_booking",
            ),
            models.CheckConstraint(
                condition=~Q(status="open") | Q(session_id__isnull=False), name="open_payment_has_session"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.idempotency_key} {self.status}"

    @property
    def is_active(self) -> bool:
        """It may still bring money."""
        return self.status in self.ACTIVE

    @property
    def verdict_until(self) -> datetime:
        """Until then the seats wait for this payment's verdict, even if the gateway does not answer."""
        return self.expires_at + VERDICT_GRACE


class Refund(models.Model):
    """One return of money.

    Its rows of `seats` name the tickets; the refund of a whole payment that bought nothing has none.
    """

    class Reason(models.TextChoices):
        LATE = "late"
        DUPLICATE = "duplicate"
        MISMATCH = "mismatch"
        BUYER = "buyer"
        STAFF = "staff"
        SHOWTIME = "showtime"
        OUTSIDE = "outside"

    class Status(models.TextChoices):
        REQUESTED = "requested"
        SUBMITTED = "submitted"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.PositiveIntegerField(help_text="Minor units")
    reason = models.CharField(max_length=20, choices=Reason)
    status = models.CharField(max_length=12, choices=Status, default=Status.REQUESTED)
    refund_id = models.CharField(max_length=120, unique=True, null=True)  # noqa: DJ001 unknown at first, then unique
    idempotency_key = models.CharField(max_length=80, unique=True)
    failure = models.CharField(max_length=120, blank=True)
    actor = models.CharField(
        max_length=80, default="system", help_text="Who asked: buyer, staff:<name>, system, outside"
    )
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, help_text="The failed refund that this one makes good"
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_is_of_some_money"),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(reason__in=["late", "duplicate", "mismatch"]),
                name="one_whole_refund_per_payment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.idempotency_key} {self.status}"


class RefundSeat(models.Model):
    """What was refunded for one cancelled ticket, and what the cinema kept of its price."""

    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="seats")
    ticket = models.OneToOneField(Ticket, on_delete=models.PROTECT, related_name="refund_seat")
    amount = models.PositiveIntegerField(help_text="Minor units that go back")
    kept = models.PositiveIntegerField(help_text="Minor units; amount and this are the ticket's price")

    def __str__(self) -> str:
        return f"{self.ticket}: {self.amount}"


class AppendOnly(Exception):
    """An attempt to change or delete a ledger entry."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("Lines of the ledger are never changed or deleted: write another one.")


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    """Can read and add; every other write raises AppendOnly."""

    def update(self, **kwargs: Any) -> Never:
        """Raises AppendOnly."""
        raise AppendOnly

    def delete(self) -> Never:
        """Raises AppendOnly."""
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> Never:
        """Raises AppendOnly."""
        raise AppendOnly

    def update_or_create(self, *args: Any, **kwargs: Any) -> Never:
        """Raises AppendOnly."""
        raise AppendOnly

    def bulk_create(self, objs: Iterable[LedgerEntry], *args: Any, **kwargs: Any) -> list[LedgerEntry]:
        """Adds. Raises AppendOnly with `update_conflicts`, which would change existing entries."""
        if kwargs.get("update_conflicts"):
            raise AppendOnly
        return super().bulk_create(objs, *args, **kwargs)


class LedgerEntry(models.Model):
    """A movement of money, or a step of a payment or refund: written in the transaction of the step, never changed."""

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="ledger")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="ledger", null=True)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="ledger", null=True)
    kind = models.CharField(max_length=30, help_text="Such as payment.paid, refund.succeeded, dispute.opened")
    amount = models.IntegerField(default=0, help_text="Minor units that moved: to the house above zero, back below")
    currency = models.CharField(max_length=3)
    before = models.CharField(max_length=12, blank=True, help_text="State of the payment or refund")
    after = models.CharField(max_length=12, blank=True)
    actor = models.CharField(max_length=80, help_text="buyer, staff:<name>, system, stripe or demo")
    gateway_id = models.CharField(max_length=120, blank=True, help_text="Session, payment intent or refund")
    event_id = models.CharField(max_length=120, blank=True, help_text="The event that brought the news, if one did")
    note = models.CharField(max_length=250, blank=True)
    at = models.DateTimeField()

    objects = LedgerQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"
        indexes = [models.Index(fields=["at"], name="ledger_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Adds. Raises AppendOnly for an entry that is stored already."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Raises AppendOnly."""
        raise AppendOnly


class MoneyAlert(models.Model):
    """A problem with money that needs a person. Raised once per subject; closed by a person who says how."""

    subject = models.CharField(max_length=120, unique=True, help_text="What it is about, such as refund-failed:17")
    kind = models.CharField(max_length=30)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="alerts", null=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="alerts", null=True)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="alerts", null=True)
    text = models.CharField(max_length=250, help_text="What happened and what to do, in plain words")
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, blank=True)
    resolution = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["-raised_at", "-id"]
        indexes = [models.Index(fields=["raised_at"], condition=Q(closed_at=None), name="money_alert_open")]

    def __str__(self) -> str:
        return self.subject


class StripeWebhookEvent(models.Model):
    """An event whose effect is stored, written in the same transaction: a second delivery has no effect."""

    event_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=80)
    provider = models.CharField(max_length=8, choices=Payment.Provider)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events", null=True)
    outcome = models.CharField(max_length=20)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome}"


class DemoSession(models.Model):
    """What Stripe would store of a session. Only the demo gateway reads and writes it."""

    class Status(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"
        EXPIRED = "expired"

    session_id = models.CharField(max_length=80, unique=True)
    payment_intent = models.CharField(max_length=80, unique=True)
    idempotency_key = models.CharField(max_length=80, unique=True)
    request = models.JSONField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    declined = models.BooleanField(default=False, help_text="The last attempt was")
    refunds = models.JSONField(default=dict, help_text="Refund id and amount by idempotency key")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.session_id} {self.status}"
