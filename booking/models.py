"""Tables of bookings, seats per showtime, tickets, history, visitors, outbox and lease."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Container
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from cinema.models import Seat, Showtime

# No vowels, and no letter that is misread or misheard: a reference is said aloud at the box office.
REFERENCE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"


def new_reference() -> str:
    """Nine letters in groups of three, about 42 bits: hard to guess, but not a secret."""
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(9))
    return "-".join((letters[:3], letters[3:6], letters[6:]))


def new_ticket_secret() -> str:
    """Eleven letters, about 51 bits; never a digit first, which tells its code from one of a primary key."""
    first = secrets.choice(REFERENCE_LETTERS.lstrip("23456789"))
    return first + "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(10))


class BookingQuerySet(models.QuerySet["Booking"]):
    """Selections of bookings by status, visitor and deadline."""

    def not_ended(self) -> BookingQuerySet:
        """Bookings with a status of `Booking.LIVE`. A lock among them may have lapsed: `Booking.is_live` says so."""
        return self.filter(status__in=Booking.LIVE)

    def of_visitor(self, visitor: uuid.UUID) -> BookingQuerySet:
        """Bookings of one visitor."""
        return self.filter(visitor=visitor)

    def lapsed(self, at: datetime) -> BookingQuerySet:
        """Locks whose deadline has passed. They have no payment open, so that their seats can be released at once."""
        return self.filter(status=Booking.Status.LOCKED, locked_until__lte=at)

    def overdue(self, at: datetime) -> BookingQuerySet:
        """Checkouts whose deadline has passed: the payment must be ended first."""
        return self.filter(status=Booking.Status.CHECKOUT, locked_until__lte=at)


# The same as `Booking.LIVE`, which `Booking.Meta` cannot refer to.
IS_LIVE = Q(status__in=["locked", "checkout", "processing", "releasing"])


class Booking(models.Model):
    """One row from the first lock to the refund, with one reference and one status."""

    class Status(models.TextChoices):
        """A live booking is `locked`, or has a payment open: `checkout`, `processing` or `releasing`."""

        LOCKED = "locked"
        CHECKOUT = "checkout"
        PROCESSING = "processing"
        CONFIRMED = "confirmed"
        RELEASING = "releasing"
        RELEASED = "released"
        EXPIRED = "expired"
        CANCELLED = "cancelled"
        REFUNDING = "refunding"
        REFUNDED = "refunded"

    LIVE = (Status.LOCKED, Status.CHECKOUT, Status.PROCESSING, Status.RELEASING)
    PAYING = (Status.CHECKOUT, Status.PROCESSING, Status.RELEASING)
    ENDED_UNPAID = (Status.RELEASED, Status.EXPIRED)

    reference = models.CharField(max_length=16, default=new_reference, editable=False)
    showtime = models.ForeignKey(Showtime, on_delete=models.PROTECT, related_name="bookings")
    visitor = models.UUIDField(help_text="The browser's or the account's random id; never a session key")
    status = models.CharField(max_length=12, choices=Status, default=Status.LOCKED)
    locked_until = models.DateTimeField(null=True, help_text="The deadline that is shown")
    end_reason = models.CharField(max_length=20, blank=True, help_text="Why it is being or was released")
    email = models.EmailField(blank=True)
    currency = models.CharField(max_length=3)
    n_seats = models.PositiveSmallIntegerField(default=0, help_text="As last chosen; fewer rows means some were lost")
    total = models.PositiveIntegerField(default=0, help_text="Minor units; fixed at checkout")
    refunded = models.PositiveIntegerField(default=0, help_text="Minor units asked back and not failed")
    # Of the client whose seats these are while they are locked, see `booking.clients.client`; None afterwards.
    network_hash = models.BigIntegerField(null=True, editable=False)
    address_hash = models.BigIntegerField(null=True, editable=False)
    demo = models.BooleanField(default=False, help_text="Paid with demo money")
    origin = models.CharField(max_length=200, blank=True, help_text="Where the buyer met us; mails link there")
    created_at = models.DateTimeField()
    checkout_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = BookingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["visitor", "showtime"], name="booking_visitor_showtime"),
            models.Index(
                fields=["status", "locked_until"],
                condition=IS_LIVE,
                name="live_booking_by_deadline",
            ),
            models.Index(
                fields=["network_hash"], condition=Q(network_hash__isnull=False), name="live_booking_by_network"
            ),
        ]
        constraints = [
            # Not `unique=True`: on PostgreSQL it adds a second index, for LIKE, that no query uses.
            models.UniqueConstraint(fields=["reference"], name="booking_reference_unique"),
            models.UniqueConstraint(
                fields=["showtime", "visitor"],
                condition=IS_LIVE,
                name="one_live_booking_per_visitor_and_showtime",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["locked", "checkout"]) | Q(locked_until__isnull=False),
                name="booking_lock_has_a_deadline",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        """The path of the booking's page."""
        return reverse("booking:booking", args=[self.reference])

    def is_live(self, at: datetime) -> bool:
        """Whether the status is live and, if it is `locked`, the deadline has not passed."""
        if self.status == self.Status.LOCKED:
            assert self.locked_until is not None
            return at < self.locked_until
        return self.status in self.LIVE


# For hand-written statements. Literals, because a plan for parameters cannot use the partial index of live bookings.
IN_LIVE = "({})".format(", ".join(f"'{status}'" for status in Booking.LIVE))


