"""A cancelled showtime ends locks and payments and refunds every booking."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import OutboxMessage, SeatChange
from booking.refusals import NotFound
from cinema.models import Showtime
from payments import refunds
from payments.ledger import BUYER
from payments.models import MoneyAlert
from tests.payments.money import STAFF, buy, cancel, enqueued, set_terms, state
from tests.payments.money import refunds as refunds_of
from tests.payments.sales import Sale, post, run_loop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("adds_up")]


def test_a_cancelled_showtime_ends_locks_and_payments_and_refunds_everything():
    showtime = make_showtime()
    set_terms(showtime, (600, 10), fee=300)
    paid = [buy("A1", "A2", showtime=showtime), buy("A3", showtime=showtime)]
    locked = Sale(showtime, new_visitor(), ("A4",)).lock()
    paying = Sale(showtime, new_visitor(), ("A5",)).lock()
    paying.start()
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    assert locked.booking.status == "released" and paying.booking.status == "releasing"
    first = OutboxMessage.objects.filter(kind="payments.cancel_booking").count()
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    assert first == 2 == OutboxMessage.objects.filter(kind="payments.cancel_booking").count()
    run_loop()
    assert [state(sale) for sale in paid] == [("refunded", 2300), ("refunded", 1150)]
    assert paying.booking.status == "released"
    assert {(r.reason, r.actor) for sale in paid for r in refunds_of(sale)} == {("showtime", "staff:ines")}
    assert [payload["booking"] for payload in enqueued("mail.showtime_cancelled")] == [s.booking.pk for s in paid]
    assert enqueued("mail.cancelled") == []
    showtime.refresh_from_db()
    assert (showtime.n_available, showtime.revenue, showtime.sales(timezone.now())) == (40, 0, "cancelled")
    assert SeatChange.objects.filter(showtime=showtime, reason="showtime", before="booked").count() == 3


def test_a_payment_during_the_cancellation_of_the_showtime_is_refunded(stripe):
    showtime = make_showtime()
    late = Sale(showtime, new_visitor(), ("A1",)).lock()
    late.start()
    paid = stripe.pay(late.payment.session_id)
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    assert post(stripe.event("checkout.session.completed", paid)).status_code == 200
    run_loop()
    assert state(late) == ("refunded", 1150)
    assert enqueued("mail.late_refund")[0]["reason"] == "showtime"


def test_a_booking_confirmed_during_the_cancellation_is_found_by_a_later_run():
    showtime = make_showtime()
    refunds.cancel_showtime(showtime_id=showtime.pk, by=STAFF, at=timezone.now())
    run_loop()
    Showtime.objects.filter(pk=showtime.pk).update(cancelled_at=None)  # as the other transaction still saw it
    sale = buy("A1", showtime=showtime)
    Showtime.objects.filter(pk=showtime.pk).update(cancelled_at=timezone.now())
    run_loop()
    assert state(sale) == ("confirmed", 0)
    run_loop(after=timedelta(minutes=2))
    assert state(sale) == ("refunded", 1150)


def test_cancelling_one_seat_of_a_cancelled_showtime_refunds_all_of_them():
    sale = buy("A1", "A2")
    set_terms(sale.showtime, (600, 10), fee=300)
    Showtime.objects.filter(pk=sale.showtime.pk).update(cancelled_at=timezone.now())
    cancel(sale, "A1", by=BUYER)
    assert state(sale) == ("refunding", 2300) and refunds_of(sale)[0].reason == "showtime"
    assert len(enqueued("mail.showtime_cancelled")) == 1


def test_an_unknown_showtime_cannot_be_cancelled():
    with pytest.raises(NotFound):
        refunds.cancel_showtime(showtime_id=987654, by=STAFF, at=timezone.now())


def test_a_disputed_booking_of_a_cancelled_showtime_waits_for_the_bank(stripe):
    sale = buy("A1", "A2", stripe=stripe)
    dispute = stripe.dispute(sale.payment.session_id)
    assert post(stripe.event("charge.dispute.created", dispute)).status_code == 200
    refunds.cancel_showtime(showtime_id=sale.showtime.pk, by=STAFF, at=timezone.now())
    run_loop()
    assert state(sale) == ("confirmed", 0)
    assert MoneyAlert.objects.filter(subject=f"cancel-disputed:{sale.booking.pk}").exists()
    won = stripe.close_dispute(dispute["id"], "won")
    assert post(stripe.event("charge.dispute.closed", won)).status_code == 200
    run_loop()
    assert state(sale) == ("refunded", 2300)
