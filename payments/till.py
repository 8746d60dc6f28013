"""The till that `booking` asks, and what the loop does about money."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from booking import outbox, till
from booking.bookings import begin_release
from booking.loop import register_chore
from booking.models import Booking
from payments.ending import end_payment, reconcile, settle
from payments.gateways import GatewayRefused, GatewayUnavailable, RefundRequest, RefundState, gateway
from payments.gateways.demo import deliver_event
from payments.models import Payment, Refund
from payments.settlement import apply_refund

# A payment this young is still being begun, or paid, by somebody whose own requests tell us how it goes.
YOUNG = timedelta(seconds=20)
ASK_EVERY = timedelta(seconds=30)
AT_ONCE = 50
LONGEST_UNASKED = F("ask_again_at").asc(nulls_first=True)  # databases do not agree on where nothing comes
# Answers after which asking again cannot help; a person has to.
BEYOND_REFUND = ("charge_already_refunded", "charge_disputed", "charge_not_refundable")


class PaymentsTill:
    """`booking.till.Till`."""

    def end_payment(self, *, booking_id: int, reason: str, at: datetime) -> None:
        end_payment(booking_id=booking_id, reason=reason, at=at)


def install() -> None:
    """Called once, when the apps are ready."""
    till.install(PaymentsTill())
    outbox.register("payments.expire", keep_expire)
    outbox.register("payments.refund", keep_refund)
    outbox.register("payments.demo_event", deliver_event)
    register_chore("end overdue payments", timedelta(milliseconds=500), lambda at: end_overdue(at=at))
    register_chore("ask about payments", ASK_EVERY, lambda at: ask_about_open(at=at))


def end_overdue(*, at: datetime) -> int:
    """End the payments of checkouts whose time has passed, and go on with those that are being ended.

    One gateway that does not answer ends the round, so that the loop's other work is not held up.

    Returns:
        How many payments got their verdict.
    """
    overdue = Booking.objects.overdue(at).order_by("locked_until")[:AT_ONCE]
    for booking in overdue:
        begin_release(booking_id=booking.pk, reason="lapsed", at=at)
    releasing = Payment.objects.to_ask(at).filter(booking__status=Booking.Status.RELEASING)
    ended = 0
    for payment in releasing.order_by(LONGEST_UNASKED, "pk")[:AT_ONCE]:
        if not settle(payment, at=at):
            break
        ended += 1
    return ended + _finish_orphans(at)


def ask_about_open(*, at: datetime) -> int:
    """Ask how the other active payments stand: events may never come.

    Returns:
        How many answers there were.
    """
    quiet = Payment.objects.to_ask(at).filter(created_at__lte=at - YOUNG)
    answers = 0
    for payment in quiet.exclude(booking__status=Booking.Status.RELEASING).order_by(LONGEST_UNASKED, "pk")[:AT_ONCE]:
        if not reconcile(payment, at=at):
            break
        answers += 1
        # Delayed payments take days; the others have their deadline, and are ended then.
        Payment.objects.filter(pk=payment.pk, ask_again_at=None).update(ask_again_at=at + ASK_EVERY)
    return answers


def keep_expire(payload: dict[str, Any]) -> None:
    """Outbox: end one payment. Without a verdict `end_overdue` goes on asking."""
    payment = Payment.objects.get(pk=payload["payment"])
    if payment.status not in (Payment.Status.PROCESSING, Payment.Status.PAID) and payment.session_id:
        settle(payment, at=timezone.now())


def keep_refund(payload: dict[str, Any]) -> None:
    """Outbox: ask for the money to go back. Raises what the gateway raises, to be tried again."""
    refund = Refund.objects.select_related("payment__booking").get(pk=payload["refund"])
    if refund.status != Refund.Status.REQUESTED:
        return
    payment = refund.payment
    if payment.payment_intent is None:
        if payment.session_id is not None:
            reconcile(payment, at=timezone.now())
            payment.refresh_from_db()
        if payment.payment_intent is None:
            raise GatewayUnavailable("nothing to refund by yet")
    request = RefundRequest(
        key=refund.idempotency_key,
        payment_intent=payment.payment_intent,
        amount=refund.amount,
        reference=payment.booking.reference,
        retry=timezone.now() - refund.created_at > timedelta(hours=20),
    )
    try:
        state = gateway(payment.provider).refund(request)
    except GatewayRefused as error:
        if error.code not in BEYOND_REFUND:
            raise
        state = RefundState("", "failed", error.code)
    apply_refund(refund_id=refund.pk, state=state, at=timezone.now())


def _finish_orphans(at: datetime) -> int:
    """A booking that is being released and has no payment to wait for: whoever began it died in between."""
    orphans = Booking.objects.filter(status=Booking.Status.RELEASING).exclude(payments__status__in=Payment.ACTIVE)
    return sum(end_payment(booking_id=booking.pk, reason="lapsed", at=at) for booking in orphans[:AT_ONCE])
