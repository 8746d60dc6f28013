"""Querying the gateway about a payment, and ending its session. Never call these functions inside a transaction."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from booking.bookings import begin_release, finish_release
from booking.models import Booking
from payments.checkout import NoGateway, open_session
from payments.gateways.factory import gateway
from payments.gateways.interface import GatewayRefused, GatewayUnavailable, Session
from payments.models import LONGEST_QUERY_WAIT, Payment
from payments.settlement import abandon, apply_session

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=2)


def end_payment(*, booking_id: int, reason: str, at: datetime) -> bool:
    """End the open payment of a booking: mark the booking as releasing, expire the session, apply the verdict.

    Returns:
        Whether there is a verdict; the booking's status shows which. Without one the loop queries again.
    """
    booking = begin_release(booking_id=booking_id, reason=reason, at=at)
    payment = booking.payments.active().first()
    if payment is not None:
        return payment.status == Payment.Status.PROCESSING or settle(payment, at=at)
    if booking.status == Booking.Status.RELEASING:
        finish_release(booking_id=booking_id, at=at)
    return True


def settle(payment: Payment, *, at: datetime) -> bool:
    """End this payment's session, or learn that it has ended, and apply the result.

    Returns:
        False while the gateway gives no verdict; the loop queries again, at most until `Payment.verdict_until`.
    """
    return _query(payment, at, end=True)


def reconcile(payment: Payment, *, at: datetime) -> bool:
    """Query this payment and apply the result; its session stays open. Returns whether the gateway answered."""
    return _query(payment, at, end=False)


def _query(payment: Payment, at: datetime, *, end: bool) -> bool:
    try:
        if payment.session_id is None:
            # It is unknown whether the create call reached the gateway; the same call returns the session.
            open_session(payment, at=at, quick=True)
            payment.refresh_from_db()
            if not payment.is_active:
                return True
        outcome = apply_session(payment_id=payment.pk, session=_fetch(payment, end=end), at=at)
        if outcome == "mismatch" or (end and outcome == "open"):
            raise GatewayUnavailable(f"the answer is no verdict ({outcome})")
    except (GatewayUnavailable, GatewayRefused, NoGateway) as error:
        return _postpone(payment, error, at)
    return True


def _fetch(payment: Payment, *, end: bool) -> Session:
    if payment.session_id is None:
        raise GatewayUnavailable("no session is known")
    if end:
        try:
            return gateway(payment.provider).expire_session(payment.session_id)
        except GatewayRefused:
            log.info("payment %s: session is not open: paid at the last moment, or ended before", payment)
    return gateway(payment.provider).retrieve_session(payment.session_id)


def _postpone(payment: Payment, error: Exception, at: datetime) -> bool:
    if at >= payment.verdict_until:
        abandon(payment_id=payment.pk, at=at)
        return True
    wait = min(LONGEST_QUERY_WAIT, FIRST_WAIT * 2 ** min(payment.asks, 10))
    same = Payment.objects.filter(pk=payment.pk, idempotency_key=payment.idempotency_key)
    same.update(asks=payment.asks + 1, ask_again_at=at + wait)
    log.warning("payment %s: no verdict: %s; next query in %s", payment, error, wait)
    return False
