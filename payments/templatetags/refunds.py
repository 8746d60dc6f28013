"""What templates ask about money that goes back."""

from __future__ import annotations

from django import template

from booking.models import Booking, Ticket
from payments.models import MoneyAlert
from payments.refund_view import Returns, SeatReturn, read_returns

register = template.Library()


@register.simple_tag
def returns_of(booking: Booking) -> Returns:
    """`{% returns_of booking as returns %}`: what goes back, what is back, what failed."""
    return read_returns(booking)


@register.filter
def of_ticket(returns: Returns, ticket: Ticket) -> SeatReturn | None:
    return returns.of_ticket(ticket.pk)


@register.simple_tag
def open_alerts() -> int:
    """How much money needs a person now; beside the door of the page that tells which."""
    return MoneyAlert.objects.filter(closed_at=None).count()
