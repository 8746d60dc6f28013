"""The mails: their texts, their Message-IDs, and their links that open without a session."""

import email
import errno
import re
from datetime import datetime, timedelta
from email import policy

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import bookings
from booking.locks import lock_seats
from booking.mail import messages
from booking.mail.files import EmlFileBackend
from booking.models import new_ticket_secret
from booking.outbox import messages as outbox
from booking.tickets.codes import booking_key, check_key, ticket_code

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
    messages.send_confirmed({"booking": booking.pk})
    return mail.outbox[-1]


def test_the_confirmation_has_seats_prices_codes_link_and_calendar_file(booking):
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


def test_a_mail_sent_twice_has_the_same_message_id(booking):
    first = confirm(booking)
    messages.send_confirmed({"booking": booking.pk})
    assert first.extra_headers["Message-ID"] == mail.outbox[-1].extra_headers["Message-ID"]


def test_a_copy_that_staff_send_has_another_message_id(booking):
    first = confirm(booking)
    messages.send_confirmed({"booking": booking.pk, "copy": 1})
    second = mail.outbox[-1]
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"] and first.body == second.body


def test_demo_money_is_named_in_subject_and_text(booking):
    message = confirm(booking, demo=True)
    assert message.subject.startswith("[DEMO]")
    assert "no money moved" in message.body


def test_the_link_in_the_mail_opens_the_tickets_without_a_session(booking):
    message = confirm(booking)
    path = re.search(r"https://tickets\.example\.com(/\S+)", message.body).group(1)
    assert Client().get(path).status_code == 200
    assert Client().get(path[:-1]).status_code == 404
    assert not check_key(booking, booking_key(booking)[:-1] + "x")


@pytest.mark.parametrize(
    ("reason", "words"),
    [("late", "run out"), ("mismatch", "not the amount"), ("showtime", "had cancelled the showtime")],
)
def test_a_refund_without_tickets_says_why(booking, reason, words):
    messages.send_late_refund({"booking": booking.pk, "reason": reason})
    message = mail.outbox[-1]
    assert words in message.body and words in message.alternatives[0][0]
    assert "you pay nothing" in message.body.lower()


def cancel_tickets(booking, *labels):
    """Mark these tickets as cancelled, and return their primary keys."""
    tickets = booking.tickets.filter(label__in=labels)
    keys = list(tickets.values_list("pk", flat=True))
    tickets.update(status="cancelled", cancelled_at=timezone.now())
    return keys


def both_texts(message):
    return [message.body, message.alternatives[0][0]]


def send(kind, booking, **payload):
    outbox.handlers[kind]({"booking": booking.pk, **payload})
    return mail.outbox[-1]


def test_a_cancellation_of_one_seat_says_refund_fee_and_remaining_tickets(booking):
    confirm(booking)
    message = send("mail.cancelled", booking, tickets=cancel_tickets(booking, "A1"), refund=920)
    film = booking.showtime.movie.title
    assert message.subject == f"Cancelled: A1, {film} ({booking.reference})"
    assert message.extra_headers["X-Booking"] == booking.reference
    for text in both_texts(message):
        assert "The ticket for A1 is" in text and film in text
        assert "£11.50" in text and "£9.20" in text and "£2.30" in text, "price, refund, fee"
        assert "Your ticket for D2 stays" in text and f"/bookings/{booking.reference}/?key=" in text


def test_a_cancellation_of_all_seats_says_so_and_names_no_remaining_ticket(booking):
    confirm(booking)
    keys = cancel_tickets(booking, "A1", "D2")
    message = send("mail.cancelled", booking, tickets=keys, refund=2600)
    assert message.subject.startswith("Cancelled: your booking,")
    for text in both_texts(message):
        assert "A1 and D2 are" in text and "£26" in text
        assert "stay" not in text and "keeps" not in text


def test_a_cancellation_without_refund_says_why(booking):
    confirm(booking)
    keys = cancel_tickets(booking, "A1")
    message = send("mail.cancelled", booking, tickets=keys, refund=0)
    for text in both_texts(message):
        assert "nothing of the price comes back" in text and "You get back" not in text


def test_two_cancellations_have_two_message_ids_and_a_repetition_has_the_same(booking):
    confirm(booking)
    one = {"tickets": cancel_tickets(booking, "A1"), "refund": 1150}
    two = {"tickets": cancel_tickets(booking, "D2"), "refund": 1450}
    names = [send("mail.cancelled", booking, **payload).extra_headers["Message-ID"] for payload in (one, two, one)]
    assert names[0] == names[2] != names[1]
    assert all(re.fullmatch(r"<[a-z0-9A-Z._-]+@[^>]+>", name) for name in names)


@pytest.mark.parametrize(("reason", "words"), [(reason, words) for reason, words in messages.WHY.items() if words])
def test_the_mail_of_a_refund_says_how_much_and_why(booking, reason, words):
    confirm(booking)
    cancel_tickets(booking, "A1")
    message = send("mail.refunded", booking, refund=1150, reason=reason, key="refund:1")
    assert message.subject == f"£11.50 is back, {booking.showtime.movie.title} ({booking.reference})"
    for text in both_texts(message):
        assert f"because {words}" in text and "£11.50" in text and "Your ticket for D2 stays valid" in text


