"""Every kind of event in every variant: what HTTP answers, and where payment, booking, seats and mails end up.

One row is one situation, driven through the real webhook with the real stripe library against its stand-in. After the
deliveries the loop runs until nothing is due. No row may answer 500 or send a second mail.
"""

import json
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from booking.models import Booking, OutboxMessage
from payments.models import Payment, Refund, StripeWebhookEvent
from tests.payments.sales import Sale, at_once, post, run_loop
from tests.payments.stripe_stand_in import sign
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def open_house(django_db_setup, django_db_blocker):
    """Real transactions without emptying the database after each of a hundred rows: every row has its own showtime."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def _django_db_helper(open_house):
    """pytest-django's own, which would empty every table after each row."""


@pytest.fixture
def sale(open_house):
    from tests.factories import make_showtime, new_visitor

    yield Sale(make_showtime(), new_visitor(), ("A1", "A2")).lock()
    # What a row left open is closed, so that the next row's loop has only its own to look after.
    Payment.objects.active().update(status="expired")
    Booking.objects.live().update(status="released")
    StripeWebhookEvent.objects.all().delete()
    OutboxMessage.objects.all().delete()


@dataclass(frozen=True)
class End:
    """Where it ends: payment, booking, the two seats, mails sent, refund (or none)."""

    payment: str
    booking: str
    seats: str
    mails: int = 0
    refund: str = ""


CONFIRMED = End("paid", "confirmed", "booked", 1)
OPEN = End("open", "checkout", "locked")
WAITING = End("processing", "processing", "locked")
RELEASED = End("expired", "released", "available")
FAILED = End("failed", "released", "available", 1)  # the buyer has long left the page that would say so
REFUNDED = End("paid", "refunded", "available", 1, "succeeded")
REFUNDING = End("paid", "refunding", "available", 1, "submitted")
UNREFUNDED = End("paid", "refunding", "available", 2, "failed")  # that it goes back, and that it could not


# ---- What happens at Stripe, and the object that its event carries ---------------------------------------------------


def paid(stripe, sale):
    return stripe.pay(sale.session)


def unpaid(stripe, sale):
    return stripe.finish_unpaid(sale.session)


def paid_after_days(stripe, sale):
    delayed(stripe, sale)
    stripe.sessions[sale.session]["payment_status"] = "paid"
    return dict(stripe.sessions[sale.session])


def failed_after_days(stripe, sale):
    return delayed(stripe, sale)


def delayed(stripe, sale):
    found = stripe.finish_unpaid(sale.session)
    assert post(stripe.event("checkout.session.completed", found)).status_code == 200
    return found


def ran_out(stripe, sale):
    return stripe.run_out(sale.session)


def declined(stripe, sale):
    return stripe.intent_of(sale.session)


def refund(status):
    """A refund that our own call began and whose settling the event tells: the seats had gone."""

    def happen(stripe, sale):
        return _refunded_sale(stripe, sale) | {"status": status, "failure_reason": "declined"}

    return happen


def refunded_charge(stripe, sale):
    made = _refunded_sale(stripe, sale)
    return {
        "id": "ch_1",
        "object": "charge",
        "payment_intent": made["payment_intent"],
        "amount_refunded": made["amount"],
        "refunded": True,
    }


def _refunded_sale(stripe, sale):
    sale.showtime.__class__.objects.filter(pk=sale.showtime.pk).update(cancelled_at=timezone.now())
    assert post(stripe.event("checkout.session.completed", stripe.pay(sale.session))).status_code == 200
    stripe.refund_status = "pending"
    run_loop()
    stripe.refund_status = "succeeded"
    return dict(next(r for r in stripe.refunds.values() if r["metadata"]["reference"] == sale.booking.reference))


def disputed(stripe, sale):
    assert post(stripe.event("checkout.session.completed", stripe.pay(sale.session))).status_code == 200
    return {"id": "dp_1", "object": "dispute", "payment_intent": f"pi_{sale.session}", "status": "needs_response"}


def customer(stripe, sale):
    return {"id": "cus_1", "object": "customer"}


@dataclass(frozen=True)
class Kind:
    name: str
    happen: object
    end: End
    before: End = OPEN  # when the event is not let in
    policy: str = "release"
    label: str = ""

    def __str__(self):
        return self.label or self.name


KINDS = [
    Kind("checkout.session.completed", paid, CONFIRMED, CONFIRMED),
    Kind("checkout.session.completed", unpaid, WAITING, WAITING, label="checkout.session.completed unpaid"),
    Kind("checkout.session.async_payment_succeeded", paid_after_days, CONFIRMED, CONFIRMED),
    Kind("checkout.session.async_payment_failed", failed_after_days, FAILED, WAITING),
    Kind("checkout.session.expired", ran_out, RELEASED, RELEASED),
    Kind("payment_intent.payment_failed", declined, RELEASED),
    Kind("payment_intent.payment_failed", declined, OPEN, policy="retry", label="payment_failed, may try again"),
    Kind("refund.created", refund("pending"), REFUNDING, REFUNDING),
    Kind("refund.updated", refund("succeeded"), REFUNDED, REFUNDING),
    Kind("charge.refund.updated", refund("succeeded"), REFUNDED, REFUNDING),
    Kind("refund.failed", refund("failed"), UNREFUNDED, REFUNDING),
    Kind("charge.refunded", refunded_charge, REFUNDED, REFUNDING),
    Kind("charge.dispute.created", disputed, CONFIRMED, CONFIRMED),
    Kind("customer.created", customer, OPEN),
]
SESSION_KINDS = [kind for kind in KINDS if kind.name.startswith("checkout.session.") or kind.happen is declined]


