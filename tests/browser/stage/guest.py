"""What a guest does at a seat map: look, choose, give back, pay. In the words of the page, not of its code."""

import re
import shutil

from playwright.sync_api import expect

# A refused request is news for the guest and a line in the browser's own log; that line is no fault.
REFUSAL_IN_LOG = re.compile(r"the server responded with a status of (409|410|422|429)")
# What a browser says of a server that was killed under it, in tests that kill it.
LOSS_IN_LOG = re.compile(r"ERR_CONNECTION|ERR_INTERNET|WebSocket connection to .* failed|ERR_EMPTY_RESPONSE")
SAY_WHEN_MARKED = """(wanted) => {
  const seats = document.querySelector('.hall');
  window.turned = {};
  new MutationObserver((records) => {
    for (const { target } of records) {
      const label = target.querySelector('input').value;
      (window.turned[label] ??= []).push([target.dataset.status, performance.timeOrigin + performance.now()]);
    }
  }).observe(seats, { subtree: true, attributes: true, attributeFilter: ['data-status'] });
}"""


def find_chromium():
    """The machine's own browser; None lets Playwright take the one that it brings."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


class Guest:
    def __init__(self, context, server):
        self.context, self.server = context, server
        self.page = context.new_page()
        self.complaints, self.loses_server = [], False
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def _listen(self, message):
        text = f"{message.type}: {message.text}"
        if message.type not in ("error", "warning") or REFUSAL_IN_LOG.search(text):
            return
        if not (self.loses_server and LOSS_IN_LOG.search(text)):
            self.complaints.append(text)

    def leave(self):
        self.context.close()

    def open(self, path, *, live=True):
        self.page.goto(self.server.url + path)
        if live:
            self.sees_live()
        return self

    # ---- looking ----
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

    def free_seats(self, count):
        """Labels of plain free seats, best rows last."""
        free = self.page.locator('.seat[data-status="available"][data-kind="seat"] input')
        labels = free.evaluate_all("boxes => boxes.map((box) => box.value)")
        assert len(labels) >= count, f"only {len(labels)} free seats"
        return labels[:count]

    # ---- measuring ----
    def watch(self):
        """From now on note when each seat changes its look, on the clock that all pages share."""
        self.page.evaluate(SAY_WHEN_MARKED)

    def turned(self, label):
        return self.page.evaluate("label => window.turned[label] ?? []", label)

    def now(self):
        return self.page.evaluate("() => performance.timeOrigin + performance.now()")

    # ---- doing ----
    def choose(self, *labels):
        for label in labels:
            self.seat(label).click()
            self.sees(label, "mine")
            self.reads_basket(label)

    def give_back(self, *labels):
        for label in labels:
            self.seat(label).click()
            self.sees(label, "available")

    def pay(self, email="alice@example.com"):
        """From the basket to the tickets; returns the seats that the tickets are for."""
        self.page.locator("#basket-pay").click()
        self.page.get_by_label("E-mail for the tickets").fill(email)
        self.page.get_by_role("button", name=re.compile("^Pay ")).click()
        self.page.get_by_role("button", name=re.compile("^Pay £")).click()
        return self.tickets()

    def tickets(self):
        self.page.wait_for_url("**/bookings/**")
        expect(self.page.locator(".ticket").first).to_be_visible(timeout=10_000)
        return [text.split()[-1] for text in self.page.locator(".ticket__seat").all_inner_texts()]
