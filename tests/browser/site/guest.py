"""A guest at a seat map: looks, chooses, releases, pays. Only by what the page shows, never through its code."""

import re

from playwright.sync_api import expect

# The browser logs a refused request as an error; the page handles it.
REFUSAL_IN_LOG = re.compile(r"the server responded with a status of (409|410|412|422|429)")
# What the browser logs when its server was killed by the test.
LOSS_IN_LOG = re.compile(r"ERR_CONNECTION|ERR_INTERNET|WebSocket connection to .* failed|ERR_EMPTY_RESPONSE")
RECORD_STATUS_CHANGES = """() => {
  const seats = document.querySelector('.hall');
  window.statusChanges = {};
  new MutationObserver((records) => {
    for (const { target } of records) {
      const label = target.querySelector('input').value;
      (window.statusChanges[label] ??= []).push([target.dataset.status, performance.timeOrigin + performance.now()]);
    }
  }).observe(seats, { subtree: true, attributes: true, attributeFilter: ['data-status'] });
}"""


class Guest:
    """One browser context with one page; `console_errors` collects what its console complains about."""

    def __init__(self, context, server):
        self.context, self.server = context, server
        self.page = context.new_page()
        self.console_errors, self.may_lose_server = [], False
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.console_errors.append(f"error: {error}"))

    def _listen(self, message):
        text = f"{message.type}: {message.text}"
        no_block = "/best/?" in message.location["url"]  # best available answers 404 when there is none
        if message.type not in ("error", "warning") or no_block or REFUSAL_IN_LOG.search(text):
            return
        if not (self.may_lose_server and LOSS_IN_LOG.search(text)):
            self.console_errors.append(text)

    def close(self):
        self.context.close()

    def new_tab(self):
        """Another tab of the same browser; its console is listened to with this one's."""
        tab = Guest(self.context, self.server)
        tab.console_errors = self.console_errors
        return tab

    def open(self, path, *, live=True):
        self.page.goto(self.server.url + path)
        if live:
            self.sees_live()
        return self

    def showtime_on(self, screen):
        """The path of a showtime on sale on the screen of that name."""
        listed = self.context.request.get(f"{self.server.url}/api/showtimes/").json()["showtimes"]
        return next(f"/showtimes/{one['id']}/" for one in listed if one["screen"] == screen and one["sales"] == "open")

    # ---- Looking ----
    def seat(self, label):
        return self.page.locator(f'.seat:has(input[value="{label}"])')

    def box(self, label):
        return self.page.locator(f'.seat input[value="{label}"]')

    def sees_live(self, *, seconds=10):
        expect(self.page.locator("#live")).to_have_attribute("data-state", "live", timeout=seconds * 1000)
        expect(self.page.locator(".hall")).to_have_attribute("data-live", "true")

    def sees(self, label, status, *, seconds=8):
        expect(self.seat(label)).to_have_attribute("data-status", status, timeout=seconds * 1000)

    def reads_news(self, text, *, seconds=8):
        expect(self.page.locator("#news")).to_contain_text(text, timeout=seconds * 1000)

    def reads_basket(self, text, *, seconds=8):
        expect(self.page.locator("#basket")).to_contain_text(text, timeout=seconds * 1000)

    def has_answer(self):
        """What the basket shows is granted, not only asked for."""
        expect(self.page.locator("#basket")).not_to_have_attribute("aria-busy", "true", timeout=15_000)

    def free_seats(self, count):
        """Labels of free ordinary seats, best rows last."""
        free = self.page.locator('.seat[data-status="available"][data-kind="seat"] input')
        labels = free.evaluate_all("boxes => boxes.map((box) => box.value)")
        assert len(labels) >= count, f"only {len(labels)} free seats"
        return labels[:count]

    # ---- Measuring ----
    def record_status_changes(self):
        """From now on record when the status of each seat changes, on a clock that all pages share."""
        self.page.evaluate(RECORD_STATUS_CHANGES)

    def status_changes(self, label):
        """[status, milliseconds] of each change since `record_status_changes`."""
        return self.page.evaluate("label => window.statusChanges[label] ?? []", label)

    def now(self):
        return self.page.evaluate("() => performance.timeOrigin + performance.now()")

    # ---- Acting ----
    def choose(self, *labels):
        for label in labels:
            self.seat(label).click()
            self.sees(label, "mine")
            self.has_answer()
            self.reads_basket(label)

    def release(self, *labels):
        for label in labels:
            self.seat(label).click()
            self.sees(label, "available")

    def pay(self, email="alice@example.com"):
        """From the basket to the tickets; returns the seats on the tickets."""
        self.page.locator("#basket-pay").click()
        self.page.get_by_label("E-mail for the tickets").fill(email)
        self.page.get_by_role("button", name=re.compile("^Pay ")).click()
        self.page.get_by_role("button", name=re.compile("^Pay £")).click()
        return self.tickets()

    def tickets(self):
        self.page.wait_for_url("**/bookings/**")
        expect(self.page.locator(".ticket").first).to_be_visible(timeout=10_000)
        return [text.split()[-1] for text in self.page.locator(".ticket__seat").all_inner_texts()]