@dataclass(frozen=True)
class Row:
    kind: Kind
    variant: str
    codes: tuple
    end: End

    def __str__(self):
        return f"{self.kind}, {self.variant}"


def rows():
    for kind in KINDS:
        yield Row(kind, "once", (200,), kind.end)
        yield Row(kind, "twice", (200, 200), kind.end)
        yield Row(kind, "concurrent", (200, 200, 200, 200), kind.end)
        yield Row(kind, "another event of the same", (200, 200), kind.end)
        yield Row(kind, "wrong signature", (400,), _unheard(kind))
        yield Row(kind, "signed in the future", (400,), _unheard(kind))
    for kind in SESSION_KINDS:
        yield Row(kind, "unknown session", (200,), _unheard(kind))
        yield Row(kind, "before the create call returned", (200,), kind.end)
        yield Row(kind, "wrong livemode", (200,), _unheard(kind))
    for kind in KINDS[:3:2]:
        yield Row(kind, "wrong amount", (200,), REFUNDED)
        yield Row(kind, "wrong currency", (200,), REFUNDED)
        yield Row(kind, "paid, then expired", (200, 200), kind.end)
        yield Row(kind, "expired, then paid", (200, 200), kind.end)
        yield Row(kind, "declined, then paid", (200, 200), kind.end)
        yield Row(kind, "paid, then declined", (200, 200), kind.end)


def _unheard(kind):
    """Nobody told us: the state is what was known before (the loop has not asked yet)."""
    return (
        OPEN
        if kind.before in (CONFIRMED, WAITING, RELEASED) and kind.happen in (paid, unpaid, ran_out)
        else kind.before
    )


ROWS = list(rows())
ASKING_AGE = timedelta(seconds=25)  # by then the loop repeats a create call that never returned
UNTOLD = ("wrong signature", "signed in the future", "unknown session", "wrong livemode")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_event_ends_where_the_table_says(row, stripe, sale, settings):
    settings.DECLINE_POLICY = row.kind.policy
    stripe.refund_status = "succeeded"
    sale.start()
    sale.session = sale.payment.session_id
    end = row.end
    if row.variant in UNTOLD and row.kind.happen is paid_after_days:
        end = WAITING
    found = row.kind.happen(stripe, sale)
    assert deliver(row, stripe, sale, found) == list(row.codes)
    run_loop(after=ASKING_AGE if row.variant == "before the create call returned" else timedelta(0))
    assert state_of(sale) == end
    received = 2299 if row.variant == "wrong amount" else 2300
    asked_back = received if end.refund in ("submitted", "succeeded") else 0
    assert Booking.objects.get(pk=sale.booking.pk).refunded == asked_back
    seen = StripeWebhookEvent.objects.filter(kind=row.kind.name, event_id__startswith="evt_told").count()
    assert seen == (0 if row.variant in ("wrong signature", "signed in the future") else 1)
    assert OutboxMessage.objects.exclude(state="done").count() == 0


def deliver(row, stripe, sale, found):
    """Post what the variant says; answers the status codes in their order."""
    body = stripe.event(row.kind.name, found, id="evt_told")
    if row.variant == "once":
        return [post(body).status_code]
    if row.variant == "twice":
        return [post(body).status_code, post(body).status_code]
    if row.variant == "concurrent":
        return [answer.status_code for answer in at_once(*[lambda: post(body)] * 4)]
    if row.variant == "another event of the same":
        return [post(body).status_code, post(stripe.event(row.kind.name, found)).status_code]
    if row.variant == "wrong signature":
        return [post(body, sign(body, "whsec_somebody_else")).status_code]
    if row.variant == "signed in the future":
        return [post(body, sign(body, at=time.time() + 3600)).status_code]
    if row.variant == "before the create call returned":
        sale.forget_session()
        return [post(body).status_code]
    if row.variant in CHANGES:
        changed = stripe.event(row.kind.name, CHANGES[row.variant](found), id="evt_told")
        if row.variant == "wrong livemode":
            changed = json.dumps(json.loads(changed) | {"livemode": True}).encode()
        return [post(changed).status_code]
    return [post(each).status_code for each in _reordered(row, stripe, sale, body)]


def _strange(found):
    """The same news of a session that is not ours."""
    metadata = {"reference": "XXX-XXX-XXX", "payment": "pay_of_somebody_else"}
    strange = found | {"id": "cs_test_strange", "metadata": metadata, "payment_intent": "pi_strange"}
    return strange | ({"client_reference_id": "XXX-XXX-XXX"} if "client_reference_id" in found else {})


CHANGES = {
    "unknown session": _strange,
    "wrong livemode": lambda found: found | {"livemode": True},
    "wrong amount": lambda found: found | {"amount_total": found["amount_total"] - 1},
    "wrong currency": lambda found: found | {"currency": "usd"},
}


def _reordered(row, stripe, sale, body):
    expired = stripe.event(
        "checkout.session.expired", stripe.sessions[sale.session] | {"status": "expired", "payment_status": "unpaid"}
    )
    refused = stripe.event("payment_intent.payment_failed", stripe.intent_of(sale.session))
    other = expired if "expired" in row.variant else refused
    return [body, other] if row.variant.startswith("paid") else [other, body]


def state_of(sale):
    payment = Payment.objects.get(pk=sale.payment.pk)
    refunds = list(Refund.objects.filter(payment=payment).values_list("status", flat=True))
    assert len(refunds) <= 1
    seats = sale.seats()
    assert len(seats) == 1
    return End(payment.status, sale.booking.status, seats.pop(), len(mail.outbox), "".join(refunds))


def test_the_table_is_reported():
    assert len(ROWS) >= 60
    report("money table", f"{len(ROWS)} rows")
