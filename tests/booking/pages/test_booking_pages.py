"""The pages of bookings and the calendar file: what each state shows, and who may see it."""

from datetime import timedelta

import icalendar
import pytest
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import cancel_all_tickets, make_movie, make_screen, make_showtime, make_user, new_visitor
from booking.bookings import (
    begin_checkout,
    begin_release,
    confirm_booking,
    finish_release,
    mark_processing,
)
from booking.locks import lock_seats, release_lock
from booking.models import Booking
from booking.tickets.codes import booking_key, ticket_code
from booking.visitors import SESSION_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return new_visitor()


@pytest.fixture
def showtime():
    return make_showtime(movie=make_movie("The Long Night"))


def act_as(client, visitor):
    session = client.session
    session[SESSION_KEY] = str(visitor)
    session.save()
    return client


def lock(showtime, visitor, *labels):
    labels = labels or ["B4", "B5"]
    return lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=timezone.now()).booking


def checkout(showtime, visitor):
    lock(showtime, visitor)
    at = timezone.now()
    payable = at + timedelta(minutes=40)
    return begin_checkout(
        showtime_id=showtime.pk, visitor=visitor, email="alice@example.com", payable_until=payable, at=at
    )


def confirm(showtime, visitor, demo=False):
    booking = checkout(showtime, visitor)
    confirm_booking(booking_id=booking.pk, demo=demo, at=timezone.now())
    return Booking.objects.get(pk=booking.pk)


def read(client, booking, **query):
    response = client.get(booking.get_absolute_url(), query)
    assert response.status_code == 200
    return response.content.decode()


def test_another_visitor_gets_404_for_a_booking_and_its_calendar_file(client, showtime, alice):
    booking = confirm(showtime, alice)
    act_as(client, new_visitor())
    for name in ("booking", "calendar"):
        assert client.get(reverse(f"booking:{name}", args=[booking.reference])).status_code == 404


def test_a_request_without_a_session_gets_404(client, showtime, alice):
    assert client.get(confirm(showtime, alice).get_absolute_url()).status_code == 404


def test_the_404_of_another_visitor_equals_that_of_an_unknown_booking(client, showtime, alice):
    booking = confirm(showtime, alice)
    hers = client.get(booking.get_absolute_url())
    unknown = client.get(reverse("booking:booking", args=["BBB-BBB-BBB"]))
    assert (hers.status_code, unknown.status_code) == (404, 404)
    assert hers.content.decode().replace(booking.reference, "BBB-BBB-BBB") == unknown.content.decode()


def test_the_key_opens_a_booking_without_a_session_and_is_in_its_links(client, showtime, alice):
    booking = confirm(showtime, alice)
    key = booking_key(booking)
    page = read(client, booking, key=key)
    assert f"calendar.ics?key={key}" in page
    assert client.get(reverse("booking:calendar", args=[booking.reference]), {"key": key}).status_code == 200


def test_another_bookings_key_opens_nothing(client, showtime, alice):
    hers, his = confirm(showtime, alice), confirm(make_showtime(), new_visitor())
    for key in (booking_key(his), "", "x", booking_key(hers)[:-1]):
        assert client.get(hers.get_absolute_url(), {"key": key}).status_code == 404


def test_staff_opens_any_booking(client, showtime, alice):
    booking = confirm(showtime, alice)
    client.force_login(make_user(staff=True))
    assert "B4" in read(client, booking)


def test_a_reference_in_lower_case_is_found(client, showtime, alice):
    booking = confirm(showtime, alice)
    act_as(client, alice)
    assert client.get(reverse("booking:booking", args=[booking.reference.lower()])).status_code == 200


def test_a_paid_booking_shows_a_ticket_per_seat_with_its_code_twice(client, showtime, alice):
    booking = confirm(showtime, alice)
    page = read(act_as(client, alice), booking)
    assert page.count('class="ticket"') == 2
    for ticket in booking.tickets.all():
        assert f"<code>{ticket_code(ticket)}</code>" in page
    assert page.count("<svg") >= 2 and "£23" in page and "alice@example.com" in page


