"""Mails over SMTP: retried when the server is down or its answer was lost, a dead letter when refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import OutboxMessage
from booking.outbox.worker import run_due
from tests.booking.mail.smtp_stand_in import mail_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings):
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        yield server


@pytest.fixture
def booking():
    from booking.bookings import begin_checkout, confirm_booking
    from booking.locks import lock_seats

    now, showtime, alice = timezone.now(), make_showtime(), new_visitor()
    lock_seats(showtime_id=showtime.pk, visitor=alice, labels=["A1"], at=now)
    booking = begin_checkout(
        showtime_id=showtime.pk,
        visitor=alice,
        email="alice@example.com",
        payable_until=now + timedelta(hours=1),
        at=now,
    )
    confirm_booking(booking_id=booking.pk, demo=False, at=now)
    return booking


def run_after(**time):
    run_due(at=timezone.now() + timedelta(**time))
    return OutboxMessage.objects.get()


def test_a_confirmation_goes_out_with_its_calendar_file(server, booking):
    assert run_after(seconds=1).state == "done"
    [mail] = server.mails
    assert (mail["To"], mail["X-Booking"]) == ("alice@example.com", booking.reference)
    assert [part.get_content_type() for part in mail.iter_attachments()] == ["text/calendar"]


def test_a_mail_is_sent_later_when_the_server_is_down(server, booking, settings):
    settings.EMAIL_PORT = 1
    assert run_after(seconds=1).state == "pending" and server.mails == []
    settings.EMAIL_PORT = server.port
    assert run_after(seconds=10).state == "done" and len(server.mails) == 1


def test_a_mail_whose_answer_was_lost_is_sent_again_with_the_same_message_id(server, booking):
    server.drops = 1
    assert run_after(seconds=1).state == "pending"
    assert run_after(seconds=10).state == "done"
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"] and first["Message-ID"]


def test_an_unknown_address_is_a_dead_letter_at_once_and_a_full_mailbox_is_retried(server, booking):
    server.answer = "452 mailbox full"
    assert run_after(seconds=1).state == "pending"
    server.answer = "550 no such user"
    message = run_after(seconds=10)
    assert message.state == "dead" and "alice@example.com was refused: no such user" in message.last_error
