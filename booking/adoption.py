"""A guest's bookings become the account's at log-in and sign-up."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from booking.basket import give_back
from booking.models import Booking
from booking.refusals import AlreadyPaid
from booking.visitors import SESSION_KEY, account_visitor, visitor_of


def connect() -> None:
    """Listen to log-ins; sign-up logs in too. Django's own signal, the only hook that allauth and admin share."""
    user_logged_in.connect(on_login, dispatch_uid="booking.adoption")


def on_login(sender: Any, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    if request is None or not hasattr(request, "session"):
        return
    account = account_visitor(user)
    guest = visitor_of(request)
    if guest is not None and guest != account:
        adopt_bookings(guest=guest, account=account, at=timezone.now())
    request.session[SESSION_KEY] = str(account)


def adopt_bookings(*, guest: uuid.UUID, account: uuid.UUID, at: datetime) -> int:
    """Hand all bookings of `guest` to `account`.

    Where both have a live one for the same showtime, the guest's, of this browser, stays, and the account's is given
    back first. One that is being paid in the other browser and has no verdict yet stays there, and the guest's with
    the guest: neither is lost.

    Returns:
        How many bookings changed hands.
    """
    mine = Booking.objects.of_visitor(guest).live().values("showtime_id")
    for theirs in Booking.objects.of_visitor(account).live().filter(showtime_id__in=mine):
        try:
            give_back(showtime_id=theirs.showtime_id, visitor=account, at=at)
        except AlreadyPaid:
            continue  # paid after all: it is no longer live, and stays the account's
    with transaction.atomic():
        blocked = Booking.objects.of_visitor(account).live().select_for_update().values_list("showtime_id", flat=True)
        free = Booking.objects.of_visitor(guest)
        return free.exclude(status__in=Booking.LIVE, showtime_id__in=list(blocked)).update(visitor=account)
