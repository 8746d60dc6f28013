"""Pages of money: the buyer cancels, staff read and settle. States, refusals, escaping, sums equal to the ledger."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_movie, make_showtime, make_user, new_visitor
from booking.bookings import begin_checkout
from booking.locks import lock_seats
from booking.models import Booking, OutboxMessage, SeatChange
from booking.tickets.codes import booking_key, ticket_code
from booking.visitors import SESSION_KEY
from cinema.models import Cinema, RefundTier, Showtime
from payments.gateways.interface import RefundState, Session
from payments.ledger import BUYER, raise_alert
from payments.models import LedgerEntry, MoneyAlert, Payment, Refund
from payments.refund_updates import RefundSnapshot, apply_refund, apply_refund_of
from payments.refunds import cancel_booking
from payments.settlement import apply_session, record_creation

pytestmark = pytest.mark.django_db
SEATS = ("B4", "B5", "B6")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def alice():
    return new_visitor()


@pytest.fixture
def showtime():
    return make_showtime(movie=make_movie("The Long Night"))


@pytest.fixture
def booking(showtime, alice):
    return buy(showtime, alice)


@pytest.fixture
def buyer(client, alice):
    return be(client, alice)


@pytest.fixture
def ines(client):
    client.force_login(make_user("ines@example.com", staff=True))
    return client


def be(client, visitor):
    session = client.session
    session[SESSION_KEY] = str(visitor)
    session.save()
    return client


def buy(showtime, visitor, labels=SEATS, email="alice@example.com", provider="stripe"):
    """As the webhook confirms it, ledger and all; no gateway is asked."""
    at = timezone.now()
    lock_seats(showtime_id=showtime.pk, visitor=visitor, labels=labels, at=at)
    booking = begin_checkout(
        showtime_id=showtime.pk, visitor=visitor, email=email, payable_until=at + timedelta(minutes=40), at=at
    )
    name = uuid.uuid4().hex
    payment = Payment.objects.create(
        booking=booking, provider=provider, livemode=False, amount=booking.total, currency=booking.currency,
        email=email, idempotency_key=f"pay_{name}", request={}, expires_at=at + timedelta(minutes=31), created_at=at,
    )  # fmt: skip
    record_creation(payment, at)
    session = Session(
        id=f"cs_{name}", status="complete", payment_status="paid", amount=booking.total, currency=booking.currency,
        livemode=False, payment_intent=f"pi_{name}", url=None, reference=booking.reference, key=payment.idempotency_key,
    )  # fmt: skip
    assert apply_session(payment_id=payment.pk, session=session, at=at) == "confirmed"
    return Booking.objects.get(pk=booking.pk)


def cancel(booking, *labels, by=BUYER):
    cancel_booking(booking_id=booking.pk, labels=labels or None, by=by, at=timezone.now())
    booking.refresh_from_db()
    return Refund.objects.filter(payment__booking=booking).first()


def settle(refund, status, failure=""):
    state = RefundState(f"re_{refund.pk}", status, failure)
    apply_refund(refund_id=refund.pk, state=state, at=timezone.now())


def cancel_page(booking, *labels, **query):
    seats = "&".join(f"seats={label}" for label in labels)
    rest = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse("payments:cancel-tickets", args=[booking.reference]) + f"?{seats}&{rest}"


def read(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, answer.status_code
    return words(answer)


def words(answer):
    """What the page says, without markup."""
    body = answer.content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def confirm(client, booking, *labels, back, **query):
    return client.post(cancel_page(booking, **query), {"seats": labels, "sure": "yes", "back": back})


def with_terms(showtime, *tiers, fee=0):
    house = showtime.screen.cinema
    for minutes, percent in tiers:
        RefundTier.objects.create(cinema=house, minutes_before=minutes, percent=percent)
    Cinema.objects.filter(pk=house.pk).update(refund_fee=fee)


# ---- the buyer ----


def test_the_booking_page_shows_the_refund_of_each_ticket(buyer, booking, showtime):
    with_terms(showtime, (60, 50), fee=100)
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
    with_terms(showtime, (60, 50), fee=100)
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
    with_terms(showtime, (60, 50))
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


def test_staff_are_redirected_to_their_own_page(ines, booking):
    answer = ines.get(cancel_page(booking, "B5"))
    assert answer["Location"] == f"/staff/bookings/{booking.reference}/cancel/?seats=B5"
    assert confirm(ines, booking, "B5", back=1150).status_code == 303 and not Refund.objects.exists()


def test_seats_that_are_not_in_the_booking_are_dropped(buyer, booking):
    assert "Which tickets?" in read(buyer, cancel_page(booking, "Z99", SCRIPT))
    answer = confirm(buyer, booking, "Z99", back=0)
    assert answer.status_code == 409 and "Choose at least one" in words(answer)
    assert booking.tickets.filter(status="valid").count() == 3


def test_the_form_needs_its_csrf_token(alice, booking):
    from django.test import Client

    strict = be(Client(enforce_csrf_checks=True), alice)
    assert confirm(strict, booking, "B5", back=1150).status_code == 403


# ---- staff: finding ----


@pytest.mark.parametrize(
    "query", ["{reference}", "{lower}", "{plain}", "alice@example", "b5", "long night", "b5 ALICE", "{group}"]
)
def test_a_booking_is_found_by_reference_mail_address_seat_and_film(ines, booking, query):
    said = query.format(
        reference=booking.reference,
        lower=booking.reference.lower(),
        plain=booking.reference.replace("-", ""),
        group=booking.reference[:3],
    )
    answer = ines.get("/staff/bookings/", {"q": said}, follow=True)
    assert booking.reference in answer.content.decode()


@pytest.mark.parametrize("query", ["b9", "bob", "b5 bob", SCRIPT, "\x00", "%", "a" * 500])
def test_an_unmatched_query_finds_nothing_and_is_escaped(ines, booking, query):
    page = ines.get("/staff/bookings/", {"q": query}).content.decode()
    assert SCRIPT not in page
    assert (booking.reference in page) == (not query.strip("\x00"))


def test_a_whole_reference_redirects_to_the_timeline(ines, booking):
    answer = ines.get("/staff/bookings/", {"q": booking.reference.replace("-", " ").lower()})
    assert answer["Location"] == f"/staff/bookings/{booking.reference}/"


def test_a_search_makes_a_fixed_number_of_queries(ines, showtime, django_assert_max_num_queries):
    for number in range(6):
        buy(showtime, new_visitor(), labels=[f"A{number + 1}"])
    with django_assert_max_num_queries(14):
        assert "6 bookings" in read(ines, "/staff/bookings/?q=alice")


# ---- staff: the story ----


def story_of(client, booking):
    return read(client, f"/staff/bookings/{booking.reference}/")


def test_the_timeline_shows_in_order_who_did_what(ines, booking):
    settle(cancel(booking, "B5"), "succeeded")
    page = story_of(ines, booking)
    told = [
        "Chose B4, B5 and B6 · the buyer".replace(" · ", " "),
        "Began to pay £34.50",
        "Paid £34.50",
        "Booked B4, B5 and B6",
        "Asked for £11.50 to go back, for B5",
        "B5 is cancelled and free again",
        "Gave back £11.50",
    ]
    places = [page.find(line) for line in told]
    assert -1 not in places and places == sorted(places), list(zip(told, places, strict=True))
    assert "Paid £34.50 Given back £11.50 The house has £23" in page


def test_every_ledger_entry_and_every_seat_change_is_in_the_timeline(ines, booking):
    settle(cancel(booking, "B5"), "failed", "declined")
    page = ines.get(f"/staff/bookings/{booking.reference}/").content.decode()
    for entry in LedgerEntry.objects.filter(booking=booking).exclude(gateway_id=""):
        assert entry.gateway_id in page, entry.kind
    n_money = LedgerEntry.objects.filter(booking=booking).count()
    n_seats = SeatChange.objects.filter(booking=booking).values("version").distinct().count()
    n_alerts = MoneyAlert.objects.filter(booking=booking).count()
    assert page.count('class="story__moment"') == n_money + n_seats + n_alerts


def test_every_kind_of_ledger_entry_has_a_text(ines, booking):
    page = story_of(ines, booking)
    kinds = LedgerEntry.objects.values_list("kind", flat=True)
    assert kinds and not [kind for kind in kinds if kind in page]


def test_names_in_the_timeline_are_escaped(ines, showtime):
    booking = buy(showtime, new_visitor(), email='"<b>x</b>"@example.com')
    with_note = f"/staff/bookings/{booking.reference}/cancel/"
    ines.post(with_note, {"seats": ["B5"], "sure": "yes", "back": 1150, "reason": SCRIPT})
    page = ines.get(f"/staff/bookings/{booking.reference}/").content.decode()
    assert SCRIPT not in page and "<b>x</b>" not in page and "&lt;script&gt;" in page


def test_pending_sent_and_dead_mails_are_distinguished(ines, booking):
    assert "Still to happen Mail with the tickets to alice@example.com" in story_of(ines, booking)
    OutboxMessage.objects.update(state="dead", attempts=16, last_error="refused", done_at=None)
    page = story_of(ines, booking)
    assert "Given up after 16 tries" in page and "refused" in page and "Try again" in page
    OutboxMessage.objects.update(state="done", done_at=timezone.now())
    page = story_of(ines, booking)
    assert "Mail with the tickets sent to alice@example.com" in page and "Still to happen" not in page


def test_two_clicks_mail_the_tickets_again_once(ines, booking):
    path = f"/staff/bookings/{booking.reference}/mail/"
    for said in ("once more", "asked for already"):
        answer = ines.post(path, {"sent": "1"}, follow=True)
        assert said in answer.content.decode()
    assert OutboxMessage.objects.filter(kind="mail.confirmed").count() == 2
    OutboxMessage.objects.update(state="done", done_at=timezone.now())
    assert "sent to alice@example.com ines@example.com" in story_of(ines, booking)


def test_nothing_is_mailed_without_a_valid_ticket(ines, booking):
    cancel(booking)
    assert "Mail again" not in story_of(ines, booking)
    before = OutboxMessage.objects.filter(kind="mail.confirmed").count()
    ines.post(f"/staff/bookings/{booking.reference}/mail/", {"sent": "1"})
    assert OutboxMessage.objects.filter(kind="mail.confirmed").count() == before


def test_an_unknown_booking_is_404(ines):
    assert ines.get("/staff/bookings/BBB-BBB-BBB/").status_code == 404


# ---- staff: cancelling ----


def test_staff_cancel_after_the_deadline_and_the_whole_price_is_refunded(ines, booking, showtime):
    with_terms(showtime, (60, 50), fee=100)
    Showtime.objects.filter(pk=showtime.pk).update(starts_at=timezone.now() - timedelta(minutes=1))
    path = f"/staff/bookings/{booking.reference}/cancel/"
    look = ines.post(path, {"seats": ["B5"]})
    assert look.status_code == 303 and "Goes back £11.50" in read(ines, look["Location"])
    answer = ines.post(path, {"seats": ["B5"], "sure": "yes", "back": 1150, "reason": "Broken seat"}, follow=True)
    assert "B5 is cancelled." in answer.content.decode()
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason, refund.actor) == (1150, "staff", "staff:ines@example.com")
    assert "Broken seat" in story_of(ines, booking) and "ines@example.com" in story_of(ines, booking)


def test_staff_refund_the_amount_left_and_only_if_it_is_the_one_shown(ines, booking):
    payment, path = Payment.objects.get(booking=booking), f"/staff/bookings/{booking.reference}/cancel/"
    gone = booking.total - 450
    apply_refund_of(
        payment_id=payment.pk, snapshot=RefundSnapshot(RefundState("re_x", "succeeded", ""), gone), at=timezone.now()
    )
    look = read(ines, f"{path}?seats=B5")
    assert "Is with the buyer already −£7" in look and "Goes back £4.50" in look
    wish = {"seats": ["B5"], "sure": "yes", "reason": "Broken seat"}
    for shown in ({"back": 1150}, {}, {"back": "all"}):
        assert ines.post(path, wish | shown).status_code == 409
    assert Refund.objects.count() == 1 and booking.tickets.filter(status="valid").count() == 3
    ines.post(path, wish | {"back": 450})
    assert Refund.objects.get(reason="staff").amount == 450


def test_staff_must_give_a_reason(ines, booking):
    answer = ines.post(f"/staff/bookings/{booking.reference}/cancel/", {"seats": ["B5"], "sure": "yes", "reason": " "})
    assert answer.status_code == 422 and "Say why, in a word." in words(answer)
    assert not Refund.objects.exists()


def test_staff_cannot_cancel_a_disputed_payment(ines, booking):
    Payment.objects.filter(booking=booking).update(disputed=True)
    path = f"/staff/bookings/{booking.reference}/cancel/"
    answer = ines.post(path, {"seats": ["B5"], "sure": "yes", "back": 1150, "reason": "They asked"})
    assert answer.status_code == 409 and 'role="alert"' in answer.content.decode()
    assert booking.tickets.filter(status="valid").count() == 3


def test_cancelled_tickets_are_reported_as_cancelled(ines, booking):
    cancel(booking)
    path = f"/staff/bookings/{booking.reference}/cancel/"
    assert "No ticket of this booking stands any more." in read(ines, path)
    answer = ines.post(path, {"seats": ["B5"], "sure": "yes", "reason": "x"}, follow=True)
    assert "cancelled already" in answer.content.decode() and Refund.objects.count() == 1


# ---- staff: money ----


def money_page(client):
    return read(client, "/staff/money/")


def test_todays_sums_are_those_of_the_ledger(ines, booking, showtime):
    settle(cancel(booking, "B5"), "succeeded")
    buy(showtime, new_visitor(), labels=["A1", "A2"])
    yesterday = buy(showtime, new_visitor(), labels=["A4"])
    LedgerEntry.objects.filter(booking=yesterday)._raw_delete(using="default")
    moved = LedgerEntry.objects.filter(at__date=timezone.localdate())
    taken = moved.filter(amount__gt=0).aggregate(sum=Sum("amount"))["sum"]
    back = -moved.filter(amount__lt=0).aggregate(sum=Sum("amount"))["sum"]
    assert (taken, back) == (5750, 1150)
    assert "£57.50 taken today £11.50 given back today £46 kept" in money_page(ines)


def test_another_currency_is_shown_apart(ines, booking):
    abroad = make_showtime()
    Showtime.objects.filter(pk=abroad.pk).update(currency="JPY")
    buy(Showtime.objects.get(pk=abroad.pk), new_visitor(), labels=["A1"])
    page = money_page(ines)
    assert "£34.50 taken today" in page and "In JPY: ¥1,150 taken, ¥0 given back." in page


def test_without_alerts_the_page_says_so(ines):
    page = money_page(ines)
    assert "Needs a person Nothing right now." in page and "No refund is under way." in page


def test_alerts_are_listed_oldest_first_and_counted_in_the_navigation(ines, booking):
    for name in ("first", "second"):
        raise_alert(subject=name, kind="x", text=f"The {name} matter", at=timezone.now(), booking=booking)
    MoneyAlert.objects.filter(subject="second").update(raised_at=timezone.now() - timedelta(days=1))
    page = ines.get("/staff/money/").content.decode()
    assert page.index("The second matter") < page.index("The first matter")
    assert '2<span class="visually-hidden"> need a person</span>' in page


def test_an_alert_is_closed_with_a_resolution(ines, booking):
    raise_alert(subject="one", kind="x", text="A matter", at=timezone.now(), booking=booking)
    alert = MoneyAlert.objects.get()
    path = f"/staff/money/alerts/{alert.pk}/close/"
    ines.post(path, {"resolution": "  "})
    alert.refresh_from_db()
    assert alert.closed_at is None
    ines.post(path, {"resolution": f"Paid in cash {SCRIPT}"})
    alert.refresh_from_db()
    assert (alert.closed_by, alert.resolution) == ("staff:ines@example.com", f"Paid in cash {SCRIPT}")
    page = ines.get("/staff/money/").content.decode()
    assert "Paid in cash" in page and SCRIPT not in page and "Nothing right now." in page
    ines.post(path, {"resolution": "Another word"})
    alert.refresh_from_db()
    assert alert.resolution.startswith("Paid in cash")


def test_a_failed_refund_is_retried_once(ines, booking):
    failed = cancel(booking, "B5")
    settle(failed, "failed", "lost_or_stolen_card")
    assert "Ask for £11.50 again" in money_page(ines)
    for _ in range(2):
        answer = ines.post(f"/staff/money/refunds/{failed.pk}/again/", {"back": "story"})
        assert answer["Location"] == f"/staff/bookings/{booking.reference}/"
    again = Refund.objects.get(replaces=failed)
    assert (again.amount, again.actor, again.status) == (1150, "staff:ines@example.com", "requested")
    page = money_page(ines)
    assert "Nothing right now." in page and "£11.50" in page.partition("On its way back")[2]
    settle(again, "succeeded")
    assert "Given back £11.50 The house has £23" in story_of(ines, booking)


def test_a_refund_that_has_not_failed_is_not_retried(ines, booking):
    refund = cancel(booking, "B5")
    answer = ines.post(f"/staff/money/refunds/{refund.pk}/again/", follow=True)
    assert "has not failed" in answer.content.decode() and Refund.objects.count() == 1


def test_a_dead_letter_is_retried(ines, booking):
    OutboxMessage.objects.update(state="dead", attempts=16, last_error="refused")
    message = OutboxMessage.objects.first()
    assert "Mail with the tickets to alice@example.com" in money_page(ines)
    path = f"/staff/money/promises/{message.pk}/again/"
    assert "is being tried again" in ines.post(path, follow=True).content.decode()
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)
    assert "not given up any more" in ines.post(path, follow=True).content.decode()


def test_a_button_never_redirects_to_another_site(ines, booking):
    for said in ("//evil.example/", "../../", "A\nB"):
        message = OutboxMessage.objects.first()
        answer = ines.post(f"/staff/money/promises/{message.pk}/again/", {"back": "story", "reference": said})
        assert answer["Location"] == "/staff/money/"


def test_the_money_page_makes_a_fixed_number_of_queries(ines, showtime, django_assert_max_num_queries):
    for number in range(5):
        settle(cancel(buy(showtime, new_visitor(), labels=[f"A{number + 1}"])), "failed", "declined")
    OutboxMessage.objects.update(state="dead")
    with django_assert_max_num_queries(24):
        assert money_page(ines).count("could not be given back") >= 5


# ---- staff: a whole showtime ----


def test_the_page_shows_how_many_bookings_and_how_much_money(ines, booking, showtime):
    cancel(booking, "B5")
    buy(showtime, new_visitor(), labels=["A1"])
    page = read(ines, f"/staff/showtimes/{showtime.pk}/cancel/")
    assert "2 bookings, 3 tickets void" in page and "£34.50 goes back, all of it" in page


def test_a_showtime_is_cancelled_only_with_the_tick_and_the_count_shown(ines, booking, showtime):
    path = f"/staff/showtimes/{showtime.pk}/cancel/"
    assert ines.post(path, {"bookings": "1"}).status_code == 409
    assert ines.post(path, {"bookings": "7", "sure": "yes"}).status_code == 409
    showtime.refresh_from_db()
    assert showtime.cancelled_at is None
    assert ines.post(path, {"bookings": "1", "sure": "yes"}).status_code == 303
    showtime.refresh_from_db()
    assert showtime.cancelled_at is not None
    assert OutboxMessage.objects.filter(kind="payments.cancel_booking").count() == 1
    page = read(ines, path)
    assert "This showtime is cancelled" in page and "still to be asked back" in page


def test_a_showtime_that_is_over_is_not_cancelled(ines, booking, showtime):
    past = timezone.now() - timedelta(hours=4)
    Showtime.objects.filter(pk=showtime.pk).update(starts_at=past, ends_at=past + timedelta(hours=2))
    path = f"/staff/showtimes/{showtime.pk}/cancel/"
    assert "This showtime is over." in read(ines, path)
    ines.post(path, {"bookings": "1", "sure": "yes"})
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
