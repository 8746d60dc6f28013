"""The demo gateway's payment page, in place of Stripe's. Mounted only with demo payments."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from booking.refusals import Invalid, NotFound
from cinema.database import clock
from payments.gateways.demo import decline, describe, describe_intent, enqueue_event, pay
from payments.gateways.interface import GatewayRefused, SessionRequest
from payments.models import DemoSession, Payment
from payments.pages.checkout import SeeOther

LATE = timedelta(seconds=2)  # after the deadline


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def demo_payment(request: HttpRequest, session_id: str) -> HttpResponse:
    """One form; its buttons pay, decline the card, cancel, pay twice, pay too late. Raises NotFound."""
    session = DemoSession.objects.filter(session_id=session_id).first()
    if session is None:
        raise NotFound("There is no such payment.")
    if request.method != "POST":
        return _show(request, session)
    action = request.POST.get("action", "")
    session_request = SessionRequest.from_json(session.request)
    if action == "cancel":
        return SeeOther(session_request.cancel_url)
    try:
        session = _act(request, session_id, action, clock.now())
    except GatewayRefused:  # ended while the page was open
        return _show(request, DemoSession.objects.get(session_id=session_id), status=409)
    if action in ("pay", "pay-twice"):
        return SeeOther(session_request.success_url.replace("{CHECKOUT_SESSION_ID}", session_id))
    return _show(request, session, done=action)


@transaction.atomic(durable=True)
def _act(request: HttpRequest, session_id: str, action: str, at: datetime) -> DemoSession:
    """The change of the session and its event, committed together on return.

    Raises:
        GatewayRefused: the session has ended.
        Invalid: there is no such button.
    """
    if action == "decline":
        session = decline(session_id)
        enqueue_event("payment_intent.payment_failed", describe_intent(session), request, at=at)
        return session
    if action not in ("pay", "pay-twice", "pay-late"):
        raise Invalid("Press one of the buttons.")
    was_open = DemoSession.objects.filter(session_id=session_id, status=DemoSession.Status.OPEN).exists()
    session = pay(session_id)
    if was_open:
        delay = _until_late(session_id, at) if action == "pay-late" else timedelta(0)
        copies = 2 if action == "pay-twice" else 1
        enqueue_event("checkout.session.completed", describe(session), request, at=at, delay=delay, copies=copies)
    return session


def _until_late(session_id: str, at: datetime) -> timedelta:
    """How long until LATE after the deadline of the payment."""
    payment = Payment.objects.select_related("booking").filter(session_id=session_id).first()
    until = payment.booking.locked_until if payment else None
    return max(timedelta(0), until - at) + LATE if until else LATE


def _show(request: HttpRequest, session: DemoSession, *, done: str = "", status: int = 200) -> HttpResponse:
    payment = Payment.objects.select_related("booking__showtime__movie").filter(session_id=session.session_id).first()
    releases = settings.DECLINE_POLICY == "release"
    context = {
        "releases": releases,
        "can_pay": session.status == DemoSession.Status.OPEN and not (session.declined and releases),
        "session": session,
        "asked": SessionRequest.from_json(session.request),
        "payment": payment,
        "booking": payment.booking if payment else None,
        "done": done,
    }
    return render(request, "payments/demo.html", context, status=status)
