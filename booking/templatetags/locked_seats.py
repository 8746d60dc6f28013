"""Template tags of the account pages: the visitor's locked seats, and a safe address to return to."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from booking.models import Booking
from booking.pages.reminder import view_reminder
from booking.visitors import visitor_of
from cinema.database import clock

register = template.Library()


@register.inclusion_tag("booking/_locked_seats.html", takes_context=True)
def locked_seats(context: RequestContext) -> dict[str, Any]:
    """The visitor's lock with the latest deadline, if there is one."""
    return _lock_of(context["request"])


@register.inclusion_tag("booking/_lock_words.html", takes_context=True)
def lock_words(context: RequestContext) -> dict[str, Any]:
    """The same lock as a sentence of any page."""
    return _lock_of(context["request"])


def _lock_of(request: HttpRequest) -> dict[str, Any]:
    visitor, at = visitor_of(request), clock.now()
    if visitor is None:
        return {}
    locks = Booking.objects.of_visitor(visitor).filter(status=Booking.Status.LOCKED, locked_until__gt=at)
    booking = locks.order_by("-locked_until").prefetch_related("seats__seat").first()
    if booking is None:
        return {}
    return {"booking": booking, "now": at, "labels": [row.seat.label for row in booking.seats.all()]}


@register.inclusion_tag("booking/_reminder.html", takes_context=True)
def lock_reminder(context: RequestContext) -> dict[str, Any]:
    """The lock that ends next, on the front page: of which film, its clock, and the way on."""
    return view_reminder(context["request"])


@register.simple_tag
def inside(path: str | None) -> str:
    """`path` if it is an address of this site, else the home page: a query string can contain any address."""
    if path and url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return path
    return reverse("cinema:home")
