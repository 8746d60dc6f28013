"""A small model of the seats of one showtime. Every use case of `booking` runs beside it; each step checks everything.

`tests.payments.model.money_model` does the same with payments, refunds and disputes.
"""

import zlib
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bench.support.factories import make_plan, make_showtime, new_visitor
from booking import bookings, cancellation, locks
from booking.models import Booking, OutboxMessage, SeatChange, ShowtimeSeat, Ticket
from booking.refusals import BeingReleased, LockExpired, PaymentOpen, SalesClosed, SeatsTaken, UnknownSeat
from booking.seats.map import LETTERS, read_changes, read_map
from booking.showtimes import sales
from booking.signals import seats_changed
from cinema.models import Showtime
from tests.booking.model.tag_model import TagRules
from tests.table_cleanup import empty_tables

LABELS = ["A1", "A2", "A3", "B1", "B2", "B3"]
LOCK, PAYABLE = timedelta(minutes=5), timedelta(minutes=41)
PAYING = ("checkout", "processing", "releasing")
visitors = st.integers(0, 2)
picks = st.integers(0, 11)
REASONS = ("buyer", "staff", "showtime")
label_lists = st.lists(st.sampled_from(LABELS), max_size=3, unique=True)
steps = {"count": 0}


@dataclass
class KnownBooking:
    who: int
    status: str
    until: object
    renewed: bool = False
    reason: str = ""
    paid_for: list = field(default_factory=list)
    gone: set = field(default_factory=set)  # labels whose tickets are cancelled


