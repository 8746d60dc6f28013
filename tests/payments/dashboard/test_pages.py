"""The page of figures: who may see it, without sales, with invalid filters, its CSV, its number of queries."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.support.factories import (
    cancel_all_tickets,
    make_movie,
    make_plan,
    make_screen,
    make_showtime,
    make_user,
    new_visitor,
)
from booking.bookings import begin_checkout, confirm_booking
from booking.locks import lock_seats
from booking.models import Ticket
from cinema.models import Movie, Showtime
from payments.dashboard.pages import plain_cell
from payments.dashboard.sales import Funnel, Sales, Takings
from payments.dashboard.texts import DayRow, compare, compare_shares, drawn_rows, funnel_steps, heat_level
from payments.gateways.interface import RefundState
from payments.models import Payment
from payments.refund_updates import RefundSnapshot, apply_refund_of

pytestmark = pytest.mark.django_db
PAGE = "/movies/admin-dashboard/"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff(client):
    client.force_login(make_user(staff=True))
    return client


def sell(showtime, *labels, at=NOW, refund=False, demo=True):
    visitor = new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at)
    booking = begin_checkout(
        showtime_id=showtime.pk, visitor=visitor, email="a@example.com", payable_until=at + timedelta(hours=1), at=at
    )
    confirm_booking(booking_id=booking.pk, demo=demo, at=at)
    if refund:
        cancel_all_tickets(booking.pk, at)
    return booking


def read(client, **query):
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def lines(client, **query):
    response = client.get(PAGE, {"format": "csv", **query})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_anonymous_users_are_sent_to_sign_in_and_customers_are_refused(client):
    for query in ({}, {"format": "csv"}, {"staff": "1"}):
        answer = client.get(PAGE, query)
        assert answer.status_code == 302 and answer.url.startswith("/accounts/login/?next=/movies/admin-dashboard/")
    client.force_login(make_user())
    assert {client.get(PAGE, query).status_code for query in ({}, {"format": "csv"})} == {403}


def test_the_page_is_not_cached_and_read_only(staff):
    assert staff.get(PAGE)["Cache-Control"] == "private, no-store"
    assert staff.post(PAGE).status_code == 405


def test_without_sales_every_figure_says_so(staff):
    page = read(staff)
    for words in (
        "Nothing was sold in this time.",
        "No film has sold a ticket in this time.",
        "No showtime starts in these days",
        "Nobody has chosen a seat in this time.",
        "There is no screen yet.",
        "No booking was confirmed in this time.",
        "– no seats on sale",
        "– nobody went to payment",
    ):
        assert words in page, words
    assert not re.search(r"\bNaN\b|\bNone\b|\binf\b", page)


def test_the_numbers_are_those_of_the_sales(staff):
    showtime = make_showtime(movie=make_movie("The Long Night"), at=NOW)
    sell(showtime, "A1", "A2")
    sell(showtime, "D1", at=NOW - timedelta(days=2))
    sell(showtime, "B1", "B2", "B3", refund=True)
    page = read(staff)
    assert "£37.50 revenue" in page
    assert "2 bookings" in page
    assert "3 tickets" in page
    assert "£34.50 of £72 was given back." in page
    assert "8 % of seats sold" in page  # 3 of 40
    assert "0 % of payments given up" in page
    assert "The Long Night 3 £37.50" in page
    assert "Being refunded" in page


def test_a_partial_refund_and_a_free_booking_are_marked_in_the_list(staff):
    showtime = make_showtime(at=NOW)
    booking = sell(showtime, "A1", "A2")
    payment = Payment.objects.create(
        booking=booking,
        provider="demo",
        livemode=False,
        status="paid",
        amount=2300,
        currency="GBP",
        email="a@example.com",
        idempotency_key="pay_1",
        request={},
        expires_at=NOW,
        created_at=NOW,
    )
    apply_refund_of(payment_id=payment.pk, snapshot=RefundSnapshot(RefundState("re_1", "succeeded", ""), 800), at=NOW)
    sell(make_showtime(at=NOW, prices={"standard": 0, "premium": 0}), "A1")
    page = read(staff)
    assert "£15 of £23 Partly given back" in page
    assert "Free Confirmed" in page
    assert "£15 revenue" in page


def test_a_period_is_compared_with_the_one_before_in_words(staff):
    showtime = make_showtime(at=NOW, starts_in=timedelta(days=2))
    sell(showtime, "A1", at=NOW - timedelta(days=8))
    sell(showtime, "A2")
    sell(showtime, "A3", "A4")
    page = read(staff, range="7")
    assert "£34.50 revenue ▲ 200 % more" in page
    assert "2 bookings ▲ 100 % more" in page
    assert "Compared with the 7 days before, up to the same time of day." in page
    assert "less" not in read(staff, range="year").partition("Sales by")[0].replace("less what was", "")


def test_another_currency_is_shown_and_never_added(staff):
    sell(make_showtime(at=NOW), "A1")
    euros = make_showtime(at=NOW)
    Showtime.objects.filter(pk=euros.pk).update(currency="EUR")
    sell(euros, "A1", "A2")
    page = read(staff)
    assert "£11.50 revenue" in page
    assert "3 tickets" in page
    assert "1 booking in EUR brought €23, which is in no sum of money here." in page


def test_demo_money_is_left_out_where_real_money_is_taken(staff, settings):
    showtime = make_showtime(at=NOW)
    sell(showtime, "A1", demo=True)
    sell(showtime, "A2", demo=False)
    assert "£23 revenue" in read(staff)
    settings.DEMO_PAYMENTS = False
    page = read(staff)
    assert "£11.50 revenue" in page
    assert "1 booking with demo money is left out." in page


@pytest.mark.parametrize(
    "query, sentence",
    [
        ({"from": "yesterday"}, "A day is written like 2026-11-23"),
        ({"from": "2026-02-30"}, "A day is written like 2026-11-23"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "A day is written like 2026-11-23"),
        ({"to": "9999-12-31"}, "A day is written like 2026-11-23"),
        ({"from": "2026-11-20", "to": "2026-11-01"}, "The first day comes after the last."),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "That is more than two years"),
        ({"range": "century"}, "There is no such range of days."),
        ({"film": "no-such-film"}, "There is no such film, so all are counted."),
        ({"cinema": "\x00' OR 1=1"}, "There is no such cinema, so all are counted."),
    ],
)
def test_an_invalid_filter_gets_a_sentence_and_the_last_28_days(staff, query, sentence):
    page = read(staff, **query)
    assert sentence in page
    assert "27 Oct 2026 – 23 Nov 2026" in page


def test_dates_a_cinema_and_a_film_filter_the_figures(staff):
    here, there = make_showtime(at=NOW), make_showtime(at=NOW)
    sell(here, "A1", at=NOW - timedelta(days=3))
    sell(there, "A1", "A2", at=NOW - timedelta(days=3))
    day = "2026-11-20"
    assert "3 tickets" in read(staff, **{"from": day, "to": day})
    assert "1 tickets" in read(staff, **{"from": day, "to": day}, film=here.movie.slug)
    assert "2 tickets" in read(staff, **{"from": day, "to": day}, cinema=there.screen.cinema.slug)
    assert "0 tickets" in read(staff, **{"from": "2026-11-21", "to": "2026-11-22"})
    links = staff.get(PAGE, {"from": day, "to": day, "film": here.movie.slug}).content.decode()
    assert f"?from={day}&amp;to={day}&amp;film={here.movie.slug}&amp;format=csv" in links


def test_the_seats_are_those_of_the_chosen_screen(staff):
    quiet, busy = make_showtime(at=NOW), make_showtime(at=NOW, screen=make_screen(make_plan(rows=2, per_row=4)))
    sell(quiet, "C3")
    sell(busy, "B1", "B2")
    assert "Seats of Screen 1 by how often they were sold; most of all B1, B2" in staff.get(PAGE).content.decode()
    asked = staff.get(PAGE, {"screen": quiet.screen_id}).content.decode()
    assert "most of all C3" in asked
    assert "most of all B1, B2" in staff.get(PAGE, {"screen": "x"}).content.decode()


def test_the_csv_has_a_line_for_every_day_and_exact_money(staff):
    showtime = make_showtime(at=NOW)
    sell(showtime, "A1", "A2")
    sell(showtime, "B1", refund=True)
    table = lines(staff, range="7")
    assert [line["day"] for line in table] == [str(date(2026, 11, 17) + timedelta(days=i)) for i in range(7)]
    assert {line["tickets"] for line in table[:-1]} == {"0"}
    last = table[-1]
    assert (last["bookings"], last["tickets"], last["currency"]) == ("1", "2", "GBP")
    assert (last["taken"], last["given_back"], last["revenue"]) == ("34.50", "11.50", "23.00")
    disposition = staff.get(PAGE, {"format": "csv", "range": "7"})["Content-Disposition"]
    assert disposition == 'attachment; filename="figures-2026-11-17-to-2026-11-23.csv"'


def test_a_film_title_is_never_a_spreadsheet_formula(staff):
    movie = Movie.objects.create(title='=HYPERLINK("http://x","y")', slug="formula")
    make_showtime(movie=movie, at=NOW)
    assert lines(staff, film="formula")[0]["film"] == '\'=HYPERLINK("http://x","y")'
    assert [plain_cell(text) for text in ("+1", "-1", "@a", "\t=1", "Up")] == ["'+1", "'-1", "'@a", "'=1", "Up"]


def test_a_title_cannot_break_out_of_the_script_block(staff):
    movie = Movie.objects.create(title="</script><b>x", slug="closing")
    sell(make_showtime(movie=movie, at=NOW), "A1")
    assert "</script><b>x" not in staff.get(PAGE).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_data(staff, settings):
    settings.RATE_LIMITS = False

    def count():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert staff.get(PAGE, {"range": "year"}).status_code == 200
        return len(queries)

    sell(make_showtime(at=NOW), "A1")
    count()  # from here on the drawn plan is cached
    small = count()
    for n in range(4):
        showtime = make_showtime(at=NOW, starts_in=timedelta(days=n), screen=make_screen(make_plan(2, 4)))
        for seat in ("A1", "A2", "B1"):
            sell(showtime, seat, at=NOW - timedelta(days=40 * n, hours=n))
    Ticket.objects.filter(label="A1").update(status="used", used_at=NOW)
    count()
    assert count() <= small < 20


def test_a_year_is_drawn_by_the_week_and_listed_by_the_day(staff):
    sell(make_showtime(at=NOW), "A1")
    page = staff.get(PAGE, {"range": "year"})
    assert len(page.context["days"]) == 364
    assert len(page.context["charts"]["trend"]["labels"]) == 52
    assert page.context["charts"]["trend"]["today"] == 51
    assert sum(page.context["charts"]["trend"]["series"]["revenue"]["now"]) == 1150


def test_changes_are_described_as_up_down_or_not_comparable():
    assert compare(0, 0) is compare(5, 0) is None
    assert compare(110, 100).words == "10 % more"
    assert (compare(50, 100).words, compare(50, 100).kind) == ("50 % less", "bad")
    assert compare(1001, 1000).words == "as before"
    assert compare_shares(None, 0.5) is None
    assert compare_shares(0.11, 0.14, less_is_good=True).kind == "good"
    assert compare_shares(0.53, 0.54).words == "1 point less"


def test_funnel_steps_count_losses_from_the_step_before():
    steps = funnel_steps(Funnel(begun=10, went_to_payment=8, paid=4, admitted=0, abandoned=3))
    assert [(step.count, step.lost) for step in steps] == [(10, 0), (8, 2), (4, 4)]
    assert steps[2].share == "50 % of those who went to payment"
    assert [step.share for step in funnel_steps(Funnel())] == ["every first lock", "", ""]
    assert len(funnel_steps(Funnel(2, 2, 2, 1))) == 4


def test_the_heat_level_is_0_only_for_nothing():
    assert [heat_level(n, 10) for n in (0, 1, 2, 3, 9, 10)] == [0, 1, 1, 2, 5, 5]
    assert heat_level(0, 0) == 0


def test_weeks_add_up_to_their_days():
    one = Takings({"GBP": Sales(1, 2, 100, 0)})
    days = [
        DayRow(date(2026, 1, 1) + timedelta(i), date(2026, 1, 1) + timedelta(i), one, one, i == 99) for i in range(100)
    ]
    weeks = drawn_rows(days)
    assert sum((week.now for week in weeks), Takings()) == sum((day.now for day in days), Takings())
    assert weeks[-1].is_today and not weeks[0].is_today
