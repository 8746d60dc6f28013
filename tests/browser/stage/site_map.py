"""Every page and every state of it, once: what the whole-site check visits and what the contact sheet photographs.

A new page is a new line of `PAGES`; it is then checked and photographed.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.support.servers import ROOT, clean_environment, start_server

PASSWORD = "a long password 1"
STAGE = Path(__file__).parent / "script.py"
# As in the production shape: no debug pages, hashed static files, limits on.
PRODUCTION = {
    "DEBUG": 0,
    "SECRET_KEY": "a-long-random-text-that-only-this-test-knows-0123456789abcdefghijklm",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DEMO_PAYMENTS_ANYWAY": 1,
    "LIVE_POLL_SECONDS": 1,
}


@dataclass(frozen=True)
class Page:
    """`path` may name what the stage prepared, as in `/showtimes/{open}/`; `act` brings the page into its state."""

    name: str
    path: str
    who: str = "guest"
    status: int = 200
    act: Callable | None = None
    whole: bool = True  # the photograph shows all of it, not only the first screen
    says: str = ""
    tolerates: tuple[str, ...] = ()  # faults in Django's own pages, which are not ours to write anew


def send_without_cookie(page):
    page.get_by_label("E-mail").fill("mira@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.context.clear_cookies()
    send(page)


def send(page):
    with page.expect_navigation():
        page.locator("form button[type=submit]").last.click()


def fill_wrongly(page):
    for field in page.locator(".door__fields input:not([type=hidden], [type=checkbox])").all():
        field.fill("mira@example.com" if field.get_attribute("type") == "email" else "123")
    send(page)


def ask_too_often(page):
    """The twenty-first try in a minute; the first twenty go out of sight."""
    token = page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    for number in range(20):
        form = {"csrfmiddlewaretoken": token, "email": f"nobody-{number}@example.com"}
        page.request.post(page.url, form=form, headers={"Referer": page.url})
    page.get_by_label("E-mail").fill("mira@example.com")
    send(page)


def choose_to_cancel(page):
    page.get_by_text("Cancel tickets").click()
    page.locator(".pick input:enabled").first.check()


def say_settled(page):
    page.get_by_text("It is settled").first.click()


# The tooltips of its two-column chooser, and the inline style with which it sets the chooser's height.
DJANGOS = ("axe aria-prohibited-attr", "Applying inline style violates")

PAGES = (
    Page("home", "/"),
    Page("home-filtered", "/?genre=drama"),
    Page("home-nothing", "/?q=zzzz"),
    Page("movie", "{movie}"),
    Page("seat-map", "/showtimes/{open}/", whole=False),
    Page("seat-map-upcoming", "/showtimes/{upcoming}/", whole=False),
    Page("seat-map-closed", "/showtimes/{closed}/", whole=False),
    Page("seat-map-cancelled", "/showtimes/{cancelled}/", whole=False),
    Page("seat-map-sold-out", "/showtimes/{full}/", whole=False),
    Page("seat-map-basket", "/showtimes/{held}/", "customer", whole=False),
    Page("checkout", "/showtimes/{held}/checkout/", "customer"),
    Page("checkout-nothing", "/showtimes/{open}/checkout/"),
    Page("demo-payment", "{payment}", "customer"),
    Page("booking", "/bookings/{paid}/", "customer"),
    Page("booking-paying", "/bookings/{paying}/", "customer"),
    Page("booking-expired", "/bookings/{expired}/", "customer"),
    Page("booking-refunded", "/bookings/{refunded}/", "customer"),
    Page("booking-choosing-to-cancel", "/bookings/{whole}/", "customer", act=choose_to_cancel, says="£6 back"),
    Page("booking-partly-cancelled", "/bookings/{part}/", "customer", says="is back."),
    Page("booking-refund-under-way", "/bookings/{waiting}/", "customer", says="is on its way back."),
    Page("booking-refund-failed", "/bookings/{failed}/", "customer", says="could not be given back."),
    Page("booking-all-cancelled", "/bookings/{all_back}/", "customer", says="on its way back"),
    Page("booking-all-failed", "/bookings/{lost}/", "customer", says="We could not give your money back"),
    Page("booking-too-late", "/bookings/{late}/", "customer", says="That time has passed."),
    Page("booking-used", "/bookings/{used}/", "customer", act=choose_to_cancel, says="Used"),
    Page("booking-showtime-cancelled", "/bookings/{called_off}/", "customer", says="It is not being shown"),
    Page("cancel", "/bookings/{whole}/cancel/", "customer", says="Which tickets?"),
    Page("cancel-look", "/bookings/{whole}/cancel/?{seats}", "customer", says="Comes back"),
    Page("cancel-changed", "/bookings/{part}/cancel/?{part_seats}", "customer", says="already cancelled"),
    Page("cancel-too-late", "/bookings/{late}/cancel/", "customer", says="That time has passed."),
    Page("bookings", "/bookings/", "customer"),
    Page("bookings-empty", "/bookings/"),
    Page("sign-in", "/accounts/login/?next=/bookings/"),
    Page("sign-in-wrong", "/accounts/login/", act=fill_wrongly, says="do not match"),
    Page("sign-up", "/accounts/signup/"),
    Page("sign-up-wrong", "/accounts/signup/", act=fill_wrongly, says="too short"),
    Page("sign-out", "/accounts/logout/", "customer"),
    Page("account", "/accounts/", "customer"),
    Page("account-closed", "/accounts/inactive/"),
    Page("account-email", "/accounts/email/", "customer"),
    Page("account-password", "/accounts/password/change/", "customer"),
    Page(
        "account-password-wrong", "/accounts/password/change/", "customer", act=fill_wrongly, says="not your password"
    ),
    Page("account-again", "/accounts/reauthenticate/?next=/accounts/email/", "customer"),
    Page("password-reset", "/accounts/password/reset/"),
    Page("password-reset-sent", "/accounts/password/reset/done/"),
    Page("password-reset-form", "{reset}", says="New password again"),
    Page("password-reset-used", "/accounts/password/reset/key/zz-nonsense/", says="That link is used up"),
    Page("password-reset-done", "/accounts/password/reset/key/done/"),
    Page("email-confirm", "{confirm}", says="Yes, it is mine"),
    Page("email-confirm-used", "/accounts/confirm-email/nonsense/", says="That link is used up"),
    Page("email-sent", "/accounts/confirm-email/"),
    Page("error-403", "/movies/admin-dashboard/", "customer", 403),
    Page("error-403-form", "/accounts/login/", status=403, act=send_without_cookie, says="Please send that again"),
    Page("error-404", "/no/such/page/", status=404),
    Page("error-429", "/accounts/password/reset/", status=429, act=ask_too_often, says="A moment, please"),
    Page("error-500", "/bookings/", "broken", 500),
    Page("board", "/staff/board/", "staff"),
    Page("board-wall", "/staff/board/?view=wall", "staff", whole=False),
    Page("dashboard", "/movies/admin-dashboard/", "staff"),
    Page("staff-bookings", "/staff/bookings/", "staff", says="The latest"),
    Page("staff-bookings-found", "/staff/bookings/?q=mira", "staff", says="partly cancelled"),
    Page("staff-bookings-none", "/staff/bookings/?q=zzzz", "staff", says="No such booking"),
    Page("story", "/staff/bookings/{part}/", "staff", says="Gave back"),
    Page("story-failed", "/staff/bookings/{failed}/", "staff", act=say_settled, says="Given up after 16 tries"),
    Page("story-paying", "/staff/bookings/{paying}/", "staff", says="The payment page was opened"),
    Page("staff-cancel", "/staff/bookings/{whole}/cancel/", "staff", says="Which tickets?"),
    Page("staff-cancel-look", "/staff/bookings/{whole}/cancel/?{seats}", "staff", says="Goes back"),
    Page("staff-cancel-none", "/staff/bookings/{lost}/cancel/", "staff", says="No ticket of this booking stands"),
    Page("money", "/staff/money/", "staff", says="Needs a person"),
    Page("cancel-showtime", "/staff/showtimes/{busy}/cancel/", "staff", says="This cannot be undone."),
    Page("cancel-showtime-done", "/staff/showtimes/{called_off_showtime}/cancel/", "staff", says="still to be asked"),
    Page("admin", "/admin/", "staff"),
    Page("admin-list", "/admin/cinema/movie/", "staff"),
    Page("admin-change", "/admin/cinema/movie/{movie_id}/change/", "staff", tolerates=DJANGOS),
)


def start_stage():
    """A server in the production shape, with every state that PAGES asks for: `(server, facts)`."""
    server = start_server(**PRODUCTION)
    try:
        env = clean_environment(**server.env, LOOP="external")
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", STAGE.read_text()],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return server, json.loads(done.stdout.splitlines()[-1])
    except BaseException:
        server.close()
        raise


class Cast:
    """One browser context each for the guest, the customer, the staff, and a browser with a broken session."""

    def __init__(self, browser, server, facts, **context):
        self.browser, self.server, self.facts, self.context = browser, server, facts, context
        self.contexts = {}

    def page_of(self, who):
        """The one page of this person, signed in where they have an account."""
        if who not in self.contexts:
            context = self.browser.new_context(locale="en-GB", **self.context)
            if who in self.facts["sessions"]:
                name = f"bookmyseat_{self.server.port}"
                context.add_cookies([{"name": name, "value": self.facts["sessions"][who], "url": self.server.url}])
            self.contexts[who] = context, context.new_page()
        return self.contexts[who][1]

    def url(self, page):
        path = page.path.format(**self.facts)
        return path if path.startswith("http") else self.server.url + path

    def close(self):
        for context, _ in self.contexts.values():
            context.close()
