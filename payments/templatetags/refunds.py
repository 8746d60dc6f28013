"""Template tags about refunds and alerts."""

from __future__ import annotations

from django import template

from booking.models import Booking, Ticket
from payments.models import MoneyAlert
from payments.refund_view import BookingRefunds, SeatRefund, read_refunds

register = template.Library()


@register.simple_tag
def refunds_of(booking: Booking) -> BookingRefunds:
    """`{% refunds_of booking as refunds %}`: pending, settled and failed refunds. Two queries."""
    return read_refunds(booking)


@register.filter
def of_ticket(refunds: BookingRefunds, ticket: Ticket) -> SeatRefund | None:
    """`refunds|of_ticket:ticket`: the refund of this ticket, if it has one."""
    return refunds.of_ticket(ticket.pk)


@register.simple_tag
def open_alerts() -> int:
    """The number of open alerts, for the navigation of the staff pages."""
    return MoneyAlert.objects.filter(closed_at=None).count()
