"""Staff cancel tickets of a booking."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cinema.models import Showtime
from payments.gateways.interface import RefundState
from payments.models import Payment, Refund
from payments.refund_updates import RefundSnapshot, apply_refund_of
from tests.payments.money import set_terms
from tests.payments.visits import cancel, read, timeline_of, words

pytestmark = pytest.mark.django_db


def test_staff_cancel_after_the_deadline_and_the_whole_price_is_refunded(staff, booking, showtime):
    set_terms(showtime, (60, 50), fee=100)
    Showtime.objects.filter(pk=showtime.pk).update(starts_at=timezone.now() - timedelta(minutes=1))
    path = f"/staff/bookings/{booking.reference}/cancel/"
    look = staff.post(path, {"seats": ["B5"]})
    assert look.status_code == 303 and "Goes back £11.50" in read(staff, look["Location"])
    answer = staff.post(path, {"seats": ["B5"], "sure": "yes", "back": 1150, "reason": "Broken seat"}, follow=True)
    assert "B5 is cancelled." in answer.content.decode()
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason, refund.actor) == (1150, "staff", "staff:ines@example.com")
    assert "Broken seat" in timeline_of(staff, booking) and "ines@example.com" in timeline_of(staff, booking)


def test_staff_refund_the_amount_left_and_only_if_it_is_the_one_shown(staff, booking):
    payment, path = Payment.objects.get(booking=booking), f"/staff/bookings/{booking.reference}/cancel/"
    gone = booking.total - 450
    apply_refund_of(
        payment_id=payment.pk, snapshot=RefundSnapshot(RefundState("re_x", "succeeded", ""), gone), at=timezone.now()
    )
    look = read(staff, f"{path}?seats=B5")
    assert "Is with the buyer already −£7" in look and "Goes back £4.50" in look
    form = {"seats": ["B5"], "sure": "yes", "reason": "Broken seat"}
    for shown in ({"back": 1150}, {}, {"back": "all"}):
        assert staff.post(path, form | shown).status_code == 409
    assert Refund.objects.count() == 1 and booking.tickets.filter(status="valid").count() == 3
    staff.post(path, form | {"back": 450})
    assert Refund.objects.get(reason="staff").amount == 450


def test_staff_must_give_a_reason(staff, booking):
    answer = staff.post(f"/staff/bookings/{booking.reference}/cancel/", {"seats": ["B5"], "sure": "yes", "reason": " "})
    assert answer.status_code == 422 and "Say why, in a word." in words(answer)
    assert not Refund.objects.exists()


def test_staff_cannot_cancel_a_disputed_payment(staff, booking):
    Payment.objects.filter(booking=booking).update(disputed=True)
    path = f"/staff/bookings/{booking.reference}/cancel/"
    answer = staff.post(path, {"seats": ["B5"], "sure": "yes", "back": 1150, "reason": "They asked"})
    assert answer.status_code == 409 and 'role="alert"' in answer.content.decode()
    assert booking.tickets.filter(status="valid").count() == 3


def test_cancelled_tickets_are_reported_as_cancelled(staff, booking):
    cancel(booking)
    path = f"/staff/bookings/{booking.reference}/cancel/"
    assert "No ticket of this booking stands any more." in read(staff, path)
    answer = staff.post(path, {"seats": ["B5"], "sure": "yes", "reason": "x"}, follow=True)
    assert "cancelled already" in answer.content.decode() and Refund.objects.count() == 1
