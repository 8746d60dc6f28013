"""The states of a booking from the lock to the ticket, the release or the refund."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bench.support.factories import cancel_all_tickets, new_visitor
from booking import bookings
from booking.bookings import Confirmation
from booking.locks import expire_locks, lock_seats
from booking.models import Booking, OutboxMessage, ShowtimeSeat
from booking.refusals import BeingReleased, LockExpired, PaymentOpen, SeatsTaken
from booking.seats.map import read_map

pytestmark = pytest.mark.django_db

LOCK, PAYABLE = timedelta(minutes=5), timedelta(minutes=41)


def lock(showtime, who, *labels, at):
    return lock_seats(showtime_id=showtime.pk, visitor=who, labels=labels, at=at).booking


def check_out(showtime, who, at):
    with transaction.atomic():
        return bookings.begin_checkout(
            showtime_id=showtime.pk, visitor=who, email="alice@example.com", payable_until=at + PAYABLE, at=at
        )


def state(showtime):
    return read_map(showtime.pk).state


def test_checkout_fixes_prices_and_renews_the_deadline_once(showtime, alice, now):
    lock(showtime, alice, "A1", "D1", at=now)
    later = now + timedelta(minutes=4)
    booking = check_out(showtime, alice, later)
    assert (booking.status, booking.total, booking.locked_until) == ("checkout", 1150 + 1450, later + LOCK)
    again = check_out(showtime, alice, later + timedelta(minutes=1))
    assert again.locked_until == later + LOCK
    showtime.prices = {"standard": 9999}
    showtime.save(update_fields=["prices"])
    assert [place.price for place in booking.places.all()] == [1150, 1450]


@pytest.mark.parametrize(("milliseconds", "expired"), [(-1, False), (0, True), (1, True)])
def test_checkout_is_refused_from_the_moment_the_lock_lapses(showtime, alice, now, milliseconds, expired):
    lock(showtime, alice, "A1", at=now)
    at = now + LOCK + timedelta(milliseconds=milliseconds)
    if expired:
        with pytest.raises(LockExpired):
            check_out(showtime, alice, at)
    else:
        assert check_out(showtime, alice, at).status == "checkout"


def test_checkout_without_a_lock_is_refused(showtime, alice, now):
    with pytest.raises(LockExpired):
        check_out(showtime, alice, now)


def test_a_seat_with_a_payment_open_cannot_be_taken_before_the_verdict(showtime, alice, bob, now):
    lock(showtime, alice, "A1", at=now)
    booking = check_out(showtime, alice, now)
    overdue = now + LOCK + timedelta(seconds=1)
    assert expire_locks(at=overdue) == 0
    with pytest.raises(BeingReleased):
        lock(showtime, bob, "A1", at=overdue)
    bookings.begin_release(booking_id=booking.pk, reason="lapsed", at=overdue)
    with pytest.raises(BeingReleased):
        lock(showtime, bob, "A1", at=overdue)
    bookings.finish_release(booking_id=booking.pk, at=overdue)
    assert lock(showtime, bob, "A1", at=overdue).visitor == bob
    booking.refresh_from_db()
    assert booking.status == "expired"


def test_seats_taken_wins_over_being_released(showtime, alice, bob, now):
    lock(showtime, alice, "A1", at=now)
    bookings.begin_release(booking_id=check_out(showtime, alice, now).pk, reason="cancelled", at=now)
    carol = new_visitor()
    lock(showtime, carol, "A2", at=now)
    with pytest.raises(SeatsTaken) as refusal:
        lock(showtime, bob, "A1", "A2", at=now)
    assert refusal.value.seats == ["A2"]


def test_the_same_seats_during_a_payment_change_nothing_and_others_need_its_end(showtime, alice, now):
    lock(showtime, alice, "A1", "A2", at=now)
    booking = check_out(showtime, alice, now)
    assert lock(showtime, alice, "A2", "A1", at=now).pk == booking.pk
    with pytest.raises(PaymentOpen):
        lock(showtime, alice, "A1", at=now)
    with pytest.raises(PaymentOpen):
        lock(showtime, alice, at=now)


def test_other_seats_reopen_the_lock_with_the_deadline_it_had(showtime, alice, now):
    lock(showtime, alice, "A1", at=now)
    booking = check_out(showtime, alice, now)
    bookings.begin_release(booking_id=booking.pk, reason="changed", at=now)
    bookings.finish_release(booking_id=booking.pk, at=now)
    again = lock(showtime, alice, "A1", "A2", at=now)
    assert (again.pk, again.status, again.locked_until) == (booking.pk, "locked", now + LOCK)
    second = check_out(showtime, alice, now + timedelta(minutes=3))
    assert second.locked_until == now + LOCK, "renewed once only"
    assert second.total == 2300


def test_confirming_books_the_seats_writes_tickets_and_enqueues_one_mail(showtime, alice, now):
    lock(showtime, alice, "A1", "D1", at=now)
    booking = check_out(showtime, alice, now)
    assert bookings.confirm_booking(booking_id=booking.pk, demo=True, at=now) is Confirmation.CONFIRMED
    assert bookings.confirm_booking(booking_id=booking.pk, demo=True, at=now) is Confirmation.ALREADY
    assert state(showtime).count("B") == 2
    assert [(t.label, t.price, t.status) for t in booking.tickets.all()] == [
        ("A1", 1150, "valid"),
        ("D1", 1450, "valid"),
    ]
    assert list(OutboxMessage.objects.values_list("kind", "dedupe_key")) == [
        ("mail.confirmed", f"mail.confirmed:{booking.pk}")
    ]
    showtime.refresh_from_db()
    assert showtime.revenue == 2600
    assert lock(showtime, alice, "A2", at=now).pk != booking.pk, "the next lock is another booking"


@pytest.mark.parametrize("reason", ["cancelled", "declined", "given-back"])
def test_a_payment_that_ended_releases_the_seats_in_one_version(showtime, alice, now, reason):
    lock(showtime, alice, "A1", "A2", at=now)
    booking = check_out(showtime, alice, now)
    bookings.begin_release(booking_id=booking.pk, reason=reason, at=now)
    assert state(showtime).startswith("LL")
    released = bookings.finish_release(booking_id=booking.pk, at=now)
    assert (released.status, released.end_reason) == ("released", reason)
    assert state(showtime).startswith("AA")
    assert read_map(showtime.pk).version == 2
    bookings.finish_release(booking_id=booking.pk, at=now)
    assert read_map(showtime.pk).version == 2


def test_a_payment_that_won_the_race_against_its_release_is_confirmed(showtime, alice, now):
    lock(showtime, alice, "A1", at=now)
    booking = check_out(showtime, alice, now)
    bookings.begin_release(booking_id=booking.pk, reason="lapsed", at=now)
    assert bookings.confirm_booking(booking_id=booking.pk, demo=False, at=now) is Confirmation.CONFIRMED
    bookings.finish_release(booking_id=booking.pk, at=now)
    assert state(showtime).startswith("B")


def ended(showtime, who, now, *labels):
    lock(showtime, who, *labels, at=now)
    booking = check_out(showtime, who, now)
    bookings.begin_release(booking_id=booking.pk, reason="lapsed", at=now)
    return bookings.finish_release(booking_id=booking.pk, at=now)


def test_a_late_payment_takes_the_same_seats_again_when_they_are_free(showtime, alice, now):
    booking = ended(showtime, alice, now, "A1", "A2")
    assert bookings.confirm_booking(booking_id=booking.pk, demo=True, at=now) is Confirmation.CONFIRMED
    booking.refresh_from_db()
    assert (booking.status, booking.ended_at) == ("confirmed", None)
    assert state(showtime).startswith("BB")


def test_a_late_payment_for_a_taken_seat_changes_nothing_and_is_refunded(showtime, alice, bob, now):
    booking = ended(showtime, alice, now, "A1", "A2")
    lock(showtime, bob, "A2", at=now)
    before = read_map(showtime.pk)
    assert bookings.confirm_booking(booking_id=booking.pk, demo=True, at=now) is Confirmation.SEATS_GONE
    assert read_map(showtime.pk) == before
    assert not booking.tickets.exists()
    bookings.begin_refund(booking_id=booking.pk, amount=2300, at=now)
    refunding = bookings.begin_refund(booking_id=booking.pk, amount=2300, at=now)
    assert (refunding.status, refunding.refunded) == ("refunding", 2300)
    assert bookings.finish_refund(booking_id=booking.pk, at=now).status == "refunded"
    assert OutboxMessage.objects.filter(kind="mail.late_refund").count() == 1


def test_a_late_payment_after_the_film_began_is_refunded(showtime, alice, now):
    booking = ended(showtime, alice, now, "A1")
    outcome = bookings.confirm_booking(booking_id=booking.pk, demo=True, at=showtime.starts_at)
    assert outcome is Confirmation.SEATS_GONE


def test_processing_keeps_the_seats_a_day_past_the_showtime(showtime, alice, now):
    lock(showtime, alice, "A1", at=now)
    booking = check_out(showtime, alice, now)
    bookings.mark_processing(booking_id=booking.pk, at=now)
    assert ShowtimeSeat.objects.get(showtime=showtime, index=0).locked_until == showtime.ends_at + timedelta(days=1)
    bookings.begin_release(booking_id=booking.pk, reason="lapsed", at=now)
    booking.refresh_from_db()
    assert booking.status == "processing"
    assert bookings.finish_release(booking_id=booking.pk, at=now).status == "released"


def test_a_refunded_booking_frees_its_seats_and_reduces_the_revenue(showtime, alice, now):
    lock(showtime, alice, "A1", at=now)
    booking = check_out(showtime, alice, now)
    bookings.confirm_booking(booking_id=booking.pk, demo=True, at=now)
    cancel_all_tickets(booking.pk, now)
    showtime.refresh_from_db()
    assert (showtime.revenue, showtime.n_booked, state(showtime)[0]) == (0, 0, "A")
    assert booking.tickets.get().status == "cancelled"
    assert not OutboxMessage.objects.filter(kind="mail.late_refund").exists()


def test_the_database_refuses_a_seat_whose_status_and_booking_disagree(showtime):
    from django.db import IntegrityError

    row = ShowtimeSeat.objects.filter(showtime=showtime)[:1]
    for wrong in ({"status": "locked"}, {"status": "booked"}, {"locked_until": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ShowtimeSeat.objects.filter(pk__in=list(row.values_list("pk", flat=True))).update(**wrong)


def test_the_database_refuses_two_live_bookings_of_one_visitor(showtime, alice, now):
    from django.db import IntegrityError

    lock(showtime, alice, "A1", at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Booking.objects.create(
            showtime=showtime, visitor=alice, currency="GBP", created_at=now, locked_until=now + LOCK
        )
