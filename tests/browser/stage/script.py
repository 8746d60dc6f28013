# Run inside the product (`manage.py shell -c`): lays out every state that the site map asks for, and prints its name.
import json
from datetime import timedelta
from unittest.mock import patch

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
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
from cinema.models import Movie, Showtime
from tests.browser.stage.money import lay_out_money

now = timezone.now()
settings.RATE_LIMITS = False  # the customer of this stage buys more at once than one may
users = get_user_model().objects
customer = users.create_user("mira", "mira@example.com", "a long password 1")
staff = users.get(email=EMAIL)
me = account_visitor(customer)


def session(user=None, **data):
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


on_sale = [
    one
    for one in Showtime.objects.filter(starts_at__gt=now + timedelta(hours=3)).order_by("-starts_at")
    if one.sales(now) == "open"
]
big = [one for one in on_sale if one.n_available > 40]
open_, held, paid, paying, expired, refunded, upcoming, closed, cancelled, full = big[:10]


def free(showtime, n=2):
    rows = list(
        ShowtimeSeat.objects.filter(showtime=showtime, status="available", seat__kind="seat").select_related("seat")[
            :60
        ]
    )
    run = next(
        i
        for i in range(len(rows) - n)
        if len({r.seat.segment for r in rows[i : i + n]}) == 1 and rows[i + n - 1].index - rows[i].index == n - 1
    )
    return [r.seat.label for r in rows[run : run + n]]


def lock(showtime, at=now, n=2):
    return lock_seats(showtime_id=showtime.pk, visitor=me, labels=free(showtime, n), at=at).booking


def buy(showtime, n=2):
    lock(showtime, n=n)
    booking = begin_checkout(
        showtime_id=showtime.pk, visitor=me, email=customer.email, payable_until=now + timedelta(minutes=40), at=now
    )
    confirm_booking(booking_id=booking.pk, demo=True, at=now)
    return Booking.objects.get(pk=booking.pk)


facts = {
    "sessions": {"customer": session(customer), "staff": session(staff), "broken": session(**{VISITOR: "no visitor"})}
}
lock(held, n=3)
bought = buy(paid, 3)
back = buy(refunded)
Booking.objects.filter(pk=back.pk).update(status="refunded", refunded=back.total)
back.tickets.update(status="cancelled")
lapsed_at = now - timedelta(hours=1)
lock(expired, at=lapsed_at)
lapsed = Booking.objects.get(showtime=expired, visitor=me)
shop = Client(HTTP_HOST="127.0.0.1:" + str(settings.PORT))
shop.cookies[settings.SESSION_COOKIE_NAME] = facts["sessions"]["customer"]
lock(paying)
with patch("cinema.web.problems.log"):
    asked = shop.post(
        f"/api/showtimes/{paying.pk}/checkout/", {"email": customer.email}, content_type="application/json"
    )
assert asked.status_code == 201, asked.content
Showtime.objects.filter(pk=upcoming.pk).update(sales_open_at=now + timedelta(days=1))
Showtime.objects.filter(pk=closed.pk).update(sales_close_at=now - timedelta(minutes=1))
Showtime.objects.filter(pk=cancelled.pk).update(cancelled_at=now)
gone = ShowtimeSeat.objects.filter(showtime=full, status="available").update(status="blocked")
Showtime.objects.filter(pk=full.pk).update(n_available=0, n_blocked=full.n_blocked + gone)
address = EmailAddress.objects.create(user=customer, email=customer.email, primary=True)
key = f"{user_pk_to_url_str(customer)}-{default_token_generator.make_token(customer)}"
movie = open_.movie
facts |= {
    name: one.pk
    for name, one in {
        "open": open_,
        "held": held,
        "upcoming": upcoming,
        "closed": closed,
        "cancelled": cancelled,
        "full": full,
    }.items()
}
facts |= {
    "paid": bought.reference,
    "refunded": back.reference,
    "expired": lapsed.reference,
    "paying": asked.json()["reference"],
}
facts |= {
    "payment": asked.json()["url"],
    "movie": reverse("cinema:movie", args=[movie.slug]),
    "movie_id": Movie.objects.get(pk=movie.pk).pk,
}
facts |= {
    "reset": f"/accounts/password/reset/key/{key}/",
    "confirm": reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]),
}
facts |= lay_out_money(big[10:], lock, me, customer.email, now)
print(json.dumps(facts))
