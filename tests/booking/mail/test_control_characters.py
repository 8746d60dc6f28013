"""Rows of earlier releases may have control characters: mails and calendar files are right all the same."""

import email
import re
from datetime import timedelta
from email import policy

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from icalendar import Calendar

from bench.support.factories import make_showtime, new_visitor
from booking import bookings
from booking.locks import lock_seats
from booking.mail import messages
from booking.mail.calendar import write_calendar
from cinema.models import Cinema, Movie, Screen

pytestmark = pytest.mark.django_db
TITLE = "Night\r\nTrain\x07 \u2066end\u2069 \u202e"


@pytest.fixture
def booking():
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    Movie.objects.filter(pk=showtime.movie_id).update(title=TITLE)
    Screen.objects.filter(pk=showtime.screen_id).update(name="Screen\r1")
    Cinema.objects.filter(pk=showtime.screen.cinema_id).update(
        name="Odeon\x85", address="1 High Street\r\nHyde Park\rLeeds", city="Le\x01eds"
    )
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=now)
    with transaction.atomic():
        found = bookings.begin_checkout(
            showtime_id=showtime.pk,
            visitor=alice,
            email="alice@example.com",
            payable_until=now + timedelta(minutes=41),
            at=now,
        )
    bookings.confirm_booking(booking_id=found.pk, demo=False, at=now)
    return type(found).objects.select_related("showtime__movie", "showtime__screen__cinema").get(pk=found.pk)


def test_the_calendar_file_is_valid_and_reads_back(booking):
    content = write_calendar(booking, "https://tickets.example.com/")
    assert content.endswith("\r\n") and not re.search("\r(?!\n)|(?<!\r)\n", content)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", content)
    assert all(len(line.encode()) <= 75 for line in content.split("\r\n"))
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert event["SUMMARY"] == "Night Train end"
    assert event["LOCATION"] == "Screen 1, Odeon, 1 High Street, Hyde Park, Leeds, Le eds"
    assert event["DESCRIPTION"] == f"Seats A1. Booking {booking.reference}. https://tickets.example.com/"


def test_a_mail_has_one_subject_line_and_no_bare_line_ends(booking):
    messages.send_confirmed({"booking": booking.pk})
    message = mail.outbox[-1]
    assert message.subject == f"Your tickets for Night Train end ({booking.reference})"
    parsed = email.message_from_bytes(message.message().as_bytes(), policy=policy.default)
    for part in parsed.walk():
        if part.get_content_maintype() == "text" and part.get_content_subtype() != "calendar":
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\u2066]", part.get_content())
