"""The buyer's pages of cancelling: the review, the confirmation, refusals, and the booking page afterwards."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking.tickets.codes import booking_key, ticket_code
from cinema.models import Showtime
from payments.models import LedgerEntry, Payment, Refund
from tests.payments.money import set_terms, settle
from tests.payments.visits import SCRIPT, SEATS, be, buy, cancel, cancel_page, confirm, read, words

pytestmark = pytest.mark.django_db


def test_the_booking_page_shows_the_refund_of_each_ticket(buyer, booking, showtime):
    set_terms(showtime, (60, 50), fee=100)
    page = buyer.get(booking.get_absolute_url()).content.decode()
    assert page.count('name="seats"') == 3 and page.count("£4.75 back") == 3
    assert "The house keeps £1 of each seat." in page and "50 % until" in page


def test_the_choice_leads_to_a_review_with_its_own_url(buyer, booking):
    answer = buyer.post(cancel_page(booking), {"seats": ["B5"]})
    assert answer.status_code == 303
    page = read(buyer, answer["Location"])
    assert "Cancel B5?" in page and "Comes back £11.50" in page and "B4 and B6 stay valid" in page
    assert booking.tickets.filter(status="valid").count() == 3


def test_the_review_shows_the_refund_and_what_is_kept(buyer, booking, showtime):
    set_terms(showtime, (60, 50), fee=100)
    page = read(buyer, cancel_page(booking, "B4", "B5"))
    assert "The house keeps −£13.50" in page and "Comes back £9.50" in page and "£4.75 of it comes back" in page


def test_one_of_three_is_cancelled_and_the_others_stay(buyer, booking):
    answer = confirm(buyer, booking, "B5", back=1150)
    assert (answer.status_code, answer["Location"]) == (303, booking.get_absolute_url())
    booking.refresh_from_db()
    assert (booking.status, booking.refunded) == ("confirmed", 1150)
    assert dict(booking.tickets.values_list("label", "status")) == {"B4": "valid", "B5": "cancelled", "B6": "valid"}
    page = buyer.get(booking.get_absolute_url()).content.decode()
    assert "B5 is cancelled." in page and "£11.50 is on its way back." in page and "2 of 3 tickets" in page
    gone = booking.tickets.get(label="B5")
    assert ticket_code(gone) not in page and ticket_code(booking.tickets.get(label="B4")) in page
    assert page.count('class="ticket__code"') == 2


def test_a_refund_is_shown_as_on_its_way_and_then_as_back(buyer, booking):
    refund = cancel(booking, "B5")
    assert "£11.50 is on its way back." in read(buyer, booking.get_absolute_url())
    settle(refund, "succeeded")
    page = read(buyer, booking.get_absolute_url())
    assert "£11.50 is back." in page and "Is back £11.50" in page


def test_a_failed_refund_is_shown_to_the_buyer_without_the_banks_code(buyer, booking):
    settle(cancel(booking, "B5"), "failed", "lost_or_stolen_card")
    page = read(buyer, booking.get_absolute_url())
    assert "£11.50 could not be given back." in page and "We will reach you at alice@example.com" in page
    assert "lost_or_stolen_card" not in page


def test_a_cancelled_booking_is_shown_as_on_its_way_back_and_then_as_back(buyer, booking):
    refund = cancel(booking)
    page = read(buyer, booking.get_absolute_url())
    assert "Your money is on its way back" in page and "£34.50" in page
    settle(refund, "succeeded")
    assert "Your money is back" in read(buyer, booking.get_absolute_url())


def test_a_cancelled_booking_with_a_failed_refund_says_so(buyer, booking):
    settle(cancel(booking), "failed", "expired_or_canceled_card")
    page = read(buyer, booking.get_absolute_url())
    assert "We could not give your money back" in page and "on its way" not in page
    assert "we will reach you" in read(buyer, reverse("booking:bookings"))


def test_a_second_click_cancels_nothing_more(buyer, booking):
    confirm(buyer, booking, "B5", back=1150)
    answer = buyer.post(cancel_page(booking), {"seats": ["B5"], "sure": "yes", "back": 1150}, follow=True)
    assert "B5 is already cancelled." in answer.content.decode()
    assert Refund.objects.count() == 1 and LedgerEntry.objects.filter(kind="refund.requested").count() == 1


def test_the_back_button_shows_the_cancelled_ticket(buyer, booking):
    confirm(buyer, booking, "B5", back=1150)
    page = read(buyer, cancel_page(booking, "B5"))
    assert "B5 is already cancelled." in page and "Which tickets?" in page


def test_a_cancellation_in_another_tab_leads_back_to_the_review(buyer, booking):
    cancel(booking, "B5")
    answer = confirm(buyer, booking, "B4", "B5", back=2300)
    assert answer.status_code == 409
    assert "Please look once more." in words(answer) and "Cancel B4?" in words(answer)
    assert booking.tickets.get(label="B4").status == "valid"


def test_a_refund_smaller_than_the_one_shown_needs_another_confirmation(buyer, booking, showtime):
    set_terms(showtime, (60, 50))
    answer = confirm(buyer, booking, "B5", back=1150)
    assert answer.status_code == 409
    assert "What comes back has changed." in words(answer) and "Comes back £5.75" in words(answer)
    assert not Refund.objects.exists()
    assert confirm(buyer, booking, "B5", back=575).status_code == 303


def test_after_the_deadline_nothing_can_be_chosen(buyer, booking, showtime):
    Showtime.objects.filter(pk=showtime.pk).update(starts_at=timezone.now() + timedelta(minutes=100))
    page = buyer.get(booking.get_absolute_url()).content.decode()
    assert "until 2 hours before the start. That time has passed." in page and 'name="seats"' not in page
    assert "That time has passed." in read(buyer, cancel_page(booking, "B5"))
    answer = confirm(buyer, booking, "B5", back=1150)
    assert answer.status_code == 409 and booking.tickets.filter(status="valid").count() == 3


def test_a_buyer_cannot_cancel_a_disputed_payment(buyer, booking):
    Payment.objects.filter(booking=booking).update(disputed=True)
    answer = confirm(buyer, booking, "B5", back=1150)
    assert answer.status_code == 409 and 'role="alert"' in answer.content.decode()
    assert booking.tickets.filter(status="valid").count() == 3


def test_free_tickets_are_cancelled_without_a_refund(buyer, alice):
    free = buy(make_showtime(prices={"standard": 0, "premium": 0}), alice)
    assert "You can cancel until" in read(buyer, free.get_absolute_url())
    page = read(buyer, cancel_page(free, *SEATS))
    assert "Comes back £0" in page and "No ticket of this booking stays." in page
    assert confirm(buyer, free, *SEATS, back=0).status_code == 303
    assert "This booking is cancelled" in read(buyer, free.get_absolute_url())


def test_a_used_ticket_is_not_offered(buyer, booking):
    booking.tickets.filter(label="B4").update(status="used", used_at=timezone.now())
    page = buyer.get(booking.get_absolute_url()).content.decode()
    assert page.count('name="seats"') == 3 and len(re.findall(r'name="seats" value="B4"[^>]*disabled', page)) == 1
    assert "Cancel B5?" in read(buyer, cancel_page(booking, "B4", "B5"))


def test_a_cancelled_showtime_is_refunded_by_itself_and_shows_no_code(buyer, booking, showtime):
    Showtime.objects.filter(pk=showtime.pk).update(cancelled_at=timezone.now())
    page = buyer.get(booking.get_absolute_url()).content.decode()
    assert "This showtime has been cancelled." in page and "£34.50 comes back by itself" in page
    assert 'class="ticket__code"' not in page and 'name="seats"' not in page
    assert "comes back by itself" in read(buyer, cancel_page(booking, "B5"))


def test_the_list_of_bookings_strikes_cancelled_seats(buyer, booking):
    cancel(booking, "B5")
    page = buyer.get(reverse("booking:bookings")).content.decode()
    assert "<s>B5</s>" in page and "£34.50, £11.50 asked back" in page


def test_the_mails_key_goes_through_every_step(client, booking):
    key = booking_key(booking)
    look = client.post(cancel_page(booking, key=key), {"seats": ["B5"]})["Location"]
    assert f"key={key}" in look and "Cancel B5?" in read(client, look)
    done = confirm(client, booking, "B5", back=1150, key=key)
    assert done["Location"] == f"{booking.get_absolute_url()}?key={key}"


def test_other_visitors_cannot_see_or_cancel(client, booking):
    be(client, new_visitor())
    assert client.get(cancel_page(booking, "B5")).status_code == 404
    assert confirm(client, booking, "B5", back=1150).status_code == 404
    assert not Refund.objects.exists()


def test_staff_are_redirected_to_their_own_page(staff, booking):
    answer = staff.get(cancel_page(booking, "B5"))
    assert answer["Location"] == f"/staff/bookings/{booking.reference}/cancel/?seats=B5"
    assert confirm(staff, booking, "B5", back=1150).status_code == 303 and not Refund.objects.exists()


def test_seats_that_are_not_in_the_booking_are_dropped(buyer, booking):
    assert "Which tickets?" in read(buyer, cancel_page(booking, "Z99", SCRIPT))
    answer = confirm(buyer, booking, "Z99", back=0)
    assert answer.status_code == 409 and "Choose at least one" in words(answer)
    assert booking.tickets.filter(status="valid").count() == 3


def test_the_form_needs_its_csrf_token(alice, booking):

    strict = be(Client(enforce_csrf_checks=True), alice)
    assert confirm(strict, booking, "B5", back=1150).status_code == 403
