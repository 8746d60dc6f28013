"""The admin of sales: opening them by the use case, and bookings, read-only."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_movie, make_screen, make_showtime, new_visitor
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from cinema.models import Showtime

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:cinema_showtime_changelist", "admin:cinema_showtime_add"


@pytest.fixture
def manager(client):
    client.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    return client


def unopened(**fields):
    at = fields.pop("at", timezone.now() + timedelta(days=1))
    screen = make_screen()
    return Showtime.objects.create(
        movie=make_movie(), screen=screen, plan=screen.plan, starts_at=at, ends_at=at + timedelta(hours=2),
        currency="GBP", **{"prices": {"standard": 900, "premium": 1200}} | fields,
    )  # fmt: skip


def open_all(manager):
    form = {"action": "open_sales", "_selected_action": list(Showtime.objects.values_list("pk", flat=True))}
    return manager.post(reverse(LIST) + "?when=all", form, follow=True).content.decode()


def test_opening_sales_creates_the_seats_once(manager):
    showtime = unopened()
    assert "not opened" in manager.get(reverse(LIST)).content.decode()
    assert "Sales are open for 1 showing." in open_all(manager)
    before = list(ShowtimeSeat.objects.order_by("pk").values())
    assert len(before) == 40
    open_all(manager)
    assert list(ShowtimeSeat.objects.order_by("pk").values()) == before
    showtime.refresh_from_db()
    assert showtime.n_available == 40


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cancelled_at": timezone.now()}, "is cancelled."),
        ({"at": timezone.now() - timedelta(days=1)}, "is over."),
        ({"prices": {}}, "has no prices yet."),
    ],
)
def test_a_showtime_that_cannot_be_sold_is_not_opened_and_the_reason_is_shown(manager, fields, reason):
    unopened(**fields)
    assert reason in open_all(manager)
    assert not ShowtimeSeat.objects.exists()


def test_a_new_showtime_goes_on_sale_with_its_own_button(manager):
    form = {"movie": make_movie().pk, "screen": make_screen().pk, "starts_at_0": "2030-05-01", "starts_at_1": "19:30",
            "price_standard": "9", "price_premium": "12"}  # fmt: skip
    assert 'name="_open_sales"' in manager.get(reverse(ADD)).content.decode()
    said = manager.post(reverse(ADD), form, follow=True).content.decode()
    assert "It is not on sale yet." in said
    assert not ShowtimeSeat.objects.exists()
    form |= {"starts_at_1": "22:30", "_open_sales": "1"}
    assert "Sales are open for" in manager.post(reverse(ADD), form, follow=True).content.decode()
    showtime = Showtime.objects.latest("starts_at")
    assert showtime.n_available == 40
    change = reverse("admin:cinema_showtime_change", args=[showtime.pk])
    assert 'name="_open_sales"' not in manager.get(change).content.decode()


def test_the_list_shows_the_state_of_each_showtime(manager):
    full = make_showtime()
    Showtime.objects.filter(pk=full.pk).update(n_available=0, n_booked=40, revenue=123450)
    make_showtime(sales_open_at=timezone.now() + timedelta(hours=1))
    make_showtime(cancelled_at=timezone.now())
    page = manager.get(reverse(LIST)).content.decode()
    for state in ("sold-out", "upcoming", "cancelled"):
        assert page.count(f'data-state="{state}"') == 1
    assert "£1,234.50" in page and "100%" in page


def test_bookings_are_found_by_reference_and_mail_address_and_are_read_only(manager):
    showtime = make_showtime()
    booking = lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1"], at=timezone.now()).booking
    Booking.objects.filter(pk=booking.pk).update(email="alice@example.com")
    page = reverse("admin:booking_booking_changelist")
    for query, found in ((booking.reference, 1), ("alice@", 1), ("bob@", 0)):
        assert manager.get(page, {"q": query}).context["cl"].result_count == found
    change = reverse("admin:booking_booking_change", args=[booking.pk])
    before = list(Booking.objects.values())
    assert manager.post(change, {"status": "released"}).status_code == 403
    assert manager.post(reverse("admin:booking_booking_delete", args=[booking.pk])).status_code == 403
    assert list(Booking.objects.values()) == before
