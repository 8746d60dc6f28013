"""A link does not end a payment; the buyer's own way back from the payment page does, without a click."""

import re

import pytest
from django.test import Client

from bench.support.factories import new_visitor
from booking.models import Booking, ShowtimeSeat
from payments.models import LedgerEntry, Payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(open_sale):
    return browser_of(open_sale.visitor)


def browser_of(visitor, **options):
    client = Client(**options)
    session = client.session
    session["visitor"] = str(visitor)
    session.save()
    return client


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Booking, Payment, ShowtimeSeat, LedgerEntry)]


def address(sale):
    """The cancel_url that Stripe was given."""
    return sale.payment.request["cancel_url"]


def plain(sale):
    """The address of earlier releases."""
    return address(sale).partition("?")[0]


NAVIGATION = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize("headers", [{}, NAVIGATION, {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}])
def test_the_way_back_frees_the_seats_at_once_without_a_click(stripe, open_sale, alice, headers):
    answer = alice.get(address(open_sale), headers=headers)
    assert answer.status_code == 302 and answer["Location"] == f"/showtimes/{open_sale.showtime.pk}/"
    assert open_sale.booking.status == "released" and open_sale.seats() == {"available"}
    assert stripe.sessions[open_sale.session]["status"] == "expired"
    assert b"Nothing was charged" in alice.get(answer["Location"]).content


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Sec-Purpose": "prefetch;anonymous-client-ip"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors"},
    ],
    ids=str,
)
def test_what_a_browser_fetches_by_itself_changes_nothing(stripe, open_sale, alice, headers):
    """Even with the right address: and the buyer's own way back still works afterwards."""
    before = everything()
    answer = alice.get(address(open_sale), headers={**NAVIGATION, **headers})
    is_ahead = not headers.keys() & {"Sec-Fetch-Dest"}
    assert answer.status_code == (403 if is_ahead else 200) and b"Cancel the payment?" in answer.content
    assert everything() == before and stripe.sessions[open_sale.session]["status"] == "open"
    alice.get(address(open_sale), headers=NAVIGATION)
    assert open_sale.booking.status == "released"


def test_head_changes_nothing(stripe, open_sale, alice):
    before = everything()
    for url in (address(open_sale), plain(open_sale)):
        answer = alice.head(url)
        assert answer.status_code == 200 and not answer.content
    stripe.calls.clear()
    assert alice.head(f"/payments/return/{open_sale.booking.reference}/").status_code == 200
    assert everything() == before and not stripe.calls


@pytest.mark.parametrize("query", ["", "?token=", "?token=x", "?token={token}x", "?token=%00", "?key={token}"])
def test_a_link_without_the_token_shows_a_button_and_changes_nothing(stripe, open_sale, alice, query):
    """A link on a foreign page, an image, and the way back of a session that an earlier release has opened."""
    before = everything()
    token = address(open_sale).partition("token=")[2]
    answer = alice.get(plain(open_sale) + query.format(token=token), headers=NAVIGATION)
    page = answer.content.decode()
    assert answer.status_code == 200 and "Cancel the payment?" in page and open_sale.payment.url in page
    assert re.search(
        rf'<form [^>]*method="post" action="{re.escape(plain(open_sale).removeprefix("http://testserver"))}"', page
    )
    assert everything() == before


def test_a_payment_of_an_earlier_release_has_no_token_and_is_cancelled_by_the_button(stripe, open_sale, alice):
    payment = open_sale.payment
    Payment.objects.filter(pk=payment.pk).update(request={**payment.request, "cancel_url": plain(open_sale)})
    for query in ("", "?token="):
        assert alice.get(plain(open_sale) + query).status_code == 200
    assert open_sale.booking.status == "checkout"
    strict = browser_of(open_sale.visitor, enforce_csrf_checks=True)
    assert strict.post(plain(open_sale)).status_code == 403
    assert open_sale.booking.status == "checkout"
    page = strict.get(plain(open_sale)).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    answer = strict.post(plain(open_sale), {"csrfmiddlewaretoken": token}, follow=True)
    assert b"Nothing was charged" in answer.content
    assert open_sale.booking.status == "released" and stripe.sessions[open_sale.session]["status"] == "expired"


def test_nobody_else_can_use_the_address(stripe, open_sale):
    before = everything()
    for client in (Client(), browser_of(new_visitor())):
        assert client.get(address(open_sale)).status_code == 404
        assert client.post(address(open_sale)).status_code == 404
    assert everything() == before


def test_the_token_is_of_one_payment(stripe, open_sale, alice):
    """The browser's history cannot end the next payment of the same seats."""
    first = address(open_sale)
    alice.get(first)
    open_sale.lock().start()
    assert open_sale.booking.status == "checkout" and address(open_sale) != first
    second = plain(open_sale)
    assert alice.get(first.replace(plain(open_sale), second)).status_code == 302  # of the booking that has ended
    assert alice.get(f"{second}?{first.partition('?')[2]}").status_code == 200
    assert open_sale.booking.status == "checkout"


def test_the_token_is_in_no_page_and_no_mail(stripe, open_sale, alice, mailoutbox):
    token = address(open_sale).partition("token=")[2]
    paths = [
        f"/showtimes/{open_sale.showtime.pk}/checkout/",
        f"/bookings/{open_sale.booking.reference}/",
        plain(open_sale),
    ]
    for path in paths:
        assert token not in alice.get(path).content.decode()
    assert not [mail for mail in mailoutbox if token in mail.body]


def test_a_second_way_back_is_a_way_to_the_map_and_says_nothing_new(stripe, open_sale, alice):
    alice.get(address(open_sale), follow=True)
    before = everything()
    answer = alice.get(address(open_sale))
    assert answer.status_code == 302 and everything() == before


def test_the_page_tells_its_address_to_no_other_site_and_is_not_stored(stripe, open_sale, alice):
    answer = alice.get(plain(open_sale))
    assert answer["Referrer-Policy"] == "same-origin" and "no-store" in answer["Cache-Control"]
