"""The gateways alone: requests, listings, timeouts, refusals, settings; and the rules of the stand-in."""

import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import Booking
from payments.gateways import checks
from payments.gateways.amounts import LARGEST, why_not
from payments.gateways.demo import DemoGateway
from payments.gateways.factory import gateway
from payments.gateways.interface import Gateway, GatewayRefused, GatewayUnavailable, RefundRequest, SessionRequest
from payments.gateways.stripe import StripeGateway
from payments.models import Payment
from tests.payments.sales import Sale
from tests.payments.stripe.stand_in import KEY, sign, stripe_process

CALLS = sorted(name for name in vars(Gateway) if not name.startswith("_") and callable(getattr(Gateway, name)))


@pytest.fixture
def paid(stripe, sale):
    """Alice's payment, paid at Stripe."""
    payment = sale.start().payment
    stripe.pay(payment.session_id)
    return payment


def intent_of(stripe, payment):
    return stripe.sessions[payment.session_id]["payment_intent"]


def test_the_protocol_has_nine_calls():
    assert len(CALLS) == 9 and {"create_session", "undelivered_events"} <= set(CALLS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CALLS)
def test_no_call_of_any_gateway_is_made_while_a_transaction_is_open(name, stripe):
    at_stripe, demo = gateway("stripe"), DemoGateway()
    with transaction.atomic():
        for each in (at_stripe, demo):
            with pytest.raises(RuntimeError, match="never called inside"):
                getattr(each, name)(*[None] * (getattr(each, name).__wrapped__.__code__.co_argcount - 1))
        with pytest.raises(RuntimeError, match="never called inside"):
            gateway("stripe")
    assert not stripe.calls


@pytest.mark.django_db(transaction=True)
def test_refunds_are_listed_with_those_of_the_dashboard_and_found_by_id(stripe, paid):
    intent = intent_of(stripe, paid)
    ours = gateway("stripe").refund(RefundRequest("refund:1", intent, 1000, "REF", retry=False))
    outside = stripe.refund_in_dashboard(paid.session_id, 300)
    listed = gateway("stripe").list_refunds(intent)
    assert [(found["id"], found["amount"]) for found in listed] == [(ours.id, 1000), (outside["id"], 300)]
    assert listed[0]["metadata"] == {"refund": "refund:1", "reference": "REF"} and not listed[1]["metadata"]
    assert gateway("stripe").retrieve_refund(outside["id"])["status"] == "succeeded"
    recent = gateway("stripe").recent_refunds(timezone.now() - timedelta(minutes=5))
    assert [found["id"] for found in recent][-2:] == [ours.id, outside["id"]]
    assert not gateway("stripe").recent_refunds(timezone.now() + timedelta(minutes=5))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("amount", "code"), [(2301, ""), (2300, "charge_already_refunded"), (100, "charge_disputed")], ids=str
)
def test_a_refund_that_stripe_refuses_is_refused_finally(stripe, paid, amount, code):
    intent = intent_of(stripe, paid)
    if code == "charge_already_refunded":
        stripe.refund_in_dashboard(paid.session_id)
    elif code:
        stripe.dispute(paid.session_id)
    with pytest.raises(GatewayRefused) as refused:
        gateway("stripe").refund(RefundRequest("refund:2", intent, amount, "REF", retry=False))
    assert (refused.value.code, refused.value.is_final) == (code, True)


@pytest.mark.django_db(transaction=True)
def test_several_pages_of_missed_events_are_listed_in_order(stripe, paid):
    stripe.deliver_to("", how="never")
    since = timezone.now() - timedelta(minutes=5)
    for _ in range(130):
        stripe.emit("checkout.session.completed", stripe.sessions[paid.session_id])
    stripe.emit("customer.created", {"id": "cus_1", "object": "customer"})
    missed = gateway("stripe").undelivered_events(since, ["checkout.session.completed", "refund.created"])
    assert len(missed) == 130 and [event.id for event in missed] == sorted(event.id for event in missed)
    assert stripe.count("/v1/events") == 2
    stripe.deliveries.delivered[missed[0].id] = True
    assert len(gateway("stripe").undelivered_events(since, ["checkout.session.completed"])) == 129


