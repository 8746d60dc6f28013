"""Creates every state that the site map visits; executed inside the product (`manage.py shell -c`)."""

import time
from datetime import timedelta
from unittest.mock import patch

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.bookings import begin_checkout, confirm_booking
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from booking.visitors import SESSION_KEY as VISITOR
from booking.visitors import account_visitor
from cinema.demo.staff import EMAIL
from cinema.models import Showtime
from tests.browser.site.money_states import Customer, create_money_states

SHOWTIMES = ("open", "locked", "paid", "paying", "expired", "refunded", "upcoming", "closed", "cancelled", "full")


def create_states():
    """Facts by name that the paths of `site_map.PAGES` may use; all of it can be written as JSON."""
    settings.RATE_LIMITS = False  # this customer buys more at once than one visitor may
    now = timezone.now()
    user = get_user_model().objects.create_user("mira", "mira@example.com", "a long password 1")
    noor = get_user_model().objects.create_user("noor", "noor@example.com", "a long password 1")
    ines = get_user_model().objects.create_user("ines", "ines@example.com", "a long password 1")
    sessions = {
        "no factor": create_session(noor, **said_again(noor)),
        "factor": create_session(ines, **said_again(ines)),
        "customer": create_session(user),
        "staff": create_session(get_user_model().objects.get(email=EMAIL)),
        "broken": create_session(**{VISITOR: "no visitor"}),
    }
    factor = TOTP.activate(ines, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").instance
    RecoveryCodes.activate(factor.user)
    later = Showtime.objects.filter(starts_at__gt=now + timedelta(hours=3)).order_by("-starts_at")
    large = [each for each in later if each.sales(now) == "open" and each.n_available > 40]
    showtimes = dict(zip(SHOWTIMES, large, strict=False))
    seats = Seats(account_visitor(user), now)
    customer = Customer(seats.lock, account_visitor(user), user.email, now)
    return {
        "sessions": sessions,
        **create_bookings(showtimes, seats, user.email),
        **begin_payment(showtimes["paying"], seats, sessions["customer"], user.email),
        **set_showtime_states(showtimes, now),
        **create_account_links(user),
        **create_money_states(large[len(SHOWTIMES) :], customer),
    }


def create_session(user=None, **data):
    """The key of a session, signed in when there is a user."""
    store = SessionStore()
    if user:
        backend = "allauth.account.auth_backends.AuthenticationBackend"
        store.update(
            {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: backend, HASH_SESSION_KEY: user.get_session_auth_hash()}
        )
        store[VISITOR] = str(account_visitor(user))
    store.update(data)
    store.create()
    return store.session_key


def said_again(user):
    """What a session has whose user has just said the password or the code again, for an hour."""
    record = {"method": "password", "at": time.time() + 3600, "reauthenticated": True}
    return {"account_authentication_methods": [record], "account_authentication_methods_user": str(user.pk)}


class Seats:
    """Locks and buys seats beside each other for one visitor at the time `at`."""

    def __init__(self, visitor, at):
        self.visitor, self.at = visitor, at

    def lock(self, showtime, n=2, at=None):
        labels = self.find_adjacent(showtime, n)
        return lock_seats(showtime_id=showtime.pk, visitor=self.visitor, labels=labels, at=at or self.at).booking

    def buy(self, showtime, email, n=2):
        self.lock(showtime, n=n)
        booking = begin_checkout(
            showtime_id=showtime.pk,
            visitor=self.visitor,
            email=email,
            payable_until=self.at + timedelta(minutes=40),
            at=self.at,
        )
        confirm_booking(booking_id=booking.pk, demo=True, at=self.at)
        return Booking.objects.get(pk=booking.pk)

    @staticmethod
    def find_adjacent(showtime, n):
        """Labels of the first `n` available seats that are adjacent in one segment."""
        rows = ShowtimeSeat.objects.filter(showtime=showtime, status="available", seat__kind="seat")
        rows = list(rows.select_related("seat")[:60])
        first = next(
            i
            for i in range(len(rows) - n)
            if len({r.seat.segment for r in rows[i : i + n]}) == 1 and rows[i + n - 1].index - rows[i].index == n - 1
        )
        return [row.seat.label for row in rows[first : first + n]]


def create_bookings(showtimes, seats, email):
    seats.lock(showtimes["locked"], n=3)
    paid = seats.buy(showtimes["paid"], email, 3)
    refunded = seats.buy(showtimes["refunded"], email)
    Booking.objects.filter(pk=refunded.pk).update(status="refunded", refunded=refunded.total)
    refunded.tickets.update(status="cancelled")
    expired = seats.lock(showtimes["expired"], at=seats.at - timedelta(hours=1))
    return {"paid": paid.reference, "refunded": refunded.reference, "expired": expired.reference}


def begin_payment(showtime, seats, session_key, email):
    """A checkout over HTTP, as the customer's browser does it."""
    seats.lock(showtime)
    client = Client(HTTP_HOST=f"127.0.0.1:{settings.PORT}")
    client.cookies[settings.SESSION_COOKIE_NAME] = session_key
    with patch("cinema.web.problems.log"):
        path = f"/api/showtimes/{showtime.pk}/checkout/"
        answer = client.post(path, {"email": email}, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return {"paying": answer.json()["reference"], "payment": answer.json()["url"]}


def set_showtime_states(showtimes, now):
    def update(name, **fields):
        Showtime.objects.filter(pk=showtimes[name].pk).update(**fields)

    update("upcoming", sales_open_at=now + timedelta(days=1))
    update("closed", sales_close_at=now - timedelta(minutes=1))
    update("cancelled", cancelled_at=now)
    full = showtimes["full"]
    blocked = ShowtimeSeat.objects.filter(showtime=full, status="available").update(status="blocked")
    update("full", n_available=0, n_blocked=full.n_blocked + blocked)
    movie = showtimes["open"].movie
    facts = {name: showtimes[name].pk for name in ("open", "locked", "upcoming", "closed", "cancelled", "full")}
    return facts | {"movie": reverse("cinema:movie", args=[movie.slug]), "movie_id": movie.pk}


def create_account_links(user):
    """The links of two mails: to set a new password, and to confirm an address."""
    address = EmailAddress.objects.create(user=user, email=user.email, primary=True)
    confirmation = EmailConfirmation.create(address)
    EmailConfirmation.objects.update(sent=timezone.now())
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    return {
        "reset": f"/accounts/password/reset/key/{key}/",
        "confirm": reverse("account_confirm_email", args=[confirmation.key]),
    }