class SeatMachine(TagRules, RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.at = timezone.now()
        self.showtime = make_showtime(make_plan(rows=2, per_row=3), at=self.at, starts_in=timedelta(days=2))
        self.people = [new_visitor() for _ in range(3)]
        self.seats = dict.fromkeys(LABELS, ("available", None, None))  # status, booking, takeable from
        self.known = {}  # booking pk -> KnownBooking
        first = read_map(self.showtime.pk)
        self.frames_state, self.frames_version = list(first.state), first.version
        self.signals = []
        seats_changed.connect(self.on_change, weak=False, dispatch_uid="seat-machine")

    def teardown(self):
        seats_changed.disconnect(dispatch_uid="seat-machine")
        empty_tables(connection)  # expire_locks of the next run must find its own locks only

    def on_change(self, **change):
        self.signals.append(change)

    # ---- the model ------------------------------------------------------------------------------------------------
    def own(self, who):
        for pk, known in self.known.items():
            if known.who == who and known.status in ("locked", *PAYING):
                return pk, known
        return None, None

    def lapsed(self, known):
        return known.status == "locked" and known.until <= self.at

    def end(self, pk, status):
        self.known[pk].status = status
        for label in self.of(pk):
            self.seats[label] = ("available", None, None)

    def of(self, pk):
        return [label for label, (_, booking, _) in self.seats.items() if booking == pk]

    def takeable(self, label, own=None):
        status, booking, until = self.seats[label]
        return status == "available" or (status == "locked" and (booking == own or until <= self.at))

    def payment_has_ended(self, pk):
        """Without money: the lock goes on, when its buyer only changed the seats in time, or ends."""
        known = self.known[pk]
        if known.status not in PAYING:
            return
        if known.reason == "changed" and self.at < known.until:
            known.status, known.reason = "locked", ""
            for label in self.of(pk):
                self.seats[label] = ("locked", pk, known.until)
            return
        lapsed = known.reason in ("lapsed", "changed") or (not known.reason and known.until <= self.at)
        self.end(pk, "expired" if lapsed else "released")

    def a_booking(self, pick, *statuses):
        found = [pk for pk, known in self.known.items() if known.status in statuses]
        return found[pick % len(found)] if found else None

    # ---- the use cases --------------------------------------------------------------------------------------------
    def standing(self, pk):
        """The seats of a confirmed booking whose tickets stand, in the order of the map."""
        known = self.known[pk]
        return [label for label in LABELS if label in known.paid_for and label not in known.gone]

    def cancelled(self, pk, labels, status):
        """These tickets are gone; with the last one the booking has this status."""
        self.known[pk].gone |= set(labels)
        for label in labels:
            self.seats[label] = ("available", None, None)
        if not self.standing(pk):
            self.known[pk].status = status

    def sales_are_closed(self):
        return self.showtime.sales(self.at) != "open"

    @rule(seconds=st.sampled_from([1, 60, 150, 299, 300, 301]))
    def time_passes(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule(who=visitors, labels=label_lists, names_tag=st.booleans())
    def lock(self, who, labels, names_tag):
        pk, own = self.own(who)

        def act():
            request = {"showtime_id": self.showtime.pk, "visitor": self.people[who], "labels": labels}
            return locks.lock_seats(**request, at=self.at, expected=self.expected(who) if names_tag else None).booking

        if names_tag and self.has_changed(who):
            self.refuses_as_changed(who, act)
            return
        if own and own.status in PAYING:
            if own.status != "releasing" and sorted(self.of(pk)) == sorted(labels):
                assert act().pk == pk
            else:
                with pytest.raises(PaymentOpen):
                    act()
            return
        if not labels:
            assert act() is None
            if own:
                self.end(pk, "expired" if self.lapsed(own) else "released")
            return
        if self.sales_are_closed():
            with pytest.raises(SalesClosed):
                act()
            return
        lost = [label for label in labels if not self.takeable(label, pk)]
        if lost:
            with pytest.raises((SeatsTaken, BeingReleased)) as refusal:
                act()
            ending = [label for label in lost if self.being_ended(label)]
            assert refusal.type is (BeingReleased if len(ending) == len(lost) else SeatsTaken)
            assert sorted(refusal.value.seats) == sorted(
                lost if refusal.type is BeingReleased else set(lost) - set(ending)
            )
            return
        booking = act()
        if own and self.lapsed(own):
            self.end(pk, "expired")
        if booking.pk not in self.known:
            self.known[booking.pk] = KnownBooking(who, "locked", self.at + LOCK)
        for label in self.of(booking.pk):
            self.seats[label] = ("available", None, None)
        for label in labels:
            self.seats[label] = ("locked", booking.pk, self.known[booking.pk].until)

    def being_ended(self, label):
        _, booking, _ = self.seats[label]
        known = self.known.get(booking)
        return bool(known) and (known.status == "releasing" or (known.status == "checkout" and known.until <= self.at))

    @rule(who=visitors)
    def release(self, who):
        pk, own = self.own(who)
        if own and own.status in PAYING:
            with pytest.raises(PaymentOpen):
                locks.release_lock(showtime_id=self.showtime.pk, visitor=self.people[who], at=self.at)
            return
        done = locks.release_lock(showtime_id=self.showtime.pk, visitor=self.people[who], at=self.at)
        assert done == bool(own and not self.lapsed(own))
        if own:
            self.end(pk, "expired" if self.lapsed(own) else "released")

    @rule()
    def sweep(self):
        due = [pk for pk, known in self.known.items() if self.lapsed(known)]
        assert locks.expire_locks(at=self.at) == len(due)
        for pk in due:
            self.end(pk, "expired")

    @rule(who=visitors)
    def checkout(self, who):
        pk, own = self.own(who)

        def act():
            with transaction.atomic():
                return bookings.begin_checkout(
                    showtime_id=self.showtime.pk,
                    visitor=self.people[who],
                    email="alice@example.com",
                    payable_until=self.at + PAYABLE,
                    at=self.at,
                )

        if own is None or self.lapsed(own):
            with pytest.raises(LockExpired):
                act()
            return
        booking = act()
        assert booking.pk == pk
        if own.status == "locked":
            own.until = own.until if own.renewed else self.at + LOCK
            own.status, own.renewed, own.paid_for = "checkout", True, self.of(pk)
            for label in self.of(pk):
                self.seats[label] = ("locked", pk, self.at + PAYABLE)
        assert booking.locked_until == own.until

    @rule(pick=picks, reason=st.sampled_from(["given-back", "changed", "cancelled", "declined", "lapsed"]))
    def begin_release(self, pick, reason):
        pk = self.a_booking(pick, "checkout", "releasing", "locked", "confirmed")
        if pk is None:
            return
        bookings.begin_release(booking_id=pk, reason=reason, at=self.at)
        known = self.known[pk]
        if known.status == "checkout" or (known.status == "releasing" and known.reason == "changed"):
            known.status, known.reason = "releasing", reason

    @rule(pick=picks)
    def finish_release(self, pick):
        pk = self.a_booking(pick, *PAYING, "released", "confirmed")
        if pk is None:
            return
        bookings.finish_release(booking_id=pk, at=self.at)
        self.payment_has_ended(pk)

    @rule(pick=picks)
    def processing(self, pick):
        pk = self.a_booking(pick, "checkout", "releasing", "released")
        if pk is None:
            return
        bookings.mark_processing(booking_id=pk, at=self.at)
        known = self.known[pk]
        if known.status in ("checkout", "releasing"):
            known.status, known.reason = "processing", ""
            for label in self.of(pk):
                self.seats[label] = ("locked", pk, self.showtime.ends_at + timedelta(days=1))

    @rule(pick=picks)
    def confirm(self, pick):
        """Also late, and twice."""
        pk = self.a_booking(pick, *PAYING, "released", "expired", "confirmed", "refunding", "cancelled")
        if pk is None:
            return
        known = self.known[pk]
        outcome = bookings.confirm_booking(booking_id=pk, demo=True, at=self.at).value
        if known.status in ("confirmed", "refunding", "cancelled"):
            assert outcome == "already"
            return
        late = known.status in ("released", "expired") and self.at >= self.showtime.starts_at
        if late or not known.paid_for or not all(self.takeable(label, pk) for label in known.paid_for):
            assert outcome == "seats-gone"
            return
        assert outcome == "confirmed"
        known.status, known.reason = "confirmed", ""
        for label in known.paid_for:
            self.seats[label] = ("booked", pk, None)

    @rule(pick=picks)
    def refund(self, pick):
        """Money came for seats that cannot be had any more; nothing for a booking with tickets."""
        pk = self.a_booking(pick, "confirmed", "released", "expired", "refunding")
        if pk is None:
            return
        bookings.begin_refund(booking_id=pk, amount=1150, at=self.at)
        if self.known[pk].status != "confirmed":
            self.end(pk, "refunding")

    @rule(pick=picks)
    def refund_settles(self, pick):
        pk = self.a_booking(pick, "refunding", "confirmed")
        if pk is None:
            return
        bookings.finish_refund(booking_id=pk, at=self.at)
        if self.known[pk].status == "refunding":
            self.known[pk].status = "refunded"

    @rule(pick=picks, labels=st.none() | label_lists.filter(bool), money=st.booleans(), reason=st.sampled_from(REASONS))
    def cancel_tickets(self, pick, labels, money, reason):
        pk = self.a_booking(pick, "confirmed", "refunding", "released")
        if pk is None:
            return
        known = self.known[pk]
        amount = 0
        if known.status == "confirmed":
            amount = 100 * money
            if labels and not set(labels) <= set(known.paid_for):
                with pytest.raises(UnknownSeat), transaction.atomic():
                    self.cancel(pk, labels, amount, reason)
                return
        before = Booking.objects.get(pk=pk).refunded
        cancelled = self.cancel(pk, labels, amount, reason)
        if known.status != "confirmed":
            assert cancelled.tickets == ()
            return
        going = [label for label in self.standing(pk) if labels is None or label in labels]
        assert [ticket.label for ticket in cancelled.tickets] == going
        back = before + (amount if going else 0)
        assert cancelled.booking.refunded == back
        if going:
            self.cancelled(pk, going, "refunding" if back else "cancelled")

    def cancel(self, pk, labels, amount, reason):
        with transaction.atomic():
            return cancellation.cancel_tickets(booking_id=pk, labels=labels, amount=amount, at=self.at, reason=reason)

    @rule(label=st.sampled_from(LABELS))
    def block(self, label):
        self.switch(sales.block_seats, label, "available", "blocked")

    @rule(label=st.sampled_from(LABELS))
    def unblock(self, label):
        self.switch(sales.unblock_seats, label, "blocked", "available")

    def switch(self, act, label, before, after):
        if self.seats[label][0] not in (before, after):
            with pytest.raises(SeatsTaken):
                act(showtime_id=self.showtime.pk, labels=[label], at=self.at)
            return
        act(showtime_id=self.showtime.pk, labels=[label], at=self.at)
        self.seats[label] = (after, None, None)

    # ---- what must always hold ------------------------------------------------------------------------------------
    @invariant()
    def the_rows_are_as_the_model_says(self):
        steps["count"] += 1
        rows = {row.index: row for row in ShowtimeSeat.objects.filter(showtime=self.showtime)}
        for i, (status, booking, until) in enumerate(self.seats.values()):
            assert (rows[i].status, rows[i].booking_id, rows[i].locked_until) == (status, booking, until), LABELS[i]
        stored = dict(Booking.objects.filter(showtime=self.showtime).values_list("pk", "status"))
        assert stored == {pk: known.status for pk, known in self.known.items()}

    @invariant()
    def the_counters_and_the_money_add_up(self):
        showtime = Showtime.objects.get(pk=self.showtime.pk)
        status = [seat[0] for seat in self.seats.values()]
        counted = (showtime.n_available, showtime.n_locked, showtime.n_booked, showtime.n_blocked)
        assert counted == tuple(map(status.count, ("available", "locked", "booked", "blocked")))
        standing = Ticket.objects.filter(booking__showtime=self.showtime).exclude(status="cancelled")
        assert showtime.revenue == sum(standing.values_list("price", flat=True))
        assert set(standing.values_list("label", flat=True)) == {
            label for label, seat in self.seats.items() if seat[0] == "booked"
        }
        mails = OutboxMessage.objects.filter(kind="mail.confirmed", payload__booking__in=list(self.known))
        assert mails.count() == Booking.objects.filter(showtime=self.showtime).exclude(confirmed_at=None).count()

    def follow_the_frames(self):
        for change in self.signals:
            assert change["before"] == self.frames_version
            assert change["version"] == self.frames_version + 1
            for letter, indices in change["seats"].items():
                for i in indices:
                    self.frames_state[i] = letter
            self.frames_version = change["version"]
        self.signals.clear()

    @invariant()
    def snapshot_before_and_frames_give_the_snapshot_after(self):
        self.follow_the_frames()
        now = read_map(self.showtime.pk)
        assert ("".join(self.frames_state), self.frames_version) == (now.state, now.version)
        assert now.digest == zlib.crc32(now.state.encode())

    @invariant()
    def history_leads_to_the_same_state(self):
        self.follow_the_frames()
        state = dict.fromkeys(range(len(LABELS)), "available")
        changes = SeatChange.objects.filter(showtime=self.showtime).order_by("version", "index")
        for change in changes:
            assert change.before == state[change.index]
            state[change.index] = change.after
        assert [LETTERS[status] for status in state.values()] == self.frames_state
        assert sorted({change.version for change in changes}) == list(range(1, self.frames_version + 1))
        since = self.frames_version // 2
        part = read_changes(self.showtime.pk, since).seats
        assert set(part) == {change.index for change in changes if change.version > since}