def test_a_refund_made_at_the_gateway_has_no_reason(booking):
    confirm(booking)
    message = send("mail.refunded", booking, refund=1150, reason="outside", key="refund:1")
    assert "because" not in message.body and "None" not in message.body


def test_every_reason_of_a_refund_has_a_text():
    from payments.models import Refund

    assert set(messages.WHY) == set(Refund.Reason.values)


def test_the_mail_of_a_cancelled_showtime_links_to_other_showtimes(booking):
    confirm(booking)
    keys = cancel_tickets(booking, "A1", "D2")
    message = send("mail.showtime_cancelled", booking, tickets=keys, refund=2600)
    film = booking.showtime.movie
    assert message.subject == f"{film.title} will not be shown ({booking.reference})"
    for text in both_texts(message):
        assert "Please do not come: your tickets for A1 and D2 are" in text
        assert "£26, all that you paid for them" in text
        assert f"https://tickets.example.com/movies/{film.slug}/" in text


@pytest.mark.parametrize(
    ("problem", "words", "links_to_showtime"),
    [
        ("declined", "nothing was charged. The seats A1 and D2 are free again", True),
        ("mismatch", "not the amount we had asked for", True),
        ("refund_failed", "did not take back £26", False),
    ],
)
def test_the_mail_of_a_payment_problem_says_what_to_do(booking, problem, words, links_to_showtime):
    message = send("mail.payment_problem", booking, problem=problem, refund=2600, key="payment:1")
    assert booking.reference in message.subject and booking.showtime.movie.title in message.subject
    for text in both_texts(message):
        plain = " ".join(re.sub(r"<[^>]*>", " ", text).split())
        assert words in plain
        assert (f"https://tickets.example.com/showtimes/{booking.showtime_id}/" in text) == links_to_showtime
        assert ("answer this mail" in text) != links_to_showtime


def test_demo_money_is_named_also_without_a_confirmed_booking(booking, settings):
    settings.DEMO_PAYMENTS = True
    assert send("mail.payment_problem", booking, problem="declined", key="payment:1").subject.startswith("[DEMO] ")
    settings.DEMO_PAYMENTS = False
    message = send("mail.payment_problem", booking, problem="declined", key="payment:1")
    assert "DEMO" not in message.subject + message.body + message.alternatives[0][0]


def test_a_title_is_escaped_in_every_mail(booking):
    movie = booking.showtime.movie
    movie.title = "Fast & <b>Furious</b>\nBcc: bob@example.com"
    movie.save()
    confirm(booking)
    keys = cancel_tickets(booking, "A1")
    event = {"tickets": keys, "refund": 100, "reason": "buyer", "problem": "declined", "key": "k"}
    for kind in ("cancelled", "showtime_cancelled", "refunded", "payment_problem", "late_refund"):
        message = send(f"mail.{kind}", booking, **event)
        assert "Fast & <b>Furious</b>" in message.body and "Fast &amp; &lt;b&gt;" in message.alternatives[0][0]
        assert "bob@example.com" not in str(message.message()["Bcc"])


def test_tickets_cancelled_before_their_mail_are_not_sent(booking):
    bookings.confirm_booking(booking_id=booking.pk, demo=False, at=timezone.now())
    cancel_tickets(booking, "A1", "D2")
    messages.send_confirmed({"booking": booking.pk})
    assert mail.outbox == []


def test_two_mails_at_the_same_instant_are_two_files(booking, settings, tmp_path, monkeypatch):
    class StoppedClock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 23, tzinfo=tz)

    monkeypatch.setattr("booking.mail.files.datetime", StoppedClock)
    settings.DATA_DIR = tmp_path
    EmlFileBackend().send_messages([confirm(booking)] * 2)
    assert len(list((tmp_path / "mail").iterdir())) == 2


def test_without_a_mail_server_each_mail_is_one_complete_file(booking, settings, tmp_path):
    message = confirm(booking)
    settings.DATA_DIR = tmp_path
    assert EmlFileBackend().send_messages([message]) == 1
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name.endswith(f"-{booking.reference}.eml")
    parsed = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert parsed["X-Booking"] == booking.reference


def test_a_mail_file_is_whole_or_not_there_and_its_owners_only(booking, settings, tmp_path, monkeypatch):
    message = confirm(booking)
    settings.DATA_DIR = tmp_path

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cinema.files.os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        EmlFileBackend().send_messages([message])
    assert list((tmp_path / "mail").iterdir()) == []
    monkeypatch.undo()
    settings.DATA_DIR = tmp_path
    EmlFileBackend().send_messages([message])
    [file] = (tmp_path / "mail").iterdir()
    assert [path.stat().st_mode & 0o777 for path in (file, file.parent)] == [0o600, 0o700]


def test_the_confirmation_of_other_tickets_has_another_message_id(booking):
    """After a restored backup a booking is confirmed anew: its codes are others, and mail programs must show them."""
    first = confirm(booking)
    for ticket in booking.tickets.all():
        ticket.secret = new_ticket_secret()
        ticket.save()
    messages.send_confirmed({"booking": booking.pk})
    assert first.extra_headers["Message-ID"] != mail.outbox[-1].extra_headers["Message-ID"]