@pytest.mark.django_db(transaction=True)
def test_a_normal_call_is_tried_three_times_and_a_quick_one_once(stripe, paid):
    intent, session_id = intent_of(stripe, paid), paid.session_id
    stripe.fault("500", times=99)
    for call, tries in ((lambda: gateway("stripe").list_refunds(intent), 3), (retrieve(session_id), 1)):
        stripe.calls.clear()
        with pytest.raises(GatewayUnavailable):
            call()
        assert len(stripe.calls) == tries


def retrieve(session_id):
    return lambda: gateway("stripe").retrieve_session(session_id)


@pytest.mark.django_db(transaction=True)
def test_retries_of_one_call_share_its_key_and_a_key_in_use_is_unavailable(stripe, paid):
    stripe.fault("done-500", "/refunds")
    request = RefundRequest("refund:3", intent_of(stripe, paid), 100, "REF", retry=False)
    assert gateway("stripe").refund(request).status == "succeeded"
    assert {call[3]["Idempotency-Key"] for call in stripe.calls if call[0] == "POST" and "refunds" in call[1]} == {
        "refund:3"
    }
    stripe.in_flight.add("refund:4")
    with pytest.raises(GatewayUnavailable, match="409"):
        gateway("stripe").refund(RefundRequest("refund:4", intent_of(stripe, paid), 100, "REF", retry=False))
    stripe.in_flight.clear()


@pytest.mark.django_db(transaction=True)
def test_a_key_with_other_parameters_is_unavailable(stripe, paid):
    request = SessionRequest.from_json(paid.request)
    assert gateway("stripe").create_session(request).id == paid.session_id
    changed = SessionRequest.from_json(paid.request | {"email": "other@example.com"})
    with pytest.raises(GatewayUnavailable, match="IdempotencyError"):
        gateway("stripe").create_session(changed)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("key", "status", "is_final"), [("sk_test_wrong", 401, False), (KEY, 404, False), (KEY, 400, True)], ids=str
)
def test_a_refusal_is_final_unless_an_operator_can_fix_it(stripe, paid, key, status, is_final):
    at_stripe = StripeGateway(key, stripe.url)
    with pytest.raises(GatewayRefused, match=str(status)) as refused:
        if status == 400:
            at_stripe.expire_session(paid.session_id)
        else:
            at_stripe.retrieve_session("cs_test_unknown")
    assert refused.value.is_final is is_final


# ---- Currencies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "sentence"),
    [
        (0, "GBP", ""),
        (30, "GBP", ""),
        (29, "GBP", "The smallest amount that can be paid by card is £0.30."),
        (50, "JPY", ""),
        (49, "JPY", "The smallest amount that can be paid by card is ¥50."),
        (17500, "HUF", ""),
        (1, "XPF", ""),
        (500, "ISK", ""),
        (550, "ISK", "ISK is charged in steps of 1.00, such as 5.00. The cinema has to change its price."),
        (100, "UGX", ""),
        (5120, "KWD", ""),
        (5124, "KWD", "KWD is charged in steps of 0.010, such as 5.120. The cinema has to change its price."),
        (LARGEST, "EUR", ""),
        (LARGEST + 1, "EUR", "The largest amount that can be paid by card is €999,999.99."),
    ],
)
def test_which_amounts_a_card_can_be_charged(amount, currency, sentence):
    assert why_not(amount, currency) == sentence


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("currency", "price", "total"), [("JPY", 1800, 3600), ("ISK", 150000, 300000)])
def test_amounts_are_sent_as_they_are_stored(stripe, currency, price, total):
    showtime = make_showtime(prices={"standard": price, "premium": price})
    type(showtime).objects.update(currency=currency)
    sale = Sale(showtime, new_visitor(), ("A1", "A2")).lock()
    session = stripe.sessions[sale.start().payment.session_id]
    assert (session["amount_total"], session["currency"]) == (total, currency.lower())


@pytest.mark.django_db(transaction=True)
def test_an_amount_that_no_card_can_pay_is_refused_and_the_lock_stays(stripe):
    from payments.checkout import NotPayable

    sale = Sale(make_showtime(prices={"standard": 10, "premium": 10}), new_visitor(), ("A1", "A2")).lock()
    with pytest.raises(NotPayable, match="smallest amount that can be paid by card is £0.30") as refused:
        sale.start()
    assert (refused.value.type, refused.value.status) == ("invalid", 422)
    assert Booking.objects.get(pk=sale.booking.pk).status == "locked" and not Payment.objects.exists()
    assert not stripe.calls


