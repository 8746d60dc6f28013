"""A basket without seats says what to do and what the hall is like, on the page and as the part that is drawn anew."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.locks import lock_seats

pytestmark = pytest.mark.django_db


def facts_in(page):
    """The hall's facts as words: name to value, without markup."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page)
    return {name: " ".join(re.sub(r"<[^>]*>", " ", value).split()) for name, value in pairs}


@pytest.mark.parametrize("part", [False, True])
def test_an_empty_basket_says_what_the_hall_is_like_now(client, part):
    showtime = make_showtime(make_plan(rows=3, per_row=7), prices={"standard": 900, "premium": 1450})
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1", "A2"], at=timezone.now())
    path = reverse("booking:basket", args=[showtime.pk]) if part else showtime.get_absolute_url()
    page = client.get(path).content.decode()
    assert facts_in(page) == {
        "Seats left": "19 of 21", "Rows": "3 the longest has 7 seats", "Prices": "£9 to £14.50",
    }  # fmt: skip
    assert f'<h2 class="sign">{showtime.screen.name}</h2>' in page


def test_equal_prices_are_said_once(client):
    showtime = make_showtime(prices={"standard": 900, "premium": 900})
    assert facts_in(client.get(showtime.get_absolute_url()).content.decode())["Price"] == "£9"
