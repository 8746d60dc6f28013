"""The model of a cinema with payments, refunds by seat, failures, disputes and a cancelled showtime.

Every step calls the functions that webhooks, pages and the loop use. After each one the rows are as the model says, and
the ledger's check finds no difference.
"""

from collections import defaultdict
from datetime import timedelta
from itertools import count

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from booking import bookings
from booking.models import Booking, Ticket
from booking.refusals import (
    Invalid,
    LockExpired,
    NothingToCancel,
    PaymentDisputed,
    TicketUsed,
    TooLateToCancel,
    UnknownSeat,
)
from cinema.models import Showtime
from payments import refunds
from payments.disputes import apply_dispute
from payments.gateways.interface import RefundState, Session
from payments.ledger import BUYER
from payments.ledger_audit import find_differences
from payments.models import Payment, Refund
from payments.refund_updates import RefundSnapshot, apply_refund, apply_refund_of
from payments.settlement import apply_session, record_creation
from tests.booking.model.seat_model import PAYABLE, PAYING, SeatMachine, label_lists, picks, visitors
from tests.payments.money import STAFF, set_terms

FEE = 25
CUT_OFF = 120  # minutes
done = defaultdict(int)
numbers = count()


class MoneyMachine(SeatMachine):
    refund = refund_settles = cancel_tickets = None  # replaced by rules on payments
    block = unblock = sweep = release = None  # without money

    def __init__(self):
        super().__init__()
        set_terms(self.showtime, (1440, 100), (CUT_OFF, 50), fee=FEE)
        self.called_off = False
        self.used = set()  # ticket keys
        self.disputes = {}  # id -> payment key; a dispute that was won is removed
        self.lost = set()  # ids of those that were lost

    @initialize()
    def two_bookings_are_paid(self):
        for who, labels in ((0, ["A1", "A2", "A3"]), (1, ["B1", "B2"])):
            self.lock(who, labels, names_tag=False)
            self.checkout(who)
            self.confirm(who)

    def sales_are_closed(self):
        return self.called_off or super().sales_are_closed()

    def payments(self, pk):
        return list(Payment.objects.filter(booking=pk).order_by("pk"))

    def apply(self, payment, status="complete", paid="paid", **more):
        """Apply a snapshot of the gateway's session, as the webhook would."""
        session = Session(
            id=payment.session_id or f"cs_{payment.pk}",
            status=status,
            payment_status=paid,
            amount=payment.amount,
            currency=payment.currency,
            livemode=False,
            payment_intent=f"pi_{payment.pk}" if paid == "paid" else None,
            url=None,
            reference="",
            key="",
        )
        return apply_session(payment_id=payment.pk, session=session, at=self.at, **more)

    def settled(self, pk):
        """The booking is refunded when none of its refunds is pending or waits for a person."""
        known = self.known[pk]
        own = Refund.objects.filter(payment__booking=pk).exclude(payment__refunds__reason="duplicate")
        failed = own.filter(status="failed", refund=None)  # also one made outside: no alert is closed in this model
        waiting = own.filter(status__in=("requested", "submitted")).exists()
        if known.status == "refunding" and not waiting and not failed.exists():
            known.status = "refunded"

    def own_payment(self, pk):
        return next((each for each in self.payments(pk) if each.status == "paid" and not self.is_double(each)), None)

    def is_double(self, payment):
        return payment.refunds.filter(reason="duplicate").exists()

    # ---- paying --------------------------------------------------------------------------------
    @rule(hours=st.sampled_from([20, 23]))
    def a_day_passes(self, hours):
        self.at += timedelta(hours=hours)

    @rule(who=visitors)
    def checkout(self, who):
        pk, own = self.own(who)
        act = {"showtime_id": self.showtime.pk, "visitor": self.people[who], "email": "alice@example.com"}
        if own is None or self.lapsed(own):
            with pytest.raises(LockExpired):
                bookings.begin_checkout(**act, payable_until=self.at + PAYABLE, at=self.at)
            return
        with transaction.atomic():
            booking = bookings.begin_checkout(**act, payable_until=self.at + PAYABLE, at=self.at)
            payment = self.new_payment(booking) if own.status == "locked" else None
        if payment is not None:
            assert self.apply(payment, "open", "unpaid") == "open"
            own.until = own.until if own.renewed else self.at + timedelta(minutes=5)
            own.status, own.renewed, own.paid_for = "checkout", True, self.of(pk)
            for label in self.of(pk):
                self.seats[label] = ("locked", pk, self.at + PAYABLE)

    def new_payment(self, booking):
        number = Payment.objects.count()
        payment = Payment.objects.create(
            booking=booking,
            provider="demo",
            livemode=False,
            amount=booking.total,
            currency=booking.currency,
            email=booking.email,
            idempotency_key=f"pay_{booking.pk}_{number}",
            request={},
            expires_at=self.at + timedelta(minutes=31),
            created_at=self.at,
        )
        record_creation(payment, self.at)
        return payment

    @rule(pick=picks)
    def finish_release(self, pick):
        """The gateway reports the session as ended without payment."""
        pk = self.a_booking(pick, *PAYING, "released", "confirmed")
        if pk is None or not self.payments(pk):
            return
        payment = self.payments(pk)[-1]
        delayed = payment.status == "processing"
        self.apply(payment, "complete" if delayed else "expired", "unpaid", failed=delayed)
        self.payment_has_ended(pk)

    @rule(pick=picks)
    def processing(self, pick):
        pk = self.a_booking(pick, "checkout", "releasing", "released")
        if pk is None or not self.payments(pk):
            return
        self.apply(self.payments(pk)[-1], "complete", "unpaid")
        known = self.known[pk]
        if known.status in ("checkout", "releasing"):
            known.status, known.reason = "processing", ""
            for label in self.of(pk):
                self.seats[label] = ("locked", pk, self.showtime.ends_at + timedelta(days=1))

    @rule(pick=picks)
    def confirm(self, pick):
        """The payment succeeds: in time, late, twice, or for seats that are taken."""
        pk = self.a_booking(pick, *PAYING, "released", "expired", "confirmed", "refunding")
        if pk is None or not self.payments(pk):
            return
        payment, known = self.payments(pk)[-1], self.known[pk]
        outcome = self.apply(payment)
        if payment.status == "paid":
            assert outcome == "already"
            return
        done[outcome] += 1
        late = known.status in ("released", "expired") and self.at >= self.showtime.starts_at
        if self.called_off or late or not all(self.takeable(label, pk) for label in known.paid_for):
            assert outcome == "refunding"
            self.end(pk, "refunding")
            return
        assert outcome == "confirmed"
        known.status, known.reason = "confirmed", ""
        for label in known.paid_for:
            self.seats[label] = ("booked", pk, None)

    @rule(pick=picks)
    def an_earlier_session_is_paid_later(self, pick):
        """Not the last session: its payment is refunded, and nothing else changes."""
        pk = self.a_booking(pick, *self.statuses())
        if pk is None or len(self.payments(pk)) < 2:
            return
        first = self.payments(pk)[0]
        expected = "already" if first.status == "paid" else "refunding"
        assert self.apply(first) == expected
        done["paid twice"] += expected == "refunding"

    def statuses(self):
        return {known.status for known in self.known.values()}

    # ---- cancelling --------------------------------------------------------------------------------
    @rule(pick=picks, labels=st.none() | label_lists.filter(bool), by=st.sampled_from([BUYER, STAFF]))
    def cancel(self, pick, labels, by):
        pk = self.a_booking(pick, "confirmed", "confirmed", "refunding", "locked", "checkout", "refunded")
        if pk is None:
            return
        known, refusal = self.known[pk], self.why_not(pk, labels, by)
        act = {"booking_id": pk, "labels": labels, "by": by, "at": self.at}
        if refusal is not None:
            version = Showtime.objects.get(pk=self.showtime.pk).version
            with pytest.raises(refusal):
                refunds.cancel_booking(**act)
            assert Showtime.objects.get(pk=self.showtime.pk).version == version
            done[refusal.__name__] += 1
            return
        going = self.going(pk, labels)
        back = refunds.cancel_booking(**act).refunded
        if known.status == "confirmed" and going:
            assert back >= 0
            done["cancelled by " + ("staff" if by.is_staff else "buyer")] += 1
            self.end_tickets(pk, going)

    def end_tickets(self, pk, going):
        """A booking without tickets is being refunded; only a lost dispute may leave nothing to refund."""
        payment = self.own_payment(pk)
        due = payment.refunds.exists() or payment.pk not in self.disputes.values()
        self.cancelled(pk, going, "refunding" if due else "cancelled")
        self.settled(pk)

    def is_undecided(self, pk):
        payment = self.own_payment(pk)
        return any(payment.pk == key and name not in self.lost for name, key in self.disputes.items())

    def going(self, pk, labels):
        standing = self.standing(pk) if self.known[pk].status == "confirmed" else []
        if standing and self.called_off and (labels is None or set(labels) & set(standing)):
            return standing
        return [label for label in standing if labels is None or label in labels]

    def why_not(self, pk, labels, by):
        known = self.known[pk]
        if known.status in ("locked", *PAYING):
            return NothingToCancel
        tickets = dict(Ticket.objects.filter(booking=pk).values_list("label", "pk"))
        if labels is not None and not set(labels) <= set(tickets):
            return UnknownSeat
        going = self.going(pk, labels)
        if not going:
            return None
        if self.is_undecided(pk) or (self.own_payment(pk).pk in self.disputes.values() and not by.is_staff):
            return PaymentDisputed
        if self.called_off or by.is_staff:
            return None
        if self.showtime.starts_at - self.at < timedelta(minutes=CUT_OFF):
            return TooLateToCancel
        return TicketUsed if {tickets[label] for label in going} & self.used else None

    @rule(pick=picks)
    def a_ticket_is_used(self, pick):
        valid = list(Ticket.objects.filter(booking__showtime=self.showtime, status="valid").order_by("pk"))
        if valid:
            ticket = valid[pick % len(valid)]
            Ticket.objects.filter(pk=ticket.pk).update(status="used", used_at=self.at)
            self.used.add(ticket.pk)

    @rule(pick=picks)
    def the_showtime_is_cancelled(self, pick):
        if pick != 7 or self.called_off:  # rarely: afterwards nothing is sold
            return
        refunds.cancel_showtime(showtime_id=self.showtime.pk, by=STAFF, at=self.at)
        self.showtime.refresh_from_db()
        self.called_off = True
        for pk, known in self.known.items():
            if known.status == "locked":
                self.end(pk, "released")
            elif known.status == "checkout" or (known.status == "releasing" and known.reason == "changed"):
                # One whose seats are being changed ends with its payment.
                known.reason = "showtime" if known.status == "checkout" else known.reason
                known.status = "releasing"
            elif known.status == "confirmed":
                refunds.handle_cancel_booking({"booking": pk, "actor": "staff:ines"})
                if not self.is_undecided(pk):
                    self.end_tickets(pk, self.standing(pk))
        done["showtime cancelled"] += 1

    @rule(pick=picks, status=st.sampled_from(["pending", "succeeded", "succeeded", "failed"]))
    def a_refund_is_updated(self, pick, status):
        found = list(Refund.objects.filter(payment__booking__showtime=self.showtime).order_by("pk"))
        if not found:
            return
        refund = found[pick % len(found)]
        before = (Booking.objects.get(pk=refund.payment.booking_id).refunded, refund.status)
        state = RefundState(refund.refund_id or f"re_{refund.pk}", status, "declined" if status == "failed" else "")
        outcome = apply_refund(refund_id=refund.pk, state=state, at=self.at)
        settled = refund.status in ("succeeded", "failed")
        stays = (settled and (refund.status, status) != ("succeeded", "failed")) or status == refund.status
        assert (outcome == "already") == (stays or (status == "pending" and refund.status == "submitted"))
        after = Booking.objects.get(pk=refund.payment.booking_id).refunded
        counts = outcome == "failed" and not self.is_double(refund.payment)
        assert after == before[0] - (refund.amount if counts else 0)
        done[f"refund {outcome}"] += 1
        if outcome == "succeeded":
            self.settled(refund.payment.booking_id)

    @rule(pick=picks)
    def retry_refund(self, pick):
        failed = list(Refund.objects.filter(status="failed", payment__booking__showtime=self.showtime).order_by("pk"))
        if not failed:
            return
        refund = failed[pick % len(failed)]
        act = {"refund_id": refund.pk, "by": STAFF, "at": self.at}
        if Refund.objects.filter(replaces=refund).exists():
            assert refunds.retry_refund(**act).replaces == refund
            return
        if refund.payment_id in self.disputes.values():
            with pytest.raises(PaymentDisputed):
                refunds.retry_refund(**act)
            return
        standing = refund.payment.refunds.exclude(status="failed").values_list("amount", flat=True)
        if refund.amount > refund.payment.received - sum(standing):
            with pytest.raises(Invalid):
                refunds.retry_refund(**act)
            return
        assert refunds.retry_refund(**act).amount == refund.amount
        done["asked again"] += 1

    @rule(pick=picks, amount=st.sampled_from([100, 575]))
    def a_refund_is_made_at_the_gateway(self, pick, amount):
        pk = self.a_booking(pick, "confirmed", "refunding")
        payment = self.own_payment(pk) if pk is not None else None
        if payment is None or payment.pk in self.disputes.values():
            return
        standing = payment.refunds.exclude(status="failed").values_list("amount", flat=True)
        if amount > payment.received - sum(standing):
            return
        snapshot = RefundSnapshot(RefundState(f"re_out_{Refund.objects.count()}", "succeeded", ""), amount)
        assert apply_refund_of(payment_id=payment.pk, snapshot=snapshot, at=self.at) == "succeeded"
        self.settled(pk)
        done["refunded outside"] += 1

    @rule(pick=picks, ends=st.sampled_from(["", "won", "lost", "won"]))
    def a_dispute(self, pick, ends):
        paid = list(Payment.objects.filter(booking__showtime=self.showtime, status="paid").order_by("pk"))
        if not paid:
            return
        if self.disputes and ends:
            name = sorted(self.disputes)[pick % len(self.disputes)]
            payment_id = self.disputes[name]
            found = {"id": name, "amount": 100, "status": ends}
            outcome = apply_dispute(payment_id=payment_id, kind="charge.dispute.closed", snapshot=found, at=self.at)
            done[f"dispute {outcome}"] += 1
            if outcome == "won":
                del self.disputes[name]
            elif outcome == "lost":
                self.lost.add(name)
            return
        payment, name = paid[pick % len(paid)], f"dp_{next(numbers)}"
        found = {"id": name, "amount": 100, "status": "needs_response"}
        for kind in ("created", "funds_withdrawn", "created"):
            apply_dispute(payment_id=payment.pk, kind=f"charge.dispute.{kind}", snapshot=found, at=self.at)
        self.disputes[name] = payment.pk

    # ---- invariants --------------------------------------------------------------------------------
    @invariant()
    def everything_adds_up(self):
        assert find_differences(recheck_after=0) == []

    @invariant()
    def payments_are_disputed_as_the_model_says(self):
        disputed = set(Payment.objects.filter(disputed=True).values_list("pk", flat=True))
        assert disputed == set(self.disputes.values())
