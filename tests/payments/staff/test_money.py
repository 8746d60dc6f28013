"""The staff page of money: sums equal to the ledger, alerts, dead letters and refunds."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.models import OutboxMessage
from cinema.models import Showtime
from payments.ledger import raise_alert
from payments.models import LedgerEntry, MoneyAlert, Refund
from tests.payments.money import settle
from tests.payments.visits import SCRIPT, buy, cancel, read, timeline_of

pytestmark = pytest.mark.django_db


def money_page(client):
    return read(client, "/staff/money/")


def test_todays_sums_are_those_of_the_ledger(staff, booking, showtime):
    settle(cancel(booking, "B5"), "succeeded")
    buy(showtime, new_visitor(), labels=["A1", "A2"])
    yesterday = buy(showtime, new_visitor(), labels=["A4"])
    LedgerEntry.objects.filter(booking=yesterday)._raw_delete(using="default")
    moved = LedgerEntry.objects.filter(at__date=timezone.localdate())
    taken = moved.filter(amount__gt=0).aggregate(sum=Sum("amount"))["sum"]
    back = -moved.filter(amount__lt=0).aggregate(sum=Sum("amount"))["sum"]
    assert (taken, back) == (5750, 1150)
    assert "£57.50 taken today £11.50 given back today £46 kept" in money_page(staff)


def test_another_currency_is_shown_apart(staff, booking):
    abroad = make_showtime()
    Showtime.objects.filter(pk=abroad.pk).update(currency="JPY")
    buy(Showtime.objects.get(pk=abroad.pk), new_visitor(), labels=["A1"])
    page = money_page(staff)
    assert "£34.50 taken today" in page and "In JPY: ¥1,150 taken, ¥0 given back." in page


def test_without_alerts_the_page_says_so(staff):
    page = money_page(staff)
    assert "Needs a person Nothing right now." in page and "No refund is under way." in page


def test_alerts_are_listed_oldest_first_and_counted_in_the_navigation(staff, booking):
    for name in ("first", "second"):
        raise_alert(subject=name, kind="x", text=f"The {name} matter", at=timezone.now(), booking=booking)
    MoneyAlert.objects.filter(subject="second").update(raised_at=timezone.now() - timedelta(days=1))
    page = staff.get("/staff/money/").content.decode()
    assert page.index("The second matter") < page.index("The first matter")
    assert '2<span class="visually-hidden"> need a person</span>' in page


def test_an_alert_is_closed_with_a_resolution(staff, booking):
    raise_alert(subject="one", kind="x", text="A matter", at=timezone.now(), booking=booking)
    alert = MoneyAlert.objects.get()
    path = f"/staff/money/alerts/{alert.pk}/close/"
    staff.post(path, {"resolution": "  "})
    alert.refresh_from_db()
    assert alert.closed_at is None
    staff.post(path, {"resolution": f"Paid in cash {SCRIPT}"})
    alert.refresh_from_db()
    assert (alert.closed_by, alert.resolution) == ("staff:ines@example.com", f"Paid in cash {SCRIPT}")
    page = staff.get("/staff/money/").content.decode()
    assert "Paid in cash" in page and SCRIPT not in page and "Nothing right now." in page
    staff.post(path, {"resolution": "Another word"})
    alert.refresh_from_db()
    assert alert.resolution.startswith("Paid in cash")


def test_a_failed_refund_is_retried_once(staff, booking):
    failed = cancel(booking, "B5")
    settle(failed, "failed", "lost_or_stolen_card")
    assert "Ask for £11.50 again" in money_page(staff)
    for _ in range(2):
        answer = staff.post(f"/staff/money/refunds/{failed.pk}/again/", {"back": "story"})
        assert answer["Location"] == f"/staff/bookings/{booking.reference}/"
    again = Refund.objects.get(replaces=failed)
    assert (again.amount, again.actor, again.status) == (1150, "staff:ines@example.com", "requested")
    page = money_page(staff)
    assert "Nothing right now." in page and "£11.50" in page.partition("On its way back")[2]
    settle(again, "succeeded")
    assert "Given back £11.50 The house has £23" in timeline_of(staff, booking)


def test_a_refund_that_has_not_failed_is_not_retried(staff, booking):
    refund = cancel(booking, "B5")
    answer = staff.post(f"/staff/money/refunds/{refund.pk}/again/", follow=True)
    assert "has not failed" in answer.content.decode() and Refund.objects.count() == 1


def test_a_dead_letter_is_retried(staff, booking):
    OutboxMessage.objects.update(state="dead", attempts=16, last_error="refused")
    message = OutboxMessage.objects.first()
    assert "Mail with the tickets to alice@example.com" in money_page(staff)
    path = f"/staff/money/promises/{message.pk}/again/"
    assert "is being tried again" in staff.post(path, follow=True).content.decode()
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)
    assert "not given up any more" in staff.post(path, follow=True).content.decode()


def test_a_button_never_redirects_to_another_site(staff, booking):
    for said in ("//evil.example/", "../../", "A\nB"):
        message = OutboxMessage.objects.first()
        answer = staff.post(f"/staff/money/promises/{message.pk}/again/", {"back": "story", "reference": said})
        assert answer["Location"] == "/staff/money/"


def test_the_money_page_makes_a_fixed_number_of_queries(staff, showtime, django_assert_max_num_queries):
    for number in range(5):
        settle(cancel(buy(showtime, new_visitor(), labels=[f"A{number + 1}"])), "failed", "declined")
    OutboxMessage.objects.update(state="dead")
    with django_assert_max_num_queries(24):
        assert money_page(staff).count("could not be given back") >= 5
