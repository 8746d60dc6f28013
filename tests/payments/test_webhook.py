"""The webhook: what it accepts, what it refuses, and that it never answers 500."""

import json
import time

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from payments.events import ACTIONS, MALFORMED
from payments.gateways import checks
from payments.gateways.demo import sign as demo_sign
from payments.gateways.interface import Event
from payments.models import StripeWebhookEvent
from payments.reconciliation import Report, _process_missed
from tests.payments.sales import WEBHOOK, post
from tests.payments.stripe.stand_in import SECRET, sign

pytestmark = pytest.mark.django_db


def event(**fields):
    found = {"id": "cus_1", "object": "customer"}
    base = {"id": "evt_1", "object": "event", "type": "customer.created", "livemode": False, "data": {"object": found}}
    return json.dumps(base | fields).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b"\xff\xfe",
        b'"evt"',
        b"{}",
        b'{"object": "v2.core.event", "id": "evt_1"}',
        b'{"id": "evt_1", "object": "event"}',
        b'{"id": "evt_1", "object": "event", "type": "x", "data": null}',
        b'{"id": "evt_1", "object": "event", "type": "x", "data": {"object": 3}}',
        b'{"id": "evt_1", "object": "event", "type": "checkout.session.completed", "data": {"object": {}}}',
        b"[" * 5000,
    ],
)
def test_a_signed_body_that_is_no_event_is_400(stripe, body):
    try:
        header = sign(body)
    except UnicodeDecodeError:
        header = "t=1,v1=00"
    assert post(body, header).status_code == 400
    assert not StripeWebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "t=,v1=", "v1=00", "t=1", f"t={2**70},v1=00", "t=1,v0=00", "t=abc,v1=00", ",,,===", "t=1=2,v1"],
)
def test_a_malformed_signature_header_is_400(stripe, header):
    assert post(event(), header).status_code == 400


def test_old_and_future_signatures_are_400(stripe):
    body = event()
    for age in (-3600, 3600, 86400):
        assert post(body, sign(body, at=time.time() - age)).status_code == 400
    assert post(body, sign(body, at=time.time() - 200)).status_code == 200


def test_without_a_signature_is_400(stripe):
    assert Client().post(WEBHOOK, event(), content_type="application/json").status_code == 400


def test_a_body_over_256_kib_is_413_and_one_just_under_is_read(stripe):
    assert post(event(padding="x" * 256 * 1024)).status_code == 413
    assert post(event(padding="x" * 200 * 1024)).status_code == 200


def test_other_methods_are_405(stripe):
    for method in ("get", "put", "delete", "patch"):
        assert getattr(Client(), method)(WEBHOOK).status_code == 405


