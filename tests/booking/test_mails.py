"""Mails say what happened, once, and open without a session."""

import email
import re
from datetime import timedelta
from email import policy

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone

from booking import bookings, mails
from booking.locks import lock_seats
from booking.mail_files import EmlFileBackend
from booking.tickets import booking_key, check_key, read_code, ticket_code
from tests.factories import make_showtime, new_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking():
    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1", "D2"], at=now)
    with transaction.atomic():
        return bookings.begin_checkout(
            showtime_id=showtime.pk,
            visitor=alice,
            email="alice@example.com",
            payable_until=now + timedelta(minutes=41),
            at=now,
            origin="https://tickets.example.com",
        )


def confirm(booking, demo=False):
    bookings.confirm_booking(booking_id=booking.pk, demo=demo, at=timezone.now())
    mails.send_confirmed({"booking": booking.pk})
    return mail.outbox[-1]


def test_the_confirmation_carries_seats_money_codes_link_and_calendar(booking):
    message = confirm(booking)
    assert message.to == ["alice@example.com"]
    assert message.extra_headers["X-Booking"] == booking.reference
    html = message.alternatives[0][0]
    for text in (message.body, html):
        assert "A1" in text and "D2" in text and "£26" in text and booking.reference in text
        assert "DEMO" not in text
        assert f"https://tickets.example.com/bookings/{booking.reference}/?key=" in text
        for ticket in booking.tickets.all():
            assert ticket_code(ticket) in text
    name, content, kind = message.attachments[0]
    assert (name, kind) == (f"{booking.reference}.ics", "text/calendar")
    assert content.startswith("BEGIN:VCALENDAR\r\n") and "SUMMARY:" in content


def test_a_mail_sent_again_is_the_same_mail(booking):
    first = confirm(booking)
    mails.send_confirmed({"booking": booking.pk})
    assert first.extra_headers["Message-ID"] == mail.outbox[-1].extra_headers["Message-ID"]


def test_demo_money_is_said_in_subject_and_text(booking):
    message = confirm(booking, demo=True)
    assert message.subject.startswith("[DEMO]")
    assert "no money moved" in message.body


def test_the_link_in_the_mail_opens_the_tickets_without_a_session(booking):
    message = confirm(booking)
    path = re.search(r"https://tickets\.example\.com(/\S+)", message.body).group(1)
    assert Client().get(path).status_code == 200
    assert Client().get(path[:-1]).status_code == 404
    assert not check_key(booking, booking_key(booking)[:-1] + "x")


@pytest.mark.parametrize(("reason", "words"), [("late", "run out"), ("mismatch", "not the amount")])
def test_a_refund_of_money_that_bought_nothing_says_why(booking, reason, words):
    mails.send_late_refund({"booking": booking.pk, "reason": reason})
    message = mail.outbox[-1]
    assert words in message.body and words in message.alternatives[0][0]
    assert "you pay nothing" in message.body.lower()


def test_a_ticket_code_says_its_ticket_however_it_is_typed(booking):
    confirm(booking)
    for ticket in booking.tickets.all():
        code = ticket_code(ticket)
        for typed in (code, f" {code.lower()}\n", code.replace("-", ""), code.replace("-", " ")):
            assert read_code(typed) == ticket.pk


def test_nobody_else_makes_a_ticket_code(booking):
    confirm(booking)
    first, second = booking.tickets.all()
    code = ticket_code(first)
    last = "B" if code[-1] != "B" else "C"
    swapped = code.replace(f"T{first.pk}-", f"T{second.pk}-")
    for forged in (code[:-1] + last, code[:-1], code + "B", swapped, f"T{first.pk}", "", "T" * 5000, "T٣-BBBB"):
        with pytest.raises(ValueError, match="not one of our tickets"):
            read_code(forged)


def test_without_a_mail_server_each_mail_is_one_whole_file(booking, settings, tmp_path):
    message = confirm(booking)
    settings.DATA_DIR = tmp_path
    assert EmlFileBackend().send_messages([message]) == 1
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name.endswith(f"-{booking.reference}.eml")
    parsed = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert parsed["X-Booking"] == booking.reference