# ---- Settings --------------------------------------------------------------------------------------------------------


def test_a_test_key_fails_only_the_deploy_check(settings):
    settings.DEBUG, settings.PAYMENTS, settings.STRIPE_SECRET_KEY = False, "stripe", KEY
    settings.DEMO_PAYMENTS = False
    assert [found.id for found in checks.check_key_is_live(None)] == ["payments.E002"]
    call_command("check")
    with pytest.raises(SystemCheckError, match=r"payments\.E002"):
        call_command("check", deploy=True)
    settings.STRIPE_SECRET_KEY = "rk_live_x"
    assert checks.check_key_is_live(None) == []


# ---- The stand-in itself ---------------------------------------------------------------------------------------------


def test_the_stand_in_runs_as_a_process_of_its_own():
    with stripe_process() as remote:
        remote.fault("429", "/sessions")
        at_stripe = StripeGateway(KEY, remote.url)
        with pytest.raises(GatewayUnavailable):
            at_stripe.retrieve_session("cs_test_1")
        made = at_stripe.create_session(a_request())
        assert remote.pay(made.id)["status"] == "complete"
        assert at_stripe.retrieve_session(made.id).is_paid and remote.state()["paid"] == 1000
        with pytest.raises(AssertionError, match="cannot pay"):
            remote.pay(made.id)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"expires_in": 1700}, "400"),
        ({"expires_in": 90_000}, "400"),
        ({"unit_amount": 29}, "amount_too_small"),
        ({"currency": "Pounds"}, "400"),
        ({"email": "nobody"}, "400"),
        ({"description": ""}, "parameter_invalid_empty"),
        ({"description": "x" * 5001}, "400"),
        ({"success_url": "/back"}, "400"),
    ],
    ids=str,
)
def test_the_stand_in_refuses_what_stripe_refuses(stripe, change, error):
    with pytest.raises(GatewayRefused, match=error):
        gateway("stripe").create_session(a_request(**change))


def test_the_stand_in_refuses_a_parameter_that_does_not_exist(stripe):
    import stripe as library

    client = library.StripeClient(KEY, base_addresses={"api": stripe.url})
    for wrong in (
        {"payment_method_types": ["card"]},
        {"payment_intent_data": {"metadatas": {"a": "b"}}},
        {"locales": "en"},
    ):
        with pytest.raises(library.InvalidRequestError) as refused:
            client.v1.checkout.sessions.create(wrong)
        assert refused.value.code == "parameter_unknown"


def test_its_events_are_signed_as_stripe_signs():
    import stripe as library

    body = b'{"id": "evt_1", "object": "event"}'
    theirs = library.WebhookSignature.generate_signature_header(body.decode(), "whsec_x", int(time.time()))
    assert sign(body, "whsec_x").rpartition("v1=")[2] == theirs.rpartition("v1=")[2]


def a_request(expires_in=1900, unit_amount=500, currency="gbp", email="a@example.com", description="A1", **fields):
    line = {"name": "Film", "description": description, "quantity": 2, "unit_amount": unit_amount}
    made = {
        "key": f"pay_{time.monotonic_ns()}",
        "reference": "REF",
        "currency": currency,
        "lines": [line | {"quantity": 1 if unit_amount < 30 else 2}],
        "email": email,
        "success_url": "http://testserver/back",
        "cancel_url": "http://testserver/",
        "expires_at": int(time.time()) + expires_in,
    }
    return SessionRequest.from_json(made | fields)


@pytest.mark.django_db(transaction=True)
def test_a_gateway_that_refuses_every_session_raises_one_alert_a_day(stripe, sale, settings, client):
    from bench.support.factories import make_user
    from payments.checkout import NoGateway
    from payments.models import MoneyAlert

    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    for _ in range(2):
        with pytest.raises(NoGateway):
            sale.start()
    alert = MoneyAlert.objects.get()
    assert alert.kind == "session-refused" and "AuthenticationError 401" in alert.text
    assert "wrong" not in alert.text  # the key is secret
    client.force_login(make_user(staff=True))
    assert alert.text[:60] in client.get("/staff/money/").content.decode()
