"""Who may see a booking: its owner, the holder of the link in its mails, and staff.

References are hard to guess, and who guesses many is refused (`booking.clients.pace`). Who may see a booking sees it,
whatever others at the same address do.
"""

from __future__ import annotations

from django.http import HttpRequest

from booking.clients.client import client_of
from booking.clients.pace import UNKNOWN_REFERENCES, check_pace, count_use
from booking.models import Booking
from booking.refusals import NotFound, RateLimited, Refusal
from booking.tickets.codes import check_key
from booking.visitors import visitor_of
from cinema.database import clock


def find_booking(request: HttpRequest, reference: str) -> Booking:
    """The booking of this reference, in any case of letters.

    Raises:
        NotFound: there is none, or this request may not see it; the answer is the same for both.
        RateLimited: too many such requests came from this address.
    """
    bookings = Booking.objects.select_related("showtime__movie", "showtime__screen__cinema", "showtime__plan")
    booking = bookings.filter(reference=reference.upper()).first()
    if booking is None or not may_see(request, booking):
        raise refusal_for(request)
    return booking


def find_own_booking(request: HttpRequest, reference: str) -> Booking:
    """The booking of this reference, if it is that of the request's visitor. Raises as `find_booking`."""
    booking = Booking.objects.filter(reference=reference.upper()).first()
    if booking is None or booking.visitor != visitor_of(request):
        raise refusal_for(request)
    return booking


def may_see(request: HttpRequest, booking: Booking) -> bool:
    """Whether the request is from staff or the booking's visitor, or carries the booking's `?key=`."""
    if getattr(request.user, "is_staff", False):
        return True
    return booking.visitor == visitor_of(request) or check_key(booking, request.GET.get("key", ""))


def refusal_for(request: HttpRequest) -> Refusal:
    """Count a reference that this request may not see: it may be guessed. RateLimited, else NotFound."""
    client, at = client_of(request), clock.now()
    try:
        check_pace(UNKNOWN_REFERENCES, client, at)
    except RateLimited as refusal:
        return refusal
    count_use(UNKNOWN_REFERENCES, client, at)
    return NotFound("There is no such booking, or it is not yours.")
