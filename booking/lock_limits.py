"""Limits of locks, so that nobody can lock a whole screen: of one visitor, and of one client (`booking.clients`).

A visitor costs a stranger nothing: without its cookie a browser is a new one. So seats are counted by client as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from booking.clients.client import NETWORK_FACTOR, Client
from booking.models import IN_LIVE, Booking
from booking.refusals import RateLimited
from cinema.database.row_mapping import columns_of, read_rows
from cinema.database.statements import Query, Rows, Statement, run_queries

MOST_SHOWTIMES = 2
MOST_LOCKS = 3
WINDOW = timedelta(minutes=15)

COUNTED = ("id", "showtime_id", "status", "locked_until", "created_at")
BEGUN = Statement(
    "lock_limits_begun",
    f"""
SELECT {columns_of(Booking, only=COUNTED)} FROM booking_booking
 WHERE visitor = %s AND (status IN {IN_LIVE} OR created_at > %s)
""",
)
# Until the end of the transaction nobody else counts or adds seats of this client and showtime. SQLite has one writer.
CLIENT_LOCK = Statement("lock_client", "SELECT pg_advisory_xact_lock(%s)", sqlite="SELECT %s")
# A statement of its own, after CLIENT_LOCK: it sees what the transaction before has committed.
CLIENT_SEATS = Statement(
    "lock_client_seats",
    f"""
SELECT (SELECT n_available + n_locked + n_booked + n_blocked FROM cinema_showtime WHERE id = %s),
       coalesce(sum(n_seats) FILTER (WHERE status = 'locked'), 0),
       coalesce(sum(n_seats), 0),
       coalesce(sum(n_seats) FILTER (WHERE status = 'locked' AND address_hash = %s), 0),
       coalesce(sum(n_seats) FILTER (WHERE address_hash = %s), 0)
  FROM booking_booking
 WHERE network_hash = %s AND visitor <> %s AND status IN {IN_LIVE} AND (status <> 'locked' OR locked_until > %s)
""",
)
LEAST_SEATS = 20  # of any client, however small the hall
WAIT = timedelta(seconds=30)  # seats of others are paid for, given back or expire at any moment
ADDRESS_FULL = (
    "Very many of these seats are held from your network. "
    "Sign in with a confirmed e-mail address, or wait a few minutes."
)
ACCOUNT_FULL = "Your account holds as many of these seats as it may. Pay for them, or wait a few minutes."


@dataclass(frozen=True)
class Holding:
    """Seats of one showtime that other visitors of one network or address have locked."""

    chosen: int  # without an open payment
    locked: int  # all of them
    factor: int = 1  # how many times the limit of one address it may have


@dataclass(frozen=True)
class ClientSeats:
    """What `check_client_seats` has to know; `holdings` is empty for a client that is not counted."""

    n_showtime: int = 0  # seats of the showtime
    holdings: tuple[Holding, ...] = ()
    is_account: bool = False


def client_lock_query(client: Client, showtime_id: int) -> list[Query]:
    """The query that makes requests of one client for one showtime wait for each other; the first of a transaction."""
    network, _ = client.hashes(showtime_id)
    return [(CLIENT_LOCK, [network])] if network is not None else []


def client_seats_query(client: Client, showtime_id: int, visitor: uuid.UUID, at: datetime) -> list[Query]:
    """For `read_client_seats`, after `client_lock_query`."""
    network, address = client.hashes(showtime_id)
    return [(CLIENT_SEATS, [showtime_id, address, address, network, visitor, at])] if network is not None else []


def read_client_seats(client: Client, answer: Rows) -> ClientSeats:
    """From the answer to `client_seats_query`."""
    [(n_showtime, chosen, locked, chosen_here, locked_here)] = answer
    holdings = [Holding(chosen_here, locked_here)]
    if len(client.names) > 1:
        holdings.append(Holding(chosen, locked, NETWORK_FACTOR))
    return ClientSeats(n_showtime or 0, tuple(holdings), client.is_account)


def lock_client_seats(client: Client, showtime_id: int, visitor: uuid.UUID, at: datetime) -> ClientSeats:
    """Both queries in one round trip, the first of the caller's transaction; none for a client that is not counted."""
    queries = client_lock_query(client, showtime_id) + client_seats_query(client, showtime_id, visitor, at)
    return read_client_seats(client, run_queries(*queries)[-1]) if queries else ClientSeats()


def check_client_seats(others: ClientSeats, *, chosen: int, locked: int) -> None:
    """Refuse if a client would have too many seats of a showtime. Pure.

    Without an open payment LOCKS_PER_ADDRESS_PERCENT of the seats, and twice that in all; never fewer than 20; four
    times as many for a /48.

    Args:
        chosen, locked: seats of this visitor after the request, without an open payment and in all; 0 if the request
            adds none of these.

    Raises:
        RateLimited
    """
    part = others.n_showtime * settings.LOCKS_PER_ADDRESS_PERCENT // 100
    for each in others.holdings:
        most_chosen, most_locked = max(LEAST_SEATS, part), max(LEAST_SEATS, 2 * part)
        too_many_chosen = chosen and each.chosen + chosen > each.factor * most_chosen
        if too_many_chosen or (locked and each.locked + locked > each.factor * most_locked):
            sentence = ACCOUNT_FULL if others.is_account else ADDRESS_FULL
            raise RateLimited(sentence, _seconds(WAIT), sign_in=not others.is_account)


def lock_limit_queries(*, visitor: uuid.UUID, at: datetime) -> list[Query]:
    """The query for `check_lock_limits`; the caller has the visitor's advisory lock. None with RATE_LIMITS=0."""
    return [(BEGUN, [visitor, at - WINDOW])] if settings.RATE_LIMITS else []


def check_lock_limits(answers: Sequence[Rows], *, showtime_id: int, at: datetime) -> None:
    """Refuse a visitor who may not begin another booking of this showtime. Pure.

    Raises:
        RateLimited: there are locks of two other showtimes, or this would be the fourth lock here in 15 minutes.
    """
    if not answers:
        return
    bookings = [booking for booking, _ in read_rows(Booking, answers[-1], COUNTED)]
    others = [booking for booking in bookings if booking.showtime_id != showtime_id and booking.is_live(at)]
    if len(others) >= MOST_SHOWTIMES:
        ends = min((other.locked_until for other in others if other.locked_until), default=at)
        raise RateLimited(
            "You are holding seats of two other showtimes. Pay for them or give them back first.", _seconds(ends - at)
        )
    here = (booking.created_at for booking in bookings if booking.showtime_id == showtime_id)
    times = sorted(begun for begun in here if begun > at - WINDOW)
    if len(times) >= MOST_LOCKS:
        raise RateLimited(
            "You have begun three times for this showtime in a quarter of an hour. Let others have a turn.",
            _seconds(times[-MOST_LOCKS] + WINDOW - at),
        )


def _seconds(wait: timedelta) -> int:
    return max(1, round(wait.total_seconds()))
