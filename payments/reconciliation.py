"""Comparing payments and refunds with the gateway, and correcting them here.

Events may come late, never, or while the server is down; a refund may be made at the gateway itself. Everything found
is applied by the functions that the webhook uses, so this may run at any time, twice, and beside webhooks. Never call
it inside a transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from booking.bookings import begin_release
from booking.models import Booking
from payments.events import ACTIONS, MALFORMED, process_event
from payments.gateways.factory import gateway
from payments.gateways.interface import MOST_LISTED, Event, GatewayRefused, GatewayUnavailable, read_refund
from payments.models import Payment, Refund, StripeWebhookEvent
from payments.refund_updates import apply_refund
from payments.session_end import reconcile, settle
from payments.unknown_payments.finding import alert_unknown, unknown_among, without_alert
from payments.unknown_payments.giving_back import adopt_sessions

log = logging.getLogger(__name__)

# A younger payment is still being started or paid; the buyer's own requests report its state.
YOUNG = timedelta(seconds=20)
# A younger refund is still being requested.
YOUNG_REFUND = timedelta(minutes=2)
LOOK_BACK = timedelta(days=3)  # Stripe tries to deliver an event for as long
MAX_UNANSWERED = 3  # queries in a row, after which the gateway counts as down
NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was queried, its state here before, and after."""

    subject: str
    before: str
    after: str

    @property
    def is_change(self) -> bool:
        """The state here has changed."""
        return self.after not in (self.before, NO_ANSWER)


@dataclass
class Report:
    """What a reconciliation found."""

    findings: list[Finding] = field(default_factory=list)

    def add(self, subject: str, before: str, after: str) -> None:
        """Append a finding."""
        self.findings.append(Finding(subject, before, after))

    @property
    def changes(self) -> list[Finding]:
        """The findings that changed something here."""
        return [found for found in self.findings if found.is_change]

    @property
    def unanswered(self) -> list[Finding]:
        """The findings without an answer of the gateway."""
        return [found for found in self.findings if found.after == NO_ANSWER]


def reconcile_payment(payment: Payment, *, at: datetime) -> bool:
    """Query one payment and apply the result. Returns whether the gateway answered."""
    releasing = payment.booking.status == Booking.Status.RELEASING
    return settle(payment, at=at) if releasing else reconcile(payment, at=at)


def reconcile_refund(refund: Refund, *, at: datetime) -> str:
    """Query one refund and apply the result. Returns its status now.

    Raises:
        GatewayUnavailable, GatewayRefused: the gateway gave no answer.
    """
    found = _find_refund(refund)
    if found is not None:
        apply_refund(refund_id=refund.pk, state=read_refund(found), at=at, key=refund.idempotency_key)
    return Refund.objects.values_list("status", flat=True).get(pk=refund.pk)


def reconcile_all(*, at: datetime, since: datetime | None = None) -> Report:
    """Query the gateway about everything that may have changed there.

    Payments that are open, processing or being ended; those abandoned without an answer; pending refunds; refunds made
    at the gateway itself; events that were never delivered; payments that are not in the database.

    Args:
        since: look at all refunds made since then; by default at the newest of the last three days.
    """
    report = Report()
    _reconcile_payments(report, at)
    _reconcile_refunds(report, at)
    _find_refunds(report, at, since)
    _fetch_events(report, at)
    _find_unknown(report, at)
    for found in report.changes:
        log.warning("reconciled: %s: %s, now %s", found.subject, found.before, found.after)
    return report


def _reconcile_payments(report: Report, at: datetime) -> None:
    for booking in Booking.objects.overdue(at):
        begin_release(booking_id=booking.pk, reason="lapsed", at=at)
    # Money may have arrived for a payment that was abandoned without an answer.
    abandoned = Q(abandoned=True, status=Payment.Status.EXPIRED, settled_at__gte=at - LOOK_BACK)
    active = Q(status__in=Payment.ACTIVE, created_at__lte=at - YOUNG)
    n_unanswered = 0
    for payment in Payment.objects.filter(active | abandoned).select_related("booking").order_by("pk"):
        answered = reconcile_payment(payment, at=at)
        now = Payment.objects.only("status").get(pk=payment.pk)
        report.add(f"payment of {payment.booking.reference}", payment.status, now.status if answered else NO_ANSWER)
        n_unanswered = 0 if answered else n_unanswered + 1
        if n_unanswered >= MAX_UNANSWERED:
            return