def test_only_demo_bookings_are_marked_as_demo(client, showtime, alice):
    assert "demo money" not in read(act_as(client, alice), confirm(showtime, alice))
    bob = new_visitor()
    assert "demo money" in read(act_as(client, bob), confirm(make_showtime(), bob, demo=True))


def test_a_lock_and_an_open_payment_link_to_the_checkout(client, showtime, alice):
    act_as(client, alice)
    for booking in (lock(showtime, alice), checkout(showtime, alice)):
        page = read(client, booking)
        assert "Held for you until" in page and "B4" in page
        assert reverse("payments:checkout", args=[showtime.pk]) in page


def test_a_lapsed_lock_is_shown_as_expired_before_the_loop_releases_it(client, showtime, alice):
    booking = lock(showtime, alice)
    Booking.objects.filter(pk=booking.pk).update(locked_until=timezone.now() - timedelta(seconds=1))
    page = read(act_as(client, alice), booking)
    assert "The hold ran out" in page and "Nothing was charged." in page


def test_a_payment_that_waits_for_the_bank_says_so_and_polls(client, showtime, alice):
    booking = mark_processing(booking_id=checkout(showtime, alice).pk, at=timezone.now())
    page = read(act_as(client, alice), booking)
    assert "Waiting for your bank" in page and 'data-status="processing"' in page


def test_a_payment_being_ended_is_shown_neither_as_paid_nor_as_unpaid(client, showtime, alice):
    booking = begin_release(booking_id=checkout(showtime, alice).pk, reason="cancelled", at=timezone.now())
    page = read(act_as(client, alice), booking)
    assert "The payment is being ended" in page and "Nothing was charged." not in page


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("cancelled", "You cancelled the payment"),
        ("declined", "The payment was declined"),
        ("lapsed", "The hold ran out"),
    ],
)
def test_a_booking_that_ended_unpaid_says_why_and_links_to_the_map(client, showtime, alice, reason, words):
    booking = begin_release(booking_id=checkout(showtime, alice).pk, reason=reason, at=timezone.now())
    finish_release(booking_id=booking.pk, at=timezone.now())
    page = read(act_as(client, alice), booking)
    assert words in page and "Nothing was charged." in page and "B4, B5" in page
    assert showtime.get_absolute_url() in page


def test_seats_released_before_paying_are_shown_as_released(client, showtime, alice):
    booking = lock(showtime, alice)
    release_lock(showtime_id=showtime.pk, visitor=alice, at=timezone.now())
    assert "The seats are given back" in read(act_as(client, alice), booking)


def test_a_refund_says_its_state_and_shows_no_ticket(client, showtime, alice):
    booking = cancel_all_tickets(confirm(showtime, alice).pk, timezone.now())
    page = read(act_as(client, alice), booking)
    assert "Your money is on its way back" in page and "£23" in page
    assert 'class="ticket"' not in page


def test_no_cache_stores_a_booking_page(client, showtime, alice):
    response = act_as(client, alice).get(confirm(showtime, alice).get_absolute_url())
    assert "no-store" in response["Cache-Control"] and "private" in response["Cache-Control"]


def test_the_calendar_file_is_one_event_in_utc_with_escaped_and_folded_lines(client, alice):
    showtime = make_showtime(movie=make_movie("Comma, semicolon; and a very long title that needs folding, äöü twice"))
    booking = confirm(showtime, alice)
    response = act_as(client, alice).get(reverse("booking:calendar", args=[booking.reference]))
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert f'filename="{booking.reference}.ics"' in response["Content-Disposition"]
    rows = response.content.split(b"\r\n")
    assert rows[0] == b"BEGIN:VCALENDAR" and rows[-2:] == [b"END:VCALENDAR", b""]
    assert all(len(row) <= 75 for row in rows) and b"\n" not in b"".join(rows)
    text = response.content.replace(b"\r\n ", b"").decode()
    assert f"DTSTART:{showtime.starts_at:%Y%m%dT%H%M%SZ}" in text
    assert "SUMMARY:Comma\\, semicolon\\; and a very long title that needs folding\\, äöü twice" in text
    assert "B4\\, B5" in text and text.count("BEGIN:VEVENT") == 1


