"""Checks the sums: the ledger against payments and refunds, those against bookings, tickets and seats.

Each difference is a sentence that names its row. Nothing is corrected: a difference is a bug, or the database was
changed by hand, and a person must find out which.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from booking.models import Booking, ShowtimeSeat, Ticket
from cinema.currencies import format_money
from cinema.models import Showtime
from payments.disputes import WON
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund, RefundSeat

Seat = ShowtimeSeat.Status
PAID = Payment.Status.PAID
FAILED = Refund.Status.FAILED
WHOLE = ("late", "duplicate", "mismatch")
BY_SEAT = ("buyer", "staff", "showtime")
STANDING = ~Q(status=Ticket.Status.CANCELLED)
CONFIRMED = Booking.Status.CONFIRMED


def find_differences(*, recheck_after: float = 1.0) -> list[str]:
    """Every difference that persists, as a sentence.

    Sales go on during the check, so with `recheck_after` (seconds) a difference counts only when a second check, that
    much later, finds it again: a step that was being written is none.
    """
    found = list(_differences())
    if found and recheck_after:
        time.sleep(recheck_after)
        again = set(_differences())
        found = [difference for difference in found if difference in again]
    return found


def _differences() -> Iterator[str]:
    for check in CHECKS:
        yield from check()


def payments_are_in_the_ledger() -> Iterator[str]:
    """The payments recorded are those received, and a payment's last entry names its status."""
    received = Case(When(status=PAID, then=Coalesce("received", Value(0))), default=Value(0))
    recorded = _sum(LedgerEntry.objects.filter(payment=OuterRef("pk"), kind="payment.paid"), "payment")
    for payment in _payments().annotate(recorded=recorded, is_received=received).exclude(recorded=F("is_received")):
        in_ledger, in_row = _money(payment.recorded, payment), _money(payment.is_received, payment)
        yield _of(payment, f"the ledger says that {in_ledger} was paid, the payment {in_row}")
    last = LedgerEntry.objects.filter(payment=OuterRef("pk"), refund=None).exclude(after="").order_by("-pk")
    for payment in _payments().annotate(last=Subquery(last.values("after")[:1])):
        if payment.last != payment.status:
            yield _of(payment, f"it is {payment.status}, the ledger's last word is {payment.last or 'missing'}")


def refunds_are_in_the_ledger() -> Iterator[str]:
    """A refund moved its amount once it succeeded and nothing otherwise; its last entry names its status."""
    recorded = _sum(LedgerEntry.objects.filter(refund=OuterRef("pk")), "refund")
    last = LedgerEntry.objects.filter(refund=OuterRef("pk")).exclude(after="").order_by("-pk")
    for refund in _refunds().annotate(recorded=recorded, last=Subquery(last.values("after")[:1])):
        moved = refund.amount if refund.status == Refund.Status.SUCCEEDED else 0
        if -refund.recorded != moved:
            in_ledger, in_row = _money(-refund.recorded, refund.payment), _money(moved, refund.payment)
            yield _of(refund, f"the ledger says that {in_ledger} went back, the refund {in_row}")
        if refund.last != refund.status:
            yield _of(refund, f"it is {refund.status}, the ledger's last word is {refund.last or 'missing'}")


def seat_refunds_add_up() -> Iterator[str]:
    """A refund is the sum of its seats; the refund of a seat and what was kept are the ticket's price."""
    by_seat = _refunds().filter(reason__in=BY_SEAT, replaces=None)
    for refund in by_seat.annotate(seats_sum=_sum(RefundSeat.objects.filter(refund=OuterRef("pk")), "refund")):
        if refund.seats_sum != refund.amount:
            sums = _money(refund.seats_sum, refund.payment), _money(refund.amount, refund.payment)
            yield _of(refund, "its seats come to {}, it is of {}".format(*sums))
    seats = RefundSeat.objects.select_related("ticket__booking", "refund__payment__booking")
    wrong = ~Q(ticket__price=F("amount") + F("kept")) | ~Q(ticket__status=Ticket.Status.CANCELLED)
    for seat in seats.filter(wrong):
        ticket = seat.ticket
        if ticket.status != Ticket.Status.CANCELLED:
            yield _of(seat.refund, f"it gives back {ticket.label}, whose ticket is {ticket.status}")
        else:
            parts = _money(seat.amount, seat.refund.payment), _money(seat.kept, seat.refund.payment)
            price = _money(ticket.price, seat.refund.payment)
            yield _of(seat.refund, f"{ticket.label} brought {parts[0]} back and kept {parts[1]}, its price was {price}")


def refunds_stay_within_what_was_received() -> Iterator[str]:
    """No payment is refunded beyond what was received."""
    back = _sum(Refund.objects.filter(payment=OuterRef("pk")).exclude(status=FAILED), "payment")
    for payment in _payments().annotate(back=back).filter(back__gt=Coalesce("received", Value(0))):
        got = _money(payment.received or 0, payment)
        yield _of(payment, f"{_money(payment.back, payment)} of it was asked back, {got} was received")


