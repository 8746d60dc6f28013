"""The staff page of money: today's sums, open alerts, dead letters, pending refunds, and the actions on them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from booking.models import OutboxMessage
from booking.outbox.messages import retry
from booking.refusals import Refusal
from cinema.accounts.staff import money_page
from cinema.database import clock
from cinema.plain_text import one_line
from payments import ledger, refunds
from payments.models import MoneyAlert, Refund
from payments.pages.checkout import SeeOther
from payments.staff import money_overview as money
from payments.staff import timeline_texts as texts
from payments.staff.bookings import staff_actor
from payments.staff.timeline import UnhandledMessage

MAX_SHOWN = 100
CLOSED_SHOWN = 10
LONGEST_RESOLUTION = 250


@money_page
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Everything that needs a person."""
    return render(request, "staff/money.html", read_money(clock.now()))


def read_money(at: datetime) -> dict[str, Any]:
    """Everything the page shows: a fixed number of queries."""
    today = money.sum_today(at=at)
    ours = today.pop(settings.CURRENCY, money.Sums(settings.CURRENCY))
    dead = list(money.dead_letters()[: MAX_SHOWN + 1])
    under_way = list(money.refunds_under_way()[:MAX_SHOWN])
    return {
        "section": "money",
        "now": at,
        "currency": settings.CURRENCY,
        "today": ours,
        "others": list(today.values()),
        "alerts": money.with_remedies(money.open_alerts()[:MAX_SHOWN]),
        "dead": _dead_letters(dead[:MAX_SHOWN]),
        "more_dead": len(dead) > MAX_SHOWN,
        "under_way": [_under_way(refund) for refund in under_way],
        "n_under_way": money.refunds_under_way().count(),
        "under_way_sum": money.sum_under_way().get(settings.CURRENCY, 0),
        "closed": [_settled(alert) for alert in _closed()],
    }


def _dead_letters(dead: list[OutboxMessage]) -> list[dict[str, Any]]:
    subjects = money.read_subjects(dead)
    lines = []
    for message in dead:
        booking = subjects.booking_of(message)
        what = texts.describe_message(message, subjects.refunds, booking) if booking else message.kind
        lines.append({"line": UnhandledMessage(message, what, is_dead=True), "booking": booking})
    return lines


def _under_way(refund: Refund) -> dict[str, Any]:
    return {
        "refund": refund,
        "why": texts.describe_reason(refund),
        "seats": [seat.ticket.label for seat in refund.seats.all()],
    }


def _closed() -> list[MoneyAlert]:
    closed = MoneyAlert.objects.exclude(closed_at=None).select_related("booking")
    return list(closed.order_by("-closed_at", "-pk")[:CLOSED_SHOWN])


def _settled(alert: MoneyAlert) -> dict[str, Any]:
    return {"alert": alert, "by": texts.name_actor(alert.closed_by)}


@money_page
@require_POST
def close_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Close an alert; a person says how the problem was settled."""
    alert = get_object_or_404(MoneyAlert, pk=alert_id)
    resolution = one_line(request.POST.get("resolution", ""))[:LONGEST_RESOLUTION]
    if not resolution:
        messages.error(request, _("Say in a word how it was settled; nothing was closed."))
    elif alert.closed_at is not None:
        messages.info(request, _("Somebody had closed that already."))
    else:
        ledger.close_alert(alert_id=alert.pk, by=staff_actor(request), resolution=resolution, at=clock.now())
        messages.success(request, _("Closed."))
    return SeeOther(where_from(request, alert.booking.reference if alert.booking else ""))


@money_page
@require_POST
def retry_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """Retry a dead letter of the outbox."""
    if retry(message_id=message_id, at=clock.now()):
        messages.success(request, _("It is being tried again, from the first attempt."))
    else:
        messages.info(request, _("That is not given up any more; nothing was changed."))
    return SeeOther(where_from(request, request.POST.get("reference", "")))


@money_page
@require_POST
def retry_refund(request: HttpRequest, refund_id: int) -> HttpResponse:
    """Replace a failed refund by a new one."""
    refund = get_object_or_404(Refund.objects.select_related("payment__booking"), pk=refund_id)
    try:
        refunds.retry_refund(refund_id=refund.pk, by=staff_actor(request), at=clock.now())
        messages.success(request, _("The bank is being asked again."))
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return SeeOther(where_from(request, refund.payment.booking.reference))


def where_from(request: HttpRequest, reference: str) -> str:
    """The page of the button: this booking's timeline, or the page of money."""
    if request.POST.get("back") == "story" and re.fullmatch(r"[0-9A-Z-]{1,16}", reference):
        return reverse("payments:staff-booking", args=[reference])
    return reverse("payments:staff-money")