def test_the_calendar_file_is_read_back_with_every_value(client, alice):
    title = 'Comma, semicolon; back\\slash, "quote" and äöü in a title that is longer than one line of the file'
    showtime = make_showtime(movie=make_movie(title))
    screen, cinema = showtime.screen, showtime.screen.cinema
    cinema.address, cinema.city = "1 Quay; rear, left", "Harbour"
    cinema.save()
    booking = confirm(showtime, alice)
    key = booking_key(booking)
    response = client.get(reverse("booking:calendar", args=[booking.reference]), {"key": key})
    calendar = icalendar.Calendar.from_ical(response.content)
    [event] = calendar.events
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert event["UID"] == f"{booking.reference}@bookmyseat"
    assert event.decoded("DTSTAMP") == booking.confirmed_at.replace(microsecond=0)
    assert event.decoded("DTSTART") == showtime.starts_at.replace(microsecond=0)
    assert event.decoded("DTEND") == showtime.ends_at.replace(microsecond=0)
    assert event["SUMMARY"] == title
    assert event["LOCATION"] == f"{screen.name}, {cinema.name}, 1 Quay; rear, left, Harbour"
    url = f"http://testserver{booking.get_absolute_url()}?key={key}"
    assert event["URL"] == url
    assert event["DESCRIPTION"] == f"Seats B4, B5. Booking {booking.reference}. {url}"
    assert not calendar.errors and not event.errors


def test_an_unpaid_booking_has_no_calendar_file(client, showtime, alice):
    booking = lock(showtime, alice)
    assert act_as(client, alice).get(reverse("booking:calendar", args=[booking.reference])).status_code == 404


def test_my_bookings_are_only_those_of_this_visitor(client, showtime, alice):
    hers, his = confirm(showtime, alice), confirm(make_showtime(), new_visitor())
    page = act_as(client, alice).get(reverse("booking:bookings")).content.decode()
    assert hers.reference in page and his.reference not in page


def test_a_new_visitor_has_an_empty_page_and_no_session(client):
    page = client.get(reverse("booking:bookings")).content.decode()
    assert "No bookings yet" in page
    assert "sessionid" not in client.cookies


def test_my_bookings_take_the_same_number_of_queries_for_any_number(client, alice, django_assert_max_num_queries):
    confirm(make_showtime(), alice)
    act_as(client, alice)
    with django_assert_max_num_queries(12) as few:
        client.get(reverse("booking:bookings"))
    for _ in range(4):
        confirm(make_showtime(), alice)
    with django_assert_max_num_queries(len(few)):
        page = client.get(reverse("booking:bookings")).content.decode()
    assert page.count("mine__booking") == 5


def test_the_newest_twenty_past_bookings_are_shown_and_the_others_on_request(client, alice):
    screen = make_screen()
    for n in range(22):
        confirm(make_showtime(screen=screen, starts_in=timedelta(hours=2 + 3 * n)), alice)
    Booking.objects.update(status="refunded")
    act_as(client, alice)
    page = client.get(reverse("booking:bookings")).content.decode()
    assert page.count("mine__booking") == 20 and "Show all 22" in page
    newest = Booking.objects.order_by("-showtime__starts_at").values_list("reference", flat=True)
    assert [one for one in newest[:20] if one not in page] == []
    page = client.get(reverse("booking:bookings"), {"past": "all"}).content.decode()
    assert page.count("mine__booking") == 22 and "Show all" not in page
