"""Every page in each of its states: what the whole-site check visits and what the contact sheet photographs.

A new page is a new line of `PAGES`.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench.support.servers import ROOT, clean_environment, start_server

PASSWORD = "a long password 1"
# Prints the facts as the last line of its output.
CREATE_STATES = "import json; from tests.browser.site.states import create_states; print(json.dumps(create_states()))"
# As in production: no debug pages, hashed static files, rate limits on.
PRODUCTION = {
    "DEBUG": 0,
    "SECRET_KEY": "a-long-random-text-that-only-this-test-knows-0123456789abcdefghijklm",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DEMO_PAYMENTS_ANYWAY": 1,
    "LIVE_POLL_SECONDS": 1,
}


@dataclass(frozen=True)
class Page:
    """`path` may name a fact of `create_states`, as in `/showtimes/{open}/`; `act` brings the page into its state."""

    name: str
    path: str
    role: str = "guest"
    status: int = 200
    act: Callable | None = None
    whole: bool = True  # the picture shows the whole page, not only the first screen
    text: str = ""  # that the page must contain
    tolerates: tuple[str, ...] = ()  # faults of Django's own pages


def send_without_cookie(page):
    page.get_by_label("E-mail").fill("mira@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.context.clear_cookies()
    send(page)


def send(page):
    with page.expect_navigation():
        page.locator("form button[type=submit]").last.click()


def fill_wrongly(page):
    for field in page.locator(".sign-in__form input:not([type=hidden], [type=checkbox])").all():
        field.fill("mira@example.com" if field.get_attribute("type") == "email" else "123")
    send(page)


def give_wrong_code(page):
    page.get_by_label("Code").fill("000000")
    send(page)


def sign_in_with_factor(page):
    page.get_by_label("E-mail").fill("ines@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    send(page)


def ask_too_often(page):
    """The twenty-first request within a minute; the first twenty are sent without the page."""
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


# Tooltips and an inline style of Django's two-column chooser.
DJANGO_FAULTS = ("axe aria-prohibited-attr", "Applying inline style violates")

PAGES = (
    Page("home", "/"),
    Page("home-reminder", "/", "customer", text="Held for you until"),
    Page("home-filtered", "/?genre=drama"),
    Page("home-nothing", "/?q=zzzz"),
    Page("movie", "{movie}"),
    Page("seat-map", "/showtimes/{open}/", whole=False),
    Page("seat-map-upcoming", "/showtimes/{upcoming}/", whole=False),
    Page("seat-map-closed", "/showtimes/{closed}/", whole=False),
    Page("seat-map-cancelled", "/showtimes/{cancelled}/", whole=False),
    Page("seat-map-sold-out", "/showtimes/{full}/", whole=False),
    Page("seat-map-basket", "/showtimes/{locked}/", "customer", whole=False),
    Page("checkout", "/showtimes/{locked}/checkout/", "customer"),
    Page("checkout-nothing", "/showtimes/{open}/checkout/"),
    Page("demo-payment", "{payment}", "customer"),
    Page("cancel-payment", "/payments/cancel/{paying}/", "customer", text="Cancel the payment?"),
    Page("booking", "/bookings/{paid}/", "customer"),
    Page("booking-paying", "/bookings/{paying}/", "customer"),
    Page("booking-expired", "/bookings/{expired}/", "customer"),
    Page("booking-refunded", "/bookings/{refunded}/", "customer"),
    Page("booking-choosing-to-cancel", "/bookings/{whole}/", "customer", act=choose_to_cancel, text="£6 back"),
    Page("booking-partly-cancelled", "/bookings/{part}/", "customer", text="is back."),
    Page("booking-refund-under-way", "/bookings/{waiting}/", "customer", text="is on its way back."),
    Page("booking-refund-failed", "/bookings/{failed}/", "customer", text="could not be given back."),
    Page("booking-all-cancelled", "/bookings/{all_back}/", "customer", text="on its way back"),
    Page("booking-all-failed", "/bookings/{lost}/", "customer", text="We could not give your money back"),
    Page("booking-too-late", "/bookings/{late}/", "customer", text="That time has passed."),
    Page("booking-used", "/bookings/{used}/", "customer", act=choose_to_cancel, text="Used"),
    Page("booking-showtime-cancelled", "/bookings/{called_off}/", "customer", text="It is not being shown"),
    Page("cancel", "/bookings/{whole}/cancel/", "customer", text="Which tickets?"),
    Page("cancel-look", "/bookings/{whole}/cancel/?{seats}", "customer", text="Comes back"),
    Page("cancel-changed", "/bookings/{part}/cancel/?{part_seats}", "customer", text="already cancelled"),
    Page("cancel-too-late", "/bookings/{late}/cancel/", "customer", text="That time has passed."),
    Page("bookings", "/bookings/", "customer"),
    Page("bookings-empty", "/bookings/"),
    Page("sign-in", "/accounts/login/?next=/bookings/"),
    Page("sign-in-wrong", "/accounts/login/", act=fill_wrongly, text="do not match"),
    Page("sign-up", "/accounts/signup/"),
    Page("sign-up-wrong", "/accounts/signup/", act=fill_wrongly, text="too short"),
    Page("sign-out", "/accounts/logout/", "customer"),
    Page("account", "/accounts/", "customer"),
    Page("account-closed", "/accounts/inactive/"),
    Page("account-email", "/accounts/email/", "customer"),
    Page("account-password", "/accounts/password/change/", "customer"),
    Page(
        "account-password-wrong", "/accounts/password/change/", "customer", act=fill_wrongly, text="not your password"
    ),
    Page("account-again", "/accounts/reauthenticate/?next=/accounts/email/", "customer"),
    Page("account-again-code", "/accounts/2fa/reauthenticate/?next=/accounts/", "factor", text="No phone at hand"),
    Page("second-factor", "/accounts/2fa/", "no factor", text="Set it up"),
    Page("second-factor-set-up", "/accounts/2fa/totp/activate/", "no factor", text="Or type this key"),
    Page("second-factor-wrong", "/accounts/2fa/totp/activate/", "no factor", act=give_wrong_code, text="not the code"),
    Page("second-factor-on", "/accounts/2fa/", "factor", text="On since"),
    Page("second-factor-off", "/accounts/2fa/totp/deactivate/", "factor", text="Turn it off?"),
    Page("recovery-codes", "/accounts/2fa/recovery-codes/", "factor", text="Each works once"),
    Page("recovery-codes-new", "/accounts/2fa/recovery-codes/generate/", "factor", text="become void"),
    Page("sign-in-code", "/accounts/login/", act=sign_in_with_factor, text="The password was right"),
    Page("password-reset", "/accounts/password/reset/"),
    Page("password-reset-sent", "/accounts/password/reset/done/"),
    Page("password-reset-form", "{reset}", text="New password again"),
    Page("password-reset-used", "/accounts/password/reset/key/zz-nonsense/", text="That link is used up"),
    Page("password-reset-done", "/accounts/password/reset/key/done/"),
    Page("email-confirm", "{confirm}", text="Yes, it is mine"),
    Page("email-confirm-used", "/accounts/confirm-email/nonsense/", text="That link is used up"),
    Page("email-sent", "/accounts/confirm-email/"),
    Page("error-403", "/movies/admin-dashboard/", "customer", 403),
    Page("error-403-form", "/accounts/login/", status=403, act=send_without_cookie, text="keeps no cookies"),
    Page("error-404", "/no/such/page/", status=404),
    Page("error-429", "/accounts/password/reset/", status=429, act=ask_too_often, text="A moment, please"),
    Page("error-500", "/bookings/", "broken", 500),
    Page("board", "/staff/board/", "staff"),
    Page("board-wall", "/staff/board/?view=wall", "staff", whole=False),
    Page("dashboard", "/movies/admin-dashboard/", "staff"),
    Page("staff-bookings", "/staff/bookings/", "staff", text="The latest"),
    Page("staff-bookings-found", "/staff/bookings/?q=mira", "staff", text="partly cancelled"),
    Page("staff-bookings-none", "/staff/bookings/?q=zzzz", "staff", text="No such booking"),
    Page("timeline", "/staff/bookings/{part}/", "staff", text="Gave back"),
    Page("timeline-failed", "/staff/bookings/{failed}/", "staff", act=say_settled, text="Given up after 16 tries"),
    Page("timeline-paying", "/staff/bookings/{paying}/", "staff", text="The payment page was opened"),
    Page("staff-cancel", "/staff/bookings/{whole}/cancel/", "staff", text="Which tickets?"),
    Page("staff-cancel-look", "/staff/bookings/{whole}/cancel/?{seats}", "staff", text="Goes back"),
    Page("staff-cancel-none", "/staff/bookings/{lost}/cancel/", "staff", text="No ticket of this booking stands"),
    Page("money", "/staff/money/", "staff", text="Needs a person"),
    Page("cancel-showtime", "/staff/showtimes/{busy}/cancel/", "staff", text="This cannot be undone."),
    Page("cancel-showtime-done", "/staff/showtimes/{called_off_showtime}/cancel/", "staff", text="still to be asked"),
    Page("admin", "/admin/", "staff"),
    Page("admin-list", "/admin/cinema/movie/", "staff"),
    Page("admin-change", "/admin/cinema/movie/{movie_id}/change/", "staff", tolerates=DJANGO_FAULTS),
)


def start_site():
    """(server with production settings and every state that PAGES needs, facts)."""
    server = start_server(**PRODUCTION)
    try:
        env = clean_environment(**server.env, LOOP="external")
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", CREATE_STATES],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return server, json.loads(done.stdout.splitlines()[-1])
    except BaseException:
        server.close()
        raise


class People:
    """One browser context each for guest, customer and staff, and one with a broken session."""

    def __init__(self, browser, server, facts, **context):
        self.browser, self.server, self.facts, self.context = browser, server, facts, context
        self.contexts = {}

    def page_of(self, role):
        """The page of this person, signed in when there is an account."""
        if role not in self.contexts:
            context = self.browser.new_context(locale="en-GB", **self.context)
            if role in self.facts["sessions"]:
                name = f"bookmyseat_{self.server.port}"
                context.add_cookies([{"name": name, "value": self.facts["sessions"][role], "url": self.server.url}])
            self.contexts[role] = context, context.new_page()
        context, page = self.contexts[role]
        if role not in self.facts["sessions"]:
            context.clear_cookies()  # a guest may have begun to sign in on the page before
        return page

    def url(self, page):
        path = page.path.format(**self.facts)
        return path if path.startswith("http") else self.server.url + path

    def close(self):
        for context, _ in self.contexts.values():
            context.close()
