"""My bookings, one booking, its calendar entry: what each state says, and who may look."""

from datetime import timedelta

import icalendar
import pytest
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import give_back, make_movie, make_screen, make_showtime, make_user, new_visitor
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


def be(client, visitor):
    session = client.session
    session[SESSION_KEY] = str(visitor)
    session.save()
    return client


def lock(showtime, visitor, *labels):
    wish = labels or ["B4", "B5"]
    return lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=wish, at=timezone.now()).booking


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


def test_a_stranger_gets_404_for_a_booking_and_for_its_calendar(client, showtime, alice):
    booking = confirm(showtime, alice)
    be(client, new_visitor())
    for name in ("booking", "calendar"):
        assert client.get(reverse(f"booking:{name}", args=[booking.reference])).status_code == 404


def test_somebody_without_a_session_gets_404(client, showtime, alice):
    assert client.get(confirm(showtime, alice).get_absolute_url()).status_code == 404


def test_a_strangers_404_equals_that_of_a_booking_that_does_not_exist(client, showtime, alice):
    hers = client.get(confirm(showtime, alice).get_absolute_url())
    nobodys = client.get(reverse("booking:booking", args=["BBB-BBB-BBB"]))
    assert (hers.status_code, nobodys.status_code) == (404, 404)
    assert "B4" not in hers.content.decode()


def test_the_key_of_the_mail_opens_it_without_a_session_and_is_handed_on(client, showtime, alice):
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


def test_a_reference_is_read_in_small_letters_too(client, showtime, alice):
    booking = confirm(showtime, alice)
    be(client, alice)
    assert client.get(reverse("booking:booking", args=[booking.reference.lower()])).status_code == 200


def test_a_paid_booking_shows_a_ticket_per_seat_with_its_code_twice(client, showtime, alice):
    booking = confirm(showtime, alice)
    page = read(be(client, alice), booking)
    assert page.count('class="ticket"') == 2
    for ticket in booking.tickets.all():
        assert f"<code>{ticket_code(ticket)}</code>" in page
    assert page.count("<svg") >= 2 and "£23" in page and "alice@example.com" in page


def test_only_demo_money_is_called_demo(client, showtime, alice):
    assert "demo money" not in read(be(client, alice), confirm(showtime, alice))
    bob = new_visitor()
    assert "demo money" in read(be(client, bob), confirm(make_showtime(), bob, demo=True))


def test_a_lock_and_an_open_payment_lead_on_to_paying(client, showtime, alice):
    be(client, alice)
    for booking in (lock(showtime, alice), checkout(showtime, alice)):
        page = read(client, booking)
        assert "Held for you until" in page and "B4" in page
        assert reverse("payments:checkout", args=[showtime.pk]) in page


def test_a_lock_whose_time_has_passed_is_told_as_run_out_before_it_is_swept(client, showtime, alice):
    booking = lock(showtime, alice)
    Booking.objects.filter(pk=booking.pk).update(locked_until=timezone.now() - timedelta(seconds=1))
    page = read(be(client, alice), booking)
    assert "The hold ran out" in page and "Nothing was charged." in page


def test_a_payment_that_the_bank_is_thinking_about_says_so_and_looks_again(client, showtime, alice):
    booking = mark_processing(booking_id=checkout(showtime, alice).pk, at=timezone.now())
    page = read(be(client, alice), booking)
    assert "Waiting for your bank" in page and 'data-status="processing"' in page


def test_a_payment_being_ended_promises_neither_tickets_nor_their_absence(client, showtime, alice):
    booking = begin_release(booking_id=checkout(showtime, alice).pk, reason="cancelled", at=timezone.now())
    page = read(be(client, alice), booking)
    assert "The payment is being ended" in page and "Nothing was charged." not in page


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("cancelled", "You cancelled the payment"),
        ("declined", "The payment was declined"),
        ("lapsed", "The hold ran out"),
    ],
)
def test_a_booking_that_ended_unpaid_says_why_and_leads_back_to_the_map(client, showtime, alice, reason, words):
    booking = begin_release(booking_id=checkout(showtime, alice).pk, reason=reason, at=timezone.now())
    finish_release(booking_id=booking.pk, at=timezone.now())
    page = read(be(client, alice), booking)
    assert words in page and "Nothing was charged." in page and "B4, B5" in page
    assert showtime.get_absolute_url() in page


def test_seats_given_back_before_paying_are_told_as_given_back(client, showtime, alice):
    booking = lock(showtime, alice)
    release_lock(showtime_id=showtime.pk, visitor=alice, at=timezone.now())
    assert "The seats are given back" in read(be(client, alice), booking)


def test_a_refund_says_where_the_money_is_and_shows_no_ticket(client, showtime, alice):
    booking = give_back(confirm(showtime, alice).pk, timezone.now())
    page = read(be(client, alice), booking)
    assert "Your money is on its way back" in page and "£23" in page
    assert 'class="ticket"' not in page


def test_a_booking_page_is_kept_by_no_cache(client, showtime, alice):
    response = be(client, alice).get(confirm(showtime, alice).get_absolute_url())
    assert "no-store" in response["Cache-Control"] and "private" in response["Cache-Control"]


def test_the_calendar_file_is_one_event_in_utc_with_lines_a_calendar_can_read(client, alice):
    showtime = make_showtime(movie=make_movie("Comma, semicolon; and a very long title that needs folding, äöü twice"))
    booking = confirm(showtime, alice)
    response = be(client, alice).get(reverse("booking:calendar", args=[booking.reference]))
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


def test_there_is_no_calendar_entry_for_seats_that_are_not_paid(client, showtime, alice):
    booking = lock(showtime, alice)
    assert be(client, alice).get(reverse("booking:calendar", args=[booking.reference])).status_code == 404


def test_my_bookings_are_mine_only(client, showtime, alice):
    hers, his = confirm(showtime, alice), confirm(make_showtime(), new_visitor())
    page = be(client, alice).get(reverse("booking:bookings")).content.decode()
    assert hers.reference in page and his.reference not in page


def test_my_bookings_of_somebody_new_are_a_designed_nothing(client):
    page = client.get(reverse("booking:bookings")).content.decode()
    assert "No bookings yet" in page
    assert "sessionid" not in client.cookies


def test_my_bookings_ask_the_same_few_questions_however_many_there_are(client, alice, django_assert_max_num_queries):
    confirm(make_showtime(), alice)
    be(client, alice)
    with django_assert_max_num_queries(12) as few:
        client.get(reverse("booking:bookings"))
    for _ in range(4):
        confirm(make_showtime(), alice)
    with django_assert_max_num_queries(len(few)):
        page = client.get(reverse("booking:bookings")).content.decode()
    assert page.count("mine__booking") == 5


def test_of_many_past_bookings_the_newest_twenty_are_shown_and_the_rest_on_request(client, alice):
    screen = make_screen()
    for n in range(22):
        confirm(make_showtime(screen=screen, starts_in=timedelta(hours=2 + 3 * n)), alice)
    Booking.objects.update(status="refunded")
    be(client, alice)
    page = client.get(reverse("booking:bookings")).content.decode()
    assert page.count("mine__booking") == 20 and "Show all 22" in page
    newest = Booking.objects.order_by("-showtime__starts_at").values_list("reference", flat=True)
    assert [one for one in newest[:20] if one not in page] == []
    page = client.get(reverse("booking:bookings"), {"past": "all"}).content.decode()
    assert page.count("mine__booking") == 22 and "Show all" not in page