class ShowtimeSeat(models.Model):
    """A seat as sold for one showtime. Written only by `booking.seats.rows`."""

    class Status(models.TextChoices):
        """Which of `booking` and `locked_until` are set for each is a constraint below."""

        AVAILABLE = "available"
        LOCKED = "locked"
        BOOKED = "booked"
        BLOCKED = "blocked"

    # No index for single foreign keys here and in `SeatChange`, and no check of copied numbers: every lock writes these
    # rows, and each index and check slows it down.
    showtime = models.ForeignKey(Showtime, on_delete=models.CASCADE, related_name="seats", db_index=False)
    seat = models.ForeignKey(Seat, on_delete=models.PROTECT, related_name="+", db_index=False)
    index = models.SmallIntegerField(help_text="The seat's own, copied: the order of the map")
    status = models.CharField(max_length=10, choices=Status, default=Status.AVAILABLE)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="seats", null=True)
    locked_until = models.DateTimeField(null=True, help_text="From this moment anyone may take it")
    version = models.BigIntegerField(default=0, help_text="The showtime's, when this row last changed")

    class Meta:
        ordering = ["showtime", "index"]
        constraints = [
            models.UniqueConstraint(fields=["showtime", "seat"], name="seat_sold_once_per_showtime"),
            models.UniqueConstraint(fields=["showtime", "index"], name="index_unique_per_showtime"),
            models.CheckConstraint(
                condition=(
                    Q(status__in=["available", "blocked"], booking__isnull=True, locked_until__isnull=True)
                    | Q(status="locked", booking__isnull=False, locked_until__isnull=False)
                    | Q(status="booked", booking__isnull=False, locked_until__isnull=True)
                ),
                name="seat_status_agrees_with_booking_and_deadline",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.showtime_id}/{self.index}"

    def may_be_taken(self, at: datetime, *, by: Container[int | None]) -> bool:
        """Whether the seat is available, locked by a booking in `by`, or its lock has expired. Row-lock it first."""
        if self.status == self.Status.LOCKED:
            assert self.locked_until is not None
            return self.booking_id in by or self.locked_until <= at
        return self.status == self.Status.AVAILABLE


class BookingSeat(models.Model):
    """A seat and its price as fixed at checkout. Kept after the lock ends, so that a late payment can be confirmed."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="places")
    seat = models.ForeignKey(ShowtimeSeat, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=40)
    category = models.CharField(max_length=120)
    price = models.PositiveIntegerField(help_text="Minor units")

    class Meta:
        ordering = ["booking", "seat__index"]
        constraints = [models.UniqueConstraint(fields=["booking", "seat"], name="place_unique_in_booking")]

    def __str__(self) -> str:
        return self.label


class Ticket(models.Model):
    """One seat of one confirmed booking. A ticket that is not cancelled is called standing."""

    class Status(models.TextChoices):
        """`used`: admitted at the door."""

        VALID = "valid"
        USED = "used"
        CANCELLED = "cancelled"

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="tickets")
    seat = models.ForeignKey(ShowtimeSeat, on_delete=models.PROTECT, related_name="tickets")
    label = models.CharField(max_length=40)
    category = models.CharField(max_length=120)
    price = models.PositiveIntegerField(help_text="Minor units")
    status = models.CharField(max_length=10, choices=Status, default=Status.VALID)
    used_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    secret = models.CharField(  # noqa: DJ001 unique, and absent in old tickets
        max_length=16,
        null=True,
        default=new_ticket_secret,
        editable=False,
        help_text="What its code seals; none: issued by a release whose codes seal the primary key",
    )

    class Meta:
        ordering = ["booking", "seat__index"]
        constraints = [
            models.UniqueConstraint(fields=["secret"], name="ticket_secret_unique"),
            models.UniqueConstraint(
                fields=["seat"], condition=~Q(status="cancelled"), name="one_standing_ticket_per_seat"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking} {self.label}"


class SeatChange(models.Model):
    """History: a row per seat and change, written in the transaction of the change, never updated or deleted.

    The database has no foreign keys for it: the statement that inserts a row has just written the rows it refers to,
    and each check would make the row lock on the showtime longer.
    """

    showtime = models.ForeignKey(
        Showtime, on_delete=models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    version = models.BigIntegerField()
    index = models.SmallIntegerField()
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, related_name="+", null=True, db_index=False, db_constraint=False
    )
    reason = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        ordering = ["showtime", "version", "index"]
        constraints = [
            models.UniqueConstraint(fields=["showtime", "version", "index"], name="seat_changes_once_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.showtime_id}/{self.index} v{self.version}: {self.before} to {self.after}"


class AccountVisitor(models.Model):
    """The visitor of an account, the same in every browser."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="visitor")
    visitor = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return f"{self.user_id} is {self.visitor}"


class PaceUse(models.Model):
    """How far a client has used up a pace (`booking.clients.pace`). A row whose instant has passed means nothing."""

    key = models.BigIntegerField(primary_key=True, help_text="A keyed hash of the pace and the client")
    used_until = models.FloatField(help_text="Seconds since the epoch")

    def __str__(self) -> str:
        return str(self.key)


class OutboxMessage(models.Model):
    """Work to do after the commit of the transaction that wrote the row (`booking.outbox.messages`)."""

    class State(models.TextChoices):
        """`dead`: a dead letter, no longer attempted until a person retries it."""

        PENDING = "pending"
        DONE = "done"
        DEAD = "dead"

    kind = models.CharField(max_length=40)
    dedupe_key = models.CharField(max_length=120, unique=True)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, help_text="A claim older than this belongs to a dead worker")
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="pending"), name="outbox_pending_by_time"),
        ]

    def __str__(self) -> str:
        return self.dedupe_key


class Lease(models.Model):
    """The process that may run the periodic tasks, and until when. All instants are the database's time."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=40)
    until = models.DateTimeField()
    beat_at = models.DateTimeField(null=True, help_text="When a holder last finished a round of all periodic tasks")

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"