def test_both_secrets_are_valid_while_one_is_being_rotated(stripe, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    for number, secret in enumerate(("whsec_new", SECRET)):
        body = event(id=f"evt_{number}")
        assert post(body, sign(body, secret)).status_code == 200
    assert post(body, sign(body, "whsec_gone")).status_code == 400


def test_a_demo_signature_is_refused_where_real_money_is_taken(stripe):
    body = event()
    assert post(body, demo_sign(body.decode(), int(time.time()))).status_code == 400


def test_a_stripe_signature_is_refused_in_a_demo(db):
    body = event()
    assert post(body, sign(body)).status_code == 400
    assert post(body, demo_sign(body.decode(), int(time.time()))).status_code == 200


def test_a_database_that_is_busy_is_503_and_the_next_delivery_works(stripe, monkeypatch):
    with monkeypatch.context() as broken:

        def refuse(*args, **kwargs):
            raise OperationalError("database is locked")

        broken.setattr("django.db.models.query.QuerySet.create", refuse)
        assert post(event()).status_code == 503
    assert post(event()).status_code == 200


def test_an_effect_that_fails_leaves_no_event_behind(stripe, sale, monkeypatch):
    sale.start()
    body = stripe.event("checkout.session.completed", stripe.pay(sale.payment.session_id))
    with monkeypatch.context() as broken:

        def refuse(*args, **kwargs):
            raise OperationalError("deadlock detected")

        broken.setattr("django.db.models.query.QuerySet.bulk_create", refuse)
        assert post(body).status_code == 503
    assert not StripeWebhookEvent.objects.exists() and sale.booking.status == "checkout"
    assert post(body).status_code == 200 and sale.booking.status == "confirmed"


def test_demo_payments_in_public_are_an_error_and_a_live_key_in_debug_a_warning(settings):
    settings.DEBUG, settings.PAYMENTS, settings.DEMO_PAYMENTS_ANYWAY = False, "demo", False
    assert [found.id for found in checks.check_demo_is_private(None)] == ["payments.E001"]
    with pytest.raises(SystemCheckError):
        call_command("check")
    settings.DEMO_PAYMENTS_ANYWAY = True
    assert checks.check_demo_is_private(None) == []
    settings.DEBUG, settings.STRIPE_SECRET_KEY = True, "sk_live_x"
    assert [found.id for found in checks.check_live_key_is_not_debugged(None)] == ["payments.W001"]


ODD_OBJECTS = [
    {"metadata": "a string"},
    {"metadata": ["a", "list"]},
    {"metadata": 3},
    {"metadata": {"payment": {"a": 1}, "reference": ["b"]}},
    {"client_reference_id": {"a": 1}},
    {"client_reference_id": "a\0b"},
    {"client_reference_id": "\ud800"},
    {"payment_intent": {"no": "id"}},
    {"payment_intent": ["pi_1"]},
    {"payment_intent": "pi\0"},
    {"amount_total": 10**30},
    {"amount_total": "9" * 5000},
    {"amount_total": None},
    {"amount": -(10**30), "amount_refunded": 10**30, "status": []},
    {"id": None},
    {"id": "x" * 10_000},
    {"id": {"a": {"b": {}}}},
    {"currency": {"a": 1}},
    {"status": "\ud800"},
    {"balance_transactions": "x", "evidence_details": 7, "reason": {}, "charge": []},
]


@pytest.mark.parametrize("kind", sorted(ACTIONS))
def test_a_signed_event_of_any_shape_is_200_or_400_and_changes_no_money(stripe, sale, kind):
    """Of a payment that it names properly, too: by session, by intent, by metadata."""
    sale.start()
    payment = sale.payment
    named = {"id": payment.session_id, "payment_intent": payment.payment_intent, "client_reference_id": "AAAA"}
    for number, odd in enumerate(ODD_OBJECTS):
        for base in ({"id": "cs_unknown"}, {**named, "metadata": {"payment": payment.idempotency_key}}):
            body = event(id=f"evt_{number}_{len(base)}", type=kind, data={"object": {**base, **odd}})
            status = post(body).status_code
            assert status in (200, 400), json.dumps(odd)
    assert sale.booking.status in ("checkout", "releasing", "released")


@pytest.mark.parametrize(
    "change", [r'"id": "e\u0000"', r'"id": "e\ud800"', '"id": ["a"]', r'"type": "a\u0000"', '"type": {}']
)
def test_a_signed_event_with_an_odd_name_is_no_5xx(stripe, change):
    status = post(event(**json.loads(f"{{{change}}}"))).status_code
    assert status in (200, 400)


def test_an_unreadable_event_does_not_stop_the_reconciliation_of_the_next(stripe, sale, monkeypatch):
    assert AttributeError in MALFORMED
    bad = Event("evt_bad", "checkout.session.completed", False, {"id": "cs_1", "metadata": "a string"})
    good = Event("evt_good", "customer.created", False, {"id": "cus_1"})
    report = Report()
    _process_missed(report, "stripe", [bad, good], timezone.now())
    assert [each.after for each in report.findings] == ["unreadable: its metadata is not an object", "ignored"]
