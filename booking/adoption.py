"""At log-in and sign-up the bookings of a guest become those of the account."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from booking.basket import release_seats
from booking.clients.client import NOT_COUNTED, Client, client_of
from booking.models import Booking, BookingQuerySet
from booking.refusals import AlreadyPaid
from booking.visitors import SESSION_KEY, account_visitor, visitor_of
from cinema.database import clock

ATTEMPTS = 10


def connect() -> None:
    """Receive `user_logged_in`, which allauth (sign-up included) and the admin both send."""
    user_logged_in.connect(on_login, dispatch_uid="booking.adoption")


def on_login(sender: Any, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Adopt the bookings of this session's guest, and make the account's visitor the session's."""
    if request is None or not hasattr(request, "session"):
        return
    account = account_visitor(user)
    guest = visitor_of(request)
    if guest is not None and guest != account:
        adopt_bookings(guest=guest, account=account, at=clock.now(), client=client_of(request))
    request.session[SESSION_KEY] = str(account)


def adopt_bookings(*, guest: uuid.UUID, account: uuid.UUID, at: datetime, client: Client = NOT_COUNTED) -> int:
    """Make `account` the visitor of all bookings of `guest`.

    If both have a live booking of one showtime, the account's is released first and the guest's is adopted. If a
    payment of the account's booking is open and has no verdict yet, both bookings stay as they are. Seats that are
    locked count for the account if `client` is one; else as before, for the address.

    Another browser of the account may lock seats of that showtime, or be adopted, at this moment: then once more.

    Returns:
        How many bookings were adopted.
    """
    adopted = 0
    for _ in range(ATTEMPTS):
        _give_back(guest, account, at)
        with suppress(IntegrityError):
            adopted += _adopt(guest, account, client)
            paid_for = _rivals(guest, account).filter(status__in=Booking.PAYING).values("showtime_id")
            if not Booking.objects.of_visitor(guest).not_ended().exclude(showtime_id__in=paid_for).exists():
                break
    return adopted


def _rivals(guest: uuid.UUID, account: uuid.UUID) -> BookingQuerySet:
    """The account's live bookings of showtimes of which the guest has one too."""
    showtimes_of_guest = Booking.objects.of_visitor(guest).not_ended().values("showtime_id")
    return Booking.objects.of_visitor(account).not_ended().filter(showtime_id__in=showtimes_of_guest)


def _give_back(guest: uuid.UUID, account: uuid.UUID, at: datetime) -> None:
    for booking in _rivals(guest, account):
        try:
            release_seats(showtime_id=booking.showtime_id, visitor=account, at=at)
        except AlreadyPaid:
            continue  # the booking is confirmed, so no longer live: the guest's can be adopted


@transaction.atomic
def _adopt(guest: uuid.UUID, account: uuid.UUID, client: Client) -> int:
    """Adopt all but live bookings of showtimes of which the account has one. May raise IntegrityError."""
    still_live = Booking.objects.of_visitor(account).not_ended().select_for_update()
    showtimes = list(still_live.values_list("showtime_id", flat=True))
    adopted = Booking.objects.of_visitor(guest).exclude(status__in=Booking.LIVE, showtime_id__in=showtimes)
    if client.is_account:
        for showtime_id in set(adopted.not_ended().values_list("showtime_id", flat=True)):
            network, address = client.hashes(showtime_id)
            mine = adopted.not_ended().filter(showtime_id=showtime_id)
            mine.update(network_hash=network, address_hash=address)
    return adopted.update(visitor=account)