def every_payment_has_tickets_or_a_refund() -> Iterator[str]:
    """A paid payment has tickets or a whole refund; a ticketed booking has one paid payment without such a refund."""
    whole = Refund.objects.filter(payment=OuterRef("pk"), reason__in=WHOLE)
    paid = _payments().filter(status=PAID).annotate(goes_back=Exists(whole))
    for payment in paid.filter(goes_back=False, booking__confirmed_at=None):
        yield _of(payment, f"paid, and its booking is {payment.booking.status} without tickets or a refund")
    bought = paid.filter(goes_back=False).values("booking").annotate(n=Count("pk")).filter(n__gt=1).order_by()
    for booking in Booking.objects.filter(pk__in=bought.values("booking")):
        yield f"{booking.reference}: more than one payment bought it, and none of them goes back"
    confirmed = Booking.objects.filter(confirmed_at__isnull=False, payments__isnull=False).distinct()
    for booking in confirmed.exclude(pk__in=paid.filter(goes_back=False).values("booking")):
        yield f"{booking.reference}: it has tickets, and none of its payments is paid and kept"


def booking_sums_add_up() -> Iterator[str]:
    """Ticket prices are the total; so are standing tickets, refunds and what was kept, together."""
    yield from _refunded_sums_match_refunds()
    ticketed = Booking.objects.filter(confirmed_at__isnull=False).annotate(
        prices=_sum(Ticket.objects.filter(booking=OuterRef("pk")), "booking", "price"),
        standing=_sum(Ticket.objects.filter(STANDING, booking=OuterRef("pk")), "booking", "price"),
        kept=_sum(RefundSeat.objects.filter(ticket__booking=OuterRef("pk")), "ticket__booking", "kept"),
        nothing_back=_sum(
            Ticket.objects.filter(booking=OuterRef("pk"), status=Ticket.Status.CANCELLED, refund_seat=None),
            "booking",
            "price",
        ),
        failed=_sum(_own_refunds().filter(status=FAILED, refund=None), "payment__booking"),
        outside=_sum(_own_refunds().filter(reason="outside").exclude(status=FAILED), "payment__booking"),
        outside_failed=_sum(_own_refunds().filter(reason="outside", status=FAILED), "payment__booking"),
        has_payment=Exists(Payment.objects.filter(booking=OuterRef("pk"))),
    )
    for booking in ticketed:
        yield from _check_booking(booking)


def _check_booking(booking: Any) -> Iterator[str]:
    if booking.prices != booking.total:
        sums = _money(booking.prices, booking), _money(booking.total, booking)
        yield "{}: its tickets come to {}, its total is {}".format(booking.reference, *sums)
    if not booking.has_payment:  # paid elsewhere: only the refunded amount is known here
        if booking.refunded > booking.nothing_back:
            yield f"{booking.reference}: {_money(booking.refunded, booking)} went back, its cancelled tickets are less"
        return
    back = booking.refunded - booking.outside
    failed = booking.failed - booking.outside_failed
    kept = booking.kept + booking.nothing_back
    if booking.standing + back + failed + kept != booking.total:
        yield (
            f"{booking.reference}: tickets that stand {_money(booking.standing, booking)}, given back "
            f"{_money(back, booking)}, to be given back {_money(failed, booking)} and kept {_money(kept, booking)} "
            f"do not come to its total {_money(booking.total, booking)}"
        )


def _refunded_sums_match_refunds() -> Iterator[str]:
    requested = _sum(_own_refunds().exclude(status=FAILED), "payment__booking")
    through_us = Booking.objects.filter(Exists(Payment.objects.filter(booking=OuterRef("pk"), status=PAID)))
    differing: QuerySet[Any] = through_us.annotate(requested=requested).exclude(requested=F("refunded"))
    for booking in differing:
        yield (
            f"{booking.reference}: it says that {_money(booking.refunded, booking)} was asked back, its refunds "
            f"{_money(booking.requested, booking)}"
        )
    unpaid = Booking.objects.filter(confirmed_at=None, refunded__gt=0)
    for booking in unpaid.exclude(Exists(Payment.objects.filter(booking=OuterRef("pk"), status=PAID))):
        yield f"{booking.reference}: {_money(booking.refunded, booking)} was asked back, and nothing was paid"


