"""The seats of the page of a showtime: equal to the template's, and nothing of one visitor in the page of another."""

import json
import random
import re
from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.http import Http404
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking.locks import lock_seats, release_lock
from booking.models import ShowtimeSeat
from booking.pages import hall_markup
from booking.pages.hall_drawing import minimap_of
from booking.pages.hall_markup import GAPS, SeatWithGaps, draw_seats, markup_of
from booking.pages.hall_view import CHOOSABLE, STATUS, WORDS
from booking.pages.showtime_rows import find_showtime, times_of_day
from booking.refusals import Refusal
from booking.seats.shown_maps import forget_states
from booking.visitors import SESSION_KEY
from cinema.models import Screen
from cinema.plans.layouts import layout_of

pytestmark = pytest.mark.django_db
SEAT = re.compile(
    r'data-i="(?P<i>\d+)"[^>]*data-status="(?P<status>\w+)"[^>]*><input\s+type="checkbox" name="seats" '
    r'value="(?P<label>[^"]+)"(?P<flags>[^>]*)>'
)
DOT = re.compile(r'<path data-status="(\w+)" d=')
SECRETS = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"|nonce="([^"]+)"')


def reference(layout, statuses, prices):
    """The rows as the template renders them seat by seat, without anything kept between requests."""
    views = [
        SeatWithGaps(
            seat,
            minimap_of(layout.hash)[1][seat.index],
            status,
            {"mine": " checked"}.get(status, "" if status in CHOOSABLE else " disabled"),
            prices[seat.category],
            WORDS[status],
        )
        for seat, status in zip(layout.seats, statuses, strict=True)
    ]
    rows = [(row, [views[seat.index] for seat in row.seats]) for row in layout.rows]
    return render_to_string("booking/_rows.html", {"rows": rows}), render_to_string(
        "booking/_minimap.html", {"seats": views}
    )


def odd_layout():
    """With what must be escaped in its texts, seats of each kind, and two prices."""
    plan = make_plan(rows=5, per_row=9)
    for seat, kind in zip(plan.seats.all(), ("wheelchair", "companion", "seat"), strict=False):
        seat.kind, seat.label, seat.number, seat.zone = kind, f'<{seat.index}>"&', "7'", "Circle & <Stalls>"
        seat.save()
    plan.categories.filter(key="premium").update(name="Best & <only>")
    return layout_of(plan.hash)


def test_the_rows_of_any_state_are_those_of_the_template():
    rng, layout = random.Random(3), odd_layout()
    prices = {"standard": "£11.50", "premium": "<£14>"}
    for _ in range(40):
        state = "".join(rng.choice(list(STATUS)) for _ in layout.seats)
        mine = set(rng.sample(range(len(layout.seats)), rng.randint(0, 6)))
        statuses = ["mine" if i in mine else STATUS[letter] for i, letter in enumerate(state)]
        assert draw_seats(layout, state, mine, prices) == reference(layout, statuses, prices)


def test_what_is_kept_has_no_state_no_price_and_a_gap_for_each_seat():
    layout = layout_of(make_showtime().plan.hash)
    kept = "".join(markup_of(layout).rows.fixed)
    assert not re.search(r"£|checked|disabled|\0", kept)
    assert not [word for word in WORDS.values() if f">{word}<" in kept]
    assert sorted(markup_of(layout).rows.gaps) == sorted(
        (gap, seat.index) for seat in layout.seats for gap in range(len(GAPS))
    )


class Visitor:
    def __init__(self):
        self.id, self.client = new_visitor(), Client()
        self.act()

    def act(self):
        session = self.client.session
        session[SESSION_KEY] = str(self.id)
        session.save()

    def read(self, showtime):
        answer = self.client.get(showtime.get_absolute_url())
        assert answer.status_code == 200
        return answer.content.decode()

    def lock(self, showtime, labels):
        lock_seats(showtime_id=showtime.pk, visitor=self.id, labels=labels, at=timezone.now())

    def release(self, showtime):
        release_lock(showtime_id=showtime.pk, visitor=self.id, at=timezone.now())


def seats_of(page):
    return {int(each["i"]): each for each in SEAT.finditer(page)}


def expected(showtime, visitor):
    """The status that each seat has for this visitor, by the stored rows."""
    rows = ShowtimeSeat.objects.filter(showtime=showtime).select_related("booking")
    return {
        row.index: "mine" if row.booking is not None and row.booking.visitor == visitor.id else row.status
        for row in rows
    }


def test_nothing_of_one_visitor_is_ever_in_the_page_of_another(settings):
    """Random interleavings of two visitors with locks and one without, in one process."""
    settings.RATE_LIMITS = False
    rng, showtimes = random.Random(11), [make_showtime() for _ in range(2)]
    shared = make_showtime(showtimes[0].plan, prices={"standard": 990, "premium": 2150})  # a layout, other prices
    alice, bob, stranger = Visitor(), Visitor(), Visitor()
    secrets, pages = set(), 0
    for _ in range(150):
        showtime, visitor = rng.choice([*showtimes, shared]), rng.choice([alice, bob])
        try:
            if rng.random() < 0.2:
                visitor.release(showtime)
            elif rng.random() < 0.6:
                visitor.lock(showtime, [f"{rng.choice('ABCD')}{rng.randint(1, 10)}" for _ in range(2)])
        except Refusal:
            pass
        reader = rng.choice([alice, bob, stranger])
        page = reader.read(showtime)
        found = seats_of(page)
        assert {i: each["status"] for i, each in found.items()} == expected(showtime, reader)
        mine = {each["label"] for each in found.values() if each["status"] == "mine"}
        assert mine == {each["label"] for each in found.values() if "checked" in each["flags"]}
        assert mine == set(re.findall(r'name="drop" value="([^"]+)"', page)), "the basket lists the same"
        assert list(DOT.findall(page)) == [found[i]["status"] for i in sorted(found)]
        state = re.search(r'data-state="([ALBX]+)"', page)[1]
        assert {i: STATUS[letter] for i, letter in enumerate(state)} == {
            i: "locked" if each["status"] == "mine" else each["status"] for i, each in found.items()
        }
        own = {text for pair in SECRETS.findall(page) for text in pair if text}
        assert own and not own & secrets, "a token or a nonce of an earlier page"
        secrets |= own
        for other in {alice, bob, stranger} - {reader}:
            assert str(other.id) not in page
            assert not [cookie.value for cookie in other.client.cookies.values() if cookie.value in page]
        pages += 1
    assert pages == 150


def test_the_page_of_a_process_that_has_read_much_equals_that_of_a_new_one(settings):
    """Byte by byte, but for what belongs to one answer only."""
    settings.RATE_LIMITS = False
    showtime, alice, bob = make_showtime(), Visitor(), Visitor()
    rng = random.Random(5)

    def read(visitor):
        page = SECRETS.sub("", visitor.read(showtime))
        return re.sub(r'data-now="[^"]+"|content="\d+"|data-share="\d+"|="\d+ 100"|\b\d?\d:\d\d\b', "", page)

    for _ in range(12):
        for visitor in (alice, bob):
            try:
                visitor.lock(showtime, [f"{rng.choice('ABCD')}{rng.randint(1, 10)}" for _ in range(2)])
            except Refusal:
                continue
            known = [read(each) for each in (alice, bob, alice)]
            forget_states()
            hall_markup._markup.cache_clear()
            hall_markup._draw_for_all.cache_clear()
            assert [read(each) for each in (alice, bob, alice)] == known


def test_a_message_is_in_the_page_of_its_visitor_only():
    showtime, alice, bob = make_showtime(), Visitor(), Visitor()
    bob.read(showtime)
    refused = alice.client.post(showtime.get_absolute_url(), {"seats": []})
    assert refused.status_code == 302
    assert "Choose at least one seat first." not in bob.read(showtime)
    assert "Choose at least one seat first." in alice.read(showtime)
    assert "Choose at least one seat first." not in alice.read(showtime)


def test_the_state_in_the_page_is_that_of_its_version(client):
    showtime = make_showtime()
    alice = Visitor()
    for number in range(1, 4):
        alice.lock(showtime, [f"A{number}"])
        page = client.get(showtime.get_absolute_url()).content.decode()
        version = int(re.search(r'data-version="(\d+)"', page)[1])
        assert version == number and seats_of(page)[number - 1]["status"] == "locked"
    assert json.loads(re.search(r'id="seat-states" type="application/json">(.*?)</script>', page)[1])


def test_a_page_of_a_visitor_without_seats_asks_for_the_showtime_its_times_and_what_has_changed(client):
    showtime = make_showtime()
    Visitor().lock(showtime, ["A1"])
    client.get(showtime.get_absolute_url())
    with CaptureQueriesContext(connection) as captured:
        client.get(showtime.get_absolute_url())
    assert len(captured) == 3, captured.captured_queries


def test_the_times_of_a_page_are_those_of_its_film_cinema_and_day():
    """A day of TIME_ZONE; what has ended or is cancelled is left out."""
    zone = timezone.get_default_timezone()
    noon = datetime.combine(timezone.localdate() + timedelta(days=3), time(12), zone)
    at = noon - timedelta(hours=8)
    first = make_showtime(at=noon, starts_in=timedelta())
    same = {"movie": first.movie, "screen": first.screen}
    late = make_showtime(**same, at=noon, starts_in=timedelta(hours=11, minutes=55))
    make_showtime(**same, at=noon, starts_in=timedelta(hours=12, minutes=5))  # the next day
    make_showtime(**same, at=noon, starts_in=timedelta(hours=-10))  # ended
    make_showtime(**same, at=noon, starts_in=timedelta(hours=3), cancelled_at=at)
    make_showtime(movie=first.movie, at=noon, starts_in=timedelta(hours=2))  # another cinema
    make_showtime(screen=first.screen, at=noon, starts_in=timedelta(hours=5))  # another film
    found = find_showtime(first.pk)
    assert times_of_day(found, at) == [first, late]
    assert [each.starts_at for each in times_of_day(found, at)] == [first.starts_at, late.starts_at]
    with pytest.raises(Http404):
        find_showtime(first.pk + 1000)


def test_the_times_of_a_day_name_their_screens_without_another_query(client):
    first = make_showtime()
    upstairs = Screen.objects.create(cinema=first.screen.cinema, name="Upstairs", plan=first.screen.plan)
    make_showtime(movie=first.movie, screen=upstairs, at=first.starts_at, starts_in=timedelta())
    Visitor().lock(first, ["A1"])
    client.get(first.get_absolute_url())
    with CaptureQueriesContext(connection) as captured:
        page = client.get(first.get_absolute_url()).content.decode()
    times = re.search(r'<nav class="showbar__times".*?</nav>', page, re.DOTALL)[0]
    assert re.findall(r"<small>(.*?)</small>", times) == [first.screen.name, "Upstairs"]
    assert len(captured) == 3, captured.captured_queries
