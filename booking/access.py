"""Who may see a booking: its owner, the holder of the link in its mails, and staff."""

from __future__ import annotations

from django.http import HttpRequest

from booking.models import Booking
from booking.refusals import NotFound
from booking.tickets.codes import check_key
from booking.visitors import visitor_of


def find_booking(request: HttpRequest, reference: str) -> Booking:
    """The booking of this reference, in any case of letters.

    Raises:
        NotFound: there is none, or this request may not see it; the answer is the same for both.
    """
    bookings = Booking.objects.select_related("showtime__movie", "showtime__screen__cinema", "showtime__plan")
    booking = bookings.filter(reference=reference.upper()).first()
    if booking is None or not may_see(request, booking):
        raise NotFound("There is no such booking, or it is not yours.")
    return booking


def may_see(request: HttpRequest, booking: Booking) -> bool:
    """Whether the request is from staff or the booking's visitor, or carries the booking's `?key=`."""
    if getattr(request.user, "is_staff", False):
        return True
    return booking.visitor == visitor_of(request) or check_key(booking, request.GET.get("key", ""))
