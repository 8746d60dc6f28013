"""Staff cancel a whole showtime."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.support.factories import make_showtime, make_user, new_visitor
from booking.models import OutboxMessage
from cinema.models import Showtime
from tests.payments.visits import buy, cancel, read

pytestmark = pytest.mark.django_db


def test_the_page_shows_how_many_bookings_and_how_much_money(staff, booking, showtime):
    cancel(booking, "B5")
    buy(showtime, new_visitor(), labels=["A1"])
    page = read(staff, f"/staff/showtimes/{showtime.pk}/cancel/")
    assert "2 bookings, 3 tickets void" in page and "£34.50 goes back, all of it" in page


def test_a_showtime_is_cancelled_only_with_the_tick_and_the_count_shown(staff, booking, showtime):
    path = f"/staff/showtimes/{showtime.pk}/cancel/"
    assert staff.post(path, {"bookings": "1"}).status_code == 409
    assert staff.post(path, {"bookings": "7", "sure": "yes"}).status_code == 409
    showtime.refresh_from_db()
    assert showtime.cancelled_at is None
    assert staff.post(path, {"bookings": "1", "sure": "yes"}).status_code == 303
    showtime.refresh_from_db()
    assert showtime.cancelled_at is not None
    assert OutboxMessage.objects.filter(kind="payments.cancel_booking").count() == 1
    page = read(staff, path)
    assert "This showtime is cancelled" in page and "still to be asked back" in page


def test_a_showtime_that_is_over_is_not_cancelled(staff, booking, showtime):
    past = timezone.now() - timedelta(hours=4)
    Showtime.objects.filter(pk=showtime.pk).update(starts_at=past, ends_at=past + timedelta(hours=2))
    path = f"/staff/showtimes/{showtime.pk}/cancel/"
    assert "This showtime is over." in read(staff, path)
    staff.post(path, {"bookings": "1", "sure": "yes"})
    showtime.refresh_from_db()
    assert showtime.cancelled_at is None


def test_the_admin_action_leads_to_that_page_for_one_showtime(client, showtime):
    user = make_user("boss@example.com", staff=True)
    type(user).objects.filter(pk=user.pk).update(is_superuser=True)
    client.force_login(type(user).objects.get(pk=user.pk))
    answer = client.post(
        "/admin/cinema/showtime/", {"action": "call_off", "_selected_action": [str(showtime.pk)], "index": "0"}
    )
    assert answer["Location"] == f"/staff/showtimes/{showtime.pk}/cancel/"
    other = make_showtime()
    both = {"action": "call_off", "_selected_action": [str(showtime.pk), str(other.pk)], "index": "0"}
    assert "Choose one showing" in client.post("/admin/cinema/showtime/", both, follow=True).content.decode()
