"""The two ways back from the payment page: having paid, and not having paid.

A link is only looked at; what ends a payment is the buyer's own way back, told apart by an address that nobody else has
(`is_way_back`), or a button.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from booking.access import find_own_booking
from booking.models import Booking
from cinema.database import clock
from payments.checkout import WAY_BACK
from payments.models import Payment
from payments.reconciliation import reconcile_payment
from payments.session_end import end_payment

Status = Booking.Status
AHEAD_OF_A_CLICK = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")  # headers of browsers that fetch or show ahead


@never_cache
@require_safe
def payment_return(request: HttpRequest, reference: str) -> HttpResponse:
    """Back from the payment page, having paid: query the gateway now instead of waiting for its event.

    Any GET may ask: the answer is the gateway's, and the same as the loop would find. HEAD only looks.
    """
    booking = find_own_booking(request, reference)
    payment = _payment_of(request, booking)
    if payment is not None and payment.is_active and request.method == "GET":
        reconcile_payment(payment, at=clock.now())
        booking.refresh_from_db()
    if payment is not None and booking.status in (Status.CHECKOUT, Status.RELEASING):
        here = request.get_full_path()
        context = {"booking": booking, "payment": payment, "here": here}
        response = render(request, "payments/waiting.html", context)
        response["Refresh"] = f"2; url={here}"
        return response
    return redirect("booking:booking", booking.reference)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def payment_cancel(request: HttpRequest, reference: str) -> HttpResponse:
    """Back from the payment page, not having paid: end the session, then free the seats at once.

    Without the address of the way back it shows a button, and changes nothing.
    """
    booking = find_own_booking(request, reference)
    if booking.status in Booking.PAYING:
        payment = booking.payments.active().first()
        if request.method != "POST" and not is_way_back(request, payment):
            # An error, so that a browser does not show what it has fetched ahead when the buyer does come back.
            status = 403 if is_fetched_ahead(request) else 200
            return render(
                request, "payments/cancel_payment.html", {"booking": booking, "payment": payment}, status=status
            )
        end_payment(booking_id=booking.pk, reason="cancelled", at=clock.now())
        booking.refresh_from_db()
        if booking.status in (*Booking.ENDED_UNPAID, Status.LOCKED):
            messages.info(request, _("The payment is cancelled. Nothing was charged, and the seats are free again."))
    if booking.status in (*Booking.ENDED_UNPAID, Status.LOCKED):
        return redirect("booking:showtime", booking.showtime_id)
    return redirect("booking:booking", booking.reference)


def is_way_back(request: HttpRequest, payment: Payment | None) -> bool:
    """Whether the buyer comes back from the page of this payment.

    The address carries a random token of this one payment, which was given to the gateway and to nobody else, and the
    browser goes to it as a page: not for an image, a frame or a script, not ahead of a click, and not with HEAD.
    Browsers that send no `Sec-Fetch-*` are known by the token alone.
    """
    if payment is None or request.method != "GET" or is_fetched_ahead(request):
        return False
    token = QueryDict(urlsplit(payment.request.get("cancel_url", "")).query).get(WAY_BACK, "")
    is_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    is_page = is_page and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    return is_page and bool(token) and constant_time_compare(token, request.GET.get(WAY_BACK, ""))


def is_fetched_ahead(request: HttpRequest) -> bool:
    """A browser prefetches, prerenders or previews a link that nobody has followed."""
    purposes = " ".join(request.headers.get(name, "") for name in AHEAD_OF_A_CLICK).lower()
    return "prefetch" in purposes or "preview" in purposes


def _payment_of(request: HttpRequest, booking: Booking) -> Payment | None:
    """The payment of the session in the query, else the newest."""
    named = booking.payments.filter(session_id=request.GET.get("session", "")).first()
    return named or booking.payments.first()