def tickets_are_booked_seats() -> Iterator[str]:
    """A standing ticket has a booked seat of its booking, and the reverse; only confirmed bookings have any."""
    standing = Ticket.objects.filter(STANDING)
    taken = Q(seat__status=Seat.BOOKED, seat__booking=F("booking"))
    for ticket in standing.exclude(taken).select_related("booking", "seat"):
        yield f"{ticket.booking.reference}: the ticket for {ticket.label} stands, its seat is {ticket.seat.status}"
    there = standing.filter(seat=OuterRef("pk"), booking=OuterRef("booking"))
    for row in ShowtimeSeat.objects.filter(status=Seat.BOOKED).exclude(Exists(there)).select_related("booking", "seat"):
        holder = row.booking.reference if row.booking else "nobody"
        yield f"{holder}: {row.seat.label} of showtime {row.showtime_id} is booked, and no ticket stands for it"
    for ticket in standing.exclude(booking__status=CONFIRMED).select_related("booking"):
        yield f"{ticket.booking.reference}: it is {ticket.booking.status}, and its ticket for {ticket.label} stands"
    of_booking = standing.filter(booking=OuterRef("pk"))
    for booking in Booking.objects.filter(status=CONFIRMED).exclude(Exists(of_booking)):
        yield f"{booking.reference}: it is confirmed, and none of its tickets stands"


def showtime_counters_match_rows() -> Iterator[str]:
    """A showtime's counters are the numbers of its rows, its revenue the prices of its standing tickets."""
    rows = ShowtimeSeat.objects.filter(showtime=OuterRef("pk")).order_by().values("showtime")
    counted: dict[str, Any] = {
        f"is_{status}": Coalesce(
            Subquery(rows.annotate(n=Count("pk", filter=Q(status=status))).values("n"), output_field=IntegerField()), 0
        )
        for status in Seat.values
    }
    prices = Ticket.objects.filter(STANDING, seat__showtime=OuterRef("pk"))
    showtimes: QuerySet[Any] = Showtime.objects.annotate(takes=_sum(prices, "seat__showtime", "price"), **counted)
    for showtime in showtimes:
        for status in Seat.values:
            stored, actual = getattr(showtime, f"n_{status}"), getattr(showtime, f"is_{status}")
            if stored != actual:
                yield f"showtime {showtime.pk}: it counts {stored} {status} seats, there are {actual}"
        if showtime.revenue != showtime.takes:
            stored, actual = _money(showtime.revenue, showtime), _money(showtime.takes, showtime)
            yield f"showtime {showtime.pk}: its booked seats say {stored}, their tickets {actual}"


def disputes_and_failures_are_recorded() -> Iterator[str]:
    """A payment is marked as disputed while a dispute stands against it; every failed refund has an alert."""
    steps = LedgerEntry.objects.filter(kind__startswith="dispute.").order_by("pk")
    ended: dict[tuple[int | None, str], bool] = {}
    for payment_id, dispute, kind, note in steps.values_list("payment_id", "gateway_id", "kind", "note"):
        if kind == "dispute.closed":
            ended[payment_id, dispute] = note in WON
        else:
            ended.setdefault((payment_id, dispute), False)
    open_ = {payment_id for (payment_id, _), is_ours in ended.items() if not is_ours}
    for payment in _payments().filter(Q(disputed=True) | Q(pk__in=[pk for pk, _ in ended])):
        if payment.disputed != (payment.pk in open_):
            marked = "disputed" if payment.disputed else "not disputed"
            yield _of(payment, f"it is {marked}, the ledger's disputes say otherwise")
    called = MoneyAlert.objects.filter(refund=OuterRef("pk"), kind="refund-failed")
    for refund in _refunds().filter(status=FAILED).exclude(Exists(called)):
        yield _of(refund, "it failed, and nobody was called")


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (
    payments_are_in_the_ledger,
    refunds_are_in_the_ledger,
    seat_refunds_add_up,
    refunds_stay_within_what_was_received,
    every_payment_has_tickets_or_a_refund,
    booking_sums_add_up,
    tickets_are_booked_seats,
    showtime_counters_match_rows,
    disputes_and_failures_are_recorded,
)


def _payments() -> QuerySet[Any]:
    return Payment.objects.select_related("booking").order_by("pk")


def _refunds() -> QuerySet[Any]:
    return Refund.objects.select_related("payment__booking").order_by("pk")


def _own_refunds() -> QuerySet[Refund]:
    """The refunds that count for the outer booking: not those of duplicate payments."""
    double = Refund.objects.filter(payment=OuterRef("payment"), reason="duplicate")
    return Refund.objects.filter(payment__booking=OuterRef("pk")).exclude(Exists(double))


def _sum(rows: QuerySet[Any], by: str, of: str = "amount") -> Coalesce:
    """The sum over each outer row's related rows; 0 where there are none."""
    found = rows.order_by().values(by).annotate(figure=Sum(of)).values("figure")
    return Coalesce(Subquery(found, output_field=IntegerField()), 0)


def _of(row: Payment | Refund, difference: str) -> str:
    if isinstance(row, Refund):
        return f"{row.payment.booking.reference}: refund {row.pk} ({row.reason}): {difference}"
    return f"{row.booking.reference}: payment {row.pk}: {difference}"


def _money(amount: int, of: Any) -> str:
    return format_money(amount, of.currency)