def _reconcile_refunds(report: Report, at: datetime) -> None:
    """Refunds that the gateway has, and those that it may have under an id that is unknown here."""
    waiting = Refund.objects.filter(created_at__lte=at - YOUNG_REFUND).select_related("payment__booking")
    underway = (Refund.Status.REQUESTED, Refund.Status.SUBMITTED)
    for refund in waiting.filter(status__in=underway).order_by("pk"):
        subject = f"refund of {refund.payment.booking.reference}"
        try:
            after = reconcile_refund(refund, at=at)
        except (GatewayUnavailable, GatewayRefused) as error:
            log.warning("reconciling %s: %s", subject, error)
            after = NO_ANSWER
        report.add(subject, refund.status, after)


def _find_refund(refund: Refund) -> dict[str, Any] | None:
    """The gateway's snapshot of it; None when the gateway has none: its outbox message is not handled yet."""
    at_gateway = gateway(refund.payment.provider)
    if refund.refund_id is not None:
        return at_gateway.retrieve_refund(refund.refund_id)
    if refund.payment.payment_intent is None:
        return None
    listed = at_gateway.list_refunds(refund.payment.payment_intent)
    named = (found for found in listed if (found.get("metadata") or {}).get("refund") == refund.idempotency_key)
    return next(named, None)


def _find_refunds(report: Report, at: datetime, since: datetime | None) -> None:
    """Refunds that were made, or have changed, at the gateway without an event."""
    provider = current_provider()
    try:
        most = MOST_LISTED if since is None else None
        recent = gateway(provider).recent_refunds(since or at - LOOK_BACK, most=most)
    except (GatewayUnavailable, GatewayRefused) as error:
        log.warning("reconciling refunds: %s", error)
        report.add("refunds made outside", "", NO_ANSWER)
        return
    ours = set(
        Payment.objects.filter(
            provider=provider, payment_intent__in={str(found.get("payment_intent")) for found in recent}
        ).values_list("payment_intent", flat=True)
    )
    known = dict(
        Refund.objects.filter(refund_id__in=[found["id"] for found in recent]).values_list("refund_id", "status")
    )
    changed = (
        Event(
            id=f"asked:{found['id']}:{found['status']}",
            kind="refund.updated",
            livemode=gateway(provider).livemode,
            object=found,
        )
        for found in recent
        if found.get("payment_intent") in ours and not _same(known.get(found["id"]), str(found["status"]))
    )
    _process_missed(report, provider, changed, at)


def _same(here: str | None, there: str) -> bool:
    """Whether our status of a refund is the gateway's."""
    if there in ("failed", "canceled"):
        return here == Refund.Status.FAILED
    if there == "succeeded":
        return here in (Refund.Status.SUCCEEDED, Refund.Status.FAILED)
    return here is not None


def _fetch_events(report: Report, at: datetime) -> None:
    """Events that were not delivered; those received another way are stored already."""
    provider = current_provider()
    try:
        missed = gateway(provider).undelivered_events(at - LOOK_BACK, list(ACTIONS))
    except (GatewayUnavailable, GatewayRefused) as error:
        log.warning("reconciling events: %s", error)
        report.add("undelivered events", "", NO_ANSWER)
        return
    _process_missed(report, provider, missed, at)


def _find_unknown(report: Report, at: datetime) -> None:
    """Sessions that the database does not know, as after a restored backup: an alert for each that was paid."""
    provider = current_provider()
    try:
        sessions = gateway(provider).recent_sessions(at - LOOK_BACK)
    except (GatewayUnavailable, GatewayRefused) as error:
        log.warning("reconciling sessions: %s", error)
        report.add("payments that are not in the database", "", NO_ANSWER)
        return
    for payment, outcome in adopt_sessions(sessions, provider=provider, at=at):
        report.add(f"payment of {payment.booking.reference}", "without a session", outcome)
    unknown = [each for each in unknown_among(sessions, provider=provider) if each.session.is_paid]
    for each in without_alert(unknown):
        alert_unknown(each, at=at)
        report.add(f"payment of {each.session.reference}", "not in the database", "alert raised")


def _process_missed(report: Report, provider: str, events: Iterable[Event], at: datetime) -> None:
    missed = list(events)
    stored = set(
        StripeWebhookEvent.objects.filter(event_id__in=[event.id for event in missed]).values_list(
            "event_id", flat=True
        )
    )
    for event in missed:
        if event.id in stored:
            continue
        try:
            outcome = process_event(provider=provider, event=event, at=at)
        except MALFORMED as error:
            outcome = f"unreadable: {error}"
        report.add(f"{event.kind} {event.id}", "not told", outcome)


def current_provider() -> str:
    """Whose payments are made now: the demo's or Stripe's."""
    return Payment.Provider.DEMO if settings.DEMO_PAYMENTS else Payment.Provider.STRIPE
