"""GET and HEAD change nothing: every address of the site map is asked for, and every write of the database is read."""

import json
import re
from contextlib import contextmanager

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from bench.support.factories import make_showtime, make_user
from booking.models import Booking, OutboxMessage
from booking.tickets.codes import booking_key
from cinema.models import Artwork
from payments.models import DemoSession, MoneyAlert, Payment

pytestmark = pytest.mark.django_db
WRITE = re.compile(r"\b(?:INSERT INTO|REPLACE INTO|UPDATE(?!\s+(?:SET|OF)\b)|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
EXECUTED = re.compile(r"\bEXECUTE (\w+)")  # a prepared statement of PostgreSQL
# Forms and links that change something would be told by these.
TEMPTING = {
    "action": "cancel",
    "sure": "yes",
    "confirm": "1",
    "_method": "DELETE",
    "delete": "1",
    "seats": "A1",
    "drop": "A1",
}

# Tables in which every GET may write.
COUNTERS = {"booking_paceuse"}  # references that are guessed
# (name of the address, table): why a GET may write there.
ALLOWED = {
    ("account_email", "account_emailaddress"): "allauth stores the account's own address as a row, once",
    ("payments:return", "payments_payment"): "the way back asks the gateway what has become of this payment",
    ("payments:return", "payments_demosession"): "the demo gateway is asked, and keeps its answer in a row",
}


def addresses(patterns=None, prefix="", namespace=""):
    """(name, route) of every address of the site."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLPattern):
            yield f"{namespace}{each.name or route}", route
        else:
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from addresses(each.url_patterns, route, inner)


def words_for(showtime, booking, movie, layout):
    """What stands in the parameters of a route."""
    content_type = ContentType.objects.get_for_model(Booking)
    return {
        "showtime_id": showtime.pk, "reference": booking.reference, "slug": movie.slug, "layout_hash": layout,
        "session_id": DemoSession.objects.latest("pk").session_id, "artwork_hash": Artwork.objects.get().hash,
        "alert_id": 1, "message_id": 1, "refund_id": 1, "uidb36": "1", "key": "set-password", "app_label": "cinema",
        "content_type_id": content_type.pk, "object_id": 1, "url": "nowhere", "id": 1, "path": "css/base.css",
        "pk": showtime.plan_id,
    }  # fmt: skip


def path_of(route, words):
    """The route with its parameters filled in; fails for a parameter that has no word."""
    route = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(words[found[1]]), route)
    route = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda found: str(words[found[1]]), route)
    return "/" + re.sub(r"[\^$]|\\Z", "", route).replace("\\", "")


@contextmanager
def writes():
    """The tables that are written inside."""
    tables = []

    def watch(execute, sql, params, many, context):
        planned = getattr(context["connection"].connection, "planned", {})
        for text in (sql, *(planned.get(name, "") for name in EXECUTED.findall(sql))):
            tables.extend(WRITE.findall(text))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield tables


def call(client, method, path, body=None):
    answer = getattr(client, method)(path, json.dumps(body), content_type="application/json")
    assert answer.status_code < 300, answer.content
    return answer.json()


def buy(client, showtime, label):
    """A checkout of one seat."""
    call(client, "put", f"/api/showtimes/{showtime.pk}/lock/", {"seats": [label]})
    return call(client, "post", f"/api/showtimes/{showtime.pk}/checkout/", {"email": "alice@example.com"})


@pytest.fixture
def shop(transactional_db):
    """A stranger, a buyer with an open payment, and a superuser; and the words of the addresses."""
    showtime, buyer, boss, now = make_showtime(), Client(), Client(), timezone.now()
    reference = buy(buyer, showtime, "A1")["reference"]
    booking = Booking.objects.get(reference=reference)
    Artwork.objects.create(hash="a" * 32, svg="<svg/>")
    OutboxMessage.objects.create(kind="mail.confirmed", dedupe_key="x", payload={}, next_at=now, created_at=now)
    MoneyAlert.objects.create(subject="x", kind="x", text="x", raised_at=now)
    boss.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    signed_in, user = Client(), make_user()
    signed_in.force_login(user)
    address = EmailAddress.objects.create(user=user, email=user.email, primary=True)
    words = words_for(showtime, booking, showtime.movie, showtime.plan.hash)
    words["key to confirm"] = EmailConfirmationHMAC(address).key
    return {"stranger": Client(), "buyer": buyer, "customer": signed_in, "superuser": boss}, words, booking


@pytest.mark.parametrize("visitor", ["stranger", "buyer", "customer", "superuser"])
def test_get_and_head_write_nothing(shop, visitor):
    clients, words, booking = shop
    client, found = clients[visitor], {}
    client.raise_request_exception = False
    for name, route in addresses():
        if name.startswith("admin:") and visitor not in ("stranger", "superuser"):
            continue
        path = path_of(route, words | ({"key": words["key to confirm"]} if name == "account_confirm_email" else {}))
        asked = [("head", {}), ("get", TEMPTING)]
        if not name.startswith("admin:"):
            asked += [("get", {}), ("get", {"key": booking_key(booking)})]
        for method, query in asked:
            with writes() as tables:
                answer = getattr(client, method)(path, query)
            assert answer.status_code < 500, (method, path, answer.status_code)
            for table in set(tables) - COUNTERS:
                found.setdefault((name, table), (method, path))
    assert {key: found[key] for key in found.keys() - ALLOWED.keys()} == {}
    assert not mail.outbox and not EmailAddress.objects.filter(verified=True).exists()
    if visitor == "buyer":
        assert Booking.objects.get().status == "checkout" and Payment.objects.get().is_active


def test_the_walk_would_see_a_write(shop):
    """The same asked with methods that may write: the guard sees each."""
    clients, words, booking = shop
    with writes() as tables:
        assert clients["buyer"].delete(f"/api/showtimes/{words['showtime_id']}/lock/").status_code == 204
    assert {"booking_booking", "booking_showtimeseat", "payments_payment"} <= set(tables)


def test_head_of_the_lock_is_its_get_without_a_body(shop):
    clients, words, _ = shop
    path = f"/api/showtimes/{words['showtime_id']}/lock/"
    head, get = clients["buyer"].head(path), clients["buyer"].get(path)
    assert (head.status_code, head["Content-Type"]) == (200, get["Content-Type"])
    assert [seat["label"] for seat in get.json()["seats"]] == ["A1"]
