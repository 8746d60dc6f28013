"""The timeline of a booking: its order, its completeness, escaping, and the mail with the tickets."""

import pytest
from django.utils import timezone

from bench.support.factories import new_visitor
from booking.models import OutboxMessage, SeatChange
from payments.models import LedgerEntry, MoneyAlert
from tests.payments.money import settle
from tests.payments.visits import SCRIPT, buy, cancel, timeline_of

pytestmark = pytest.mark.django_db


def test_the_timeline_shows_in_order_who_did_what(staff, booking):
    settle(cancel(booking, "B5"), "succeeded")
    page = timeline_of(staff, booking)
    expected = [
        "Chose B4, B5 and B6 · the buyer".replace(" · ", " "),
        "Began to pay £34.50",
        "Paid £34.50",
        "Booked B4, B5 and B6",
        "Asked for £11.50 to go back, for B5",
        "B5 is cancelled and free again",
        "Gave back £11.50",
    ]
    places = [page.find(line) for line in expected]
    assert -1 not in places and places == sorted(places), list(zip(expected, places, strict=True))
    assert "Paid £34.50 Given back £11.50 The house has £23" in page


def test_every_ledger_entry_and_every_seat_change_is_in_the_timeline(staff, booking):
    settle(cancel(booking, "B5"), "failed", "declined")
    page = staff.get(f"/staff/bookings/{booking.reference}/").content.decode()
    for entry in LedgerEntry.objects.filter(booking=booking).exclude(gateway_id=""):
        assert entry.gateway_id in page, entry.kind
    n_money = LedgerEntry.objects.filter(booking=booking).count()
    n_seats = SeatChange.objects.filter(booking=booking).values("version").distinct().count()
    n_alerts = MoneyAlert.objects.filter(booking=booking).count()
    assert page.count('class="timeline__moment"') == n_money + n_seats + n_alerts


def test_every_kind_of_ledger_entry_has_a_text(staff, booking):
    page = timeline_of(staff, booking)
    kinds = LedgerEntry.objects.values_list("kind", flat=True)
    assert kinds and not [kind for kind in kinds if kind in page]


def test_names_in_the_timeline_are_escaped(staff, showtime):
    booking = buy(showtime, new_visitor(), email='"<b>x</b>"@example.com')
    with_note = f"/staff/bookings/{booking.reference}/cancel/"
    staff.post(with_note, {"seats": ["B5"], "sure": "yes", "back": 1150, "reason": SCRIPT})
    page = staff.get(f"/staff/bookings/{booking.reference}/").content.decode()
    assert SCRIPT not in page and "<b>x</b>" not in page and "&lt;script&gt;" in page


def test_pending_sent_and_dead_mails_are_distinguished(staff, booking):
    assert "Still to happen Mail with the tickets to alice@example.com" in timeline_of(staff, booking)
    OutboxMessage.objects.update(state="dead", attempts=16, last_error="refused", done_at=None)
    page = timeline_of(staff, booking)
    assert "Given up after 16 tries" in page and "refused" in page and "Try again" in page
    OutboxMessage.objects.update(state="done", done_at=timezone.now())
    page = timeline_of(staff, booking)
    assert "Mail with the tickets sent to alice@example.com" in page and "Still to happen" not in page


def test_two_clicks_mail_the_tickets_again_once(staff, booking):
    path = f"/staff/bookings/{booking.reference}/mail/"
    for said in ("once more", "asked for already"):
        answer = staff.post(path, {"sent": "1"}, follow=True)
        assert said in answer.content.decode()
    assert OutboxMessage.objects.filter(kind="mail.confirmed").count() == 2
    OutboxMessage.objects.update(state="done", done_at=timezone.now())
    assert "sent to alice@example.com ines@example.com" in timeline_of(staff, booking)


def test_nothing_is_mailed_without_a_valid_ticket(staff, booking):
    cancel(booking)
    assert "Mail again" not in timeline_of(staff, booking)
    before = OutboxMessage.objects.filter(kind="mail.confirmed").count()
    staff.post(f"/staff/bookings/{booking.reference}/mail/", {"sent": "1"})
    assert OutboxMessage.objects.filter(kind="mail.confirmed").count() == before


def test_an_unknown_booking_is_404(staff):
    assert staff.get("/staff/bookings/BBB-BBB-BBB/").status_code == 404
