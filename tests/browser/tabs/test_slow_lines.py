"""A slow line, a lost answer, no line: the page says what is asked for and not granted yet, and then the truth."""

import json
import re

import pytest
from playwright.sync_api import expect

# Ten seconds pass in two; what the page asked for is kept in `timeouts`.
SHORTER_TIMEOUT = """(() => {
  const { timeout } = AbortSignal;
  window.timeouts = [];
  AbortSignal.timeout = (ms) => (window.timeouts.push(ms), timeout.call(AbortSignal, ms / 5));
})()"""


@pytest.fixture
def alice(server, showtime_path, new_guest):
    guest = new_guest(server)
    guest.may_lose_server = True
    return guest.open(showtime_path)


def lock_of(guest, path):
    return guest.context.request.get(f"{guest.server.url}/api{path}lock/").json()


def labels_of(lock):
    return [seat["label"] for seat in lock["seats"]]


def basket(guest):
    return guest.page.locator("#basket")


def asking(guest):
    return guest.page.locator(".basket__asking")


class Line:
    """Between the page and the server: closed, it holds the changes of the lock back, and everything else passes."""

    def __init__(self, guest):
        self.waiting, self.is_closed = [], True
        guest.page.route("**/lock/", self._pass_or_hold)

    def _pass_or_hold(self, route):
        if self.is_closed and route.request.method == "PUT":
            self.waiting.append(route)
        else:
            route.continue_()

    def open(self):
        self.is_closed = False
        while self.waiting:
            self.waiting.pop().continue_()


def is_firm(guest):
    expect(basket(guest)).to_have_attribute("aria-busy", "false", timeout=15_000)
    expect(asking(guest)).to_have_count(0, timeout=15_000)


def test_on_a_slow_line_the_basket_shows_at_once_what_is_asked_for(alice, showtime_path):
    first, second = alice.free_seats(2)
    line = Line(alice)
    alice.seat(first).click()
    expect(basket(alice)).to_have_attribute("aria-busy", "true")
    expect(asking(alice)).to_contain_text(first)
    expect(asking(alice)).to_contain_text("Not yours until the house has answered")
    alice.seat(second).click()
    expect(asking(alice)).to_contain_text(f"{first} and {second}")
    assert labels_of(lock_of(alice, showtime_path)) == [], "all of this was shown before an answer"
    line.open()
    is_firm(alice)
    expect(alice.page.locator("#basket-seats")).to_have_text(f"{first}, {second}")
    alice.reads_basket("Held for you until")
    line.is_closed = True
    alice.seat(first).click()
    expect(asking(alice)).to_contain_text("Still yours until the house has answered")
    line.open()
    is_firm(alice)
    expect(alice.page.locator("#basket-seats")).to_have_text(second)
    assert labels_of(lock_of(alice, showtime_path)) == [second]


def test_an_answer_that_is_lost_leaves_no_ghost_and_loses_no_seat(alice, showtime_path):
    first, seat = alice.free_seats(2)
    alice.choose(first)

    def lose(route):
        if route.request.method == "PUT":
            route.fetch()  # the server carries it out
            route.abort("connectionreset")
        else:
            route.continue_()

    alice.page.route("**/lock/", lose)
    alice.seat(seat).click()
    expect(alice.page.locator("#basket-seats")).to_have_text(f"{first}, {seat}", timeout=20_000)
    is_firm(alice)
    alice.sees(seat, "mine")
    assert labels_of(lock_of(alice, showtime_path)) == [first, seat]
    expect(alice.page.locator("#news .toast")).to_have_count(0)


def test_a_request_that_is_lost_leaves_no_ghost_seat(alice, showtime_path):
    kept, lost = alice.free_seats(2)
    alice.choose(kept)

    def lose(route):
        if route.request.method == "PUT":
            route.abort("connectionreset")
        else:
            route.continue_()

    alice.page.route("**/lock/", lose)
    alice.seat(lost).click()
    alice.reads_news("That did not reach us", seconds=40)
    alice.reads_news(f"Yours: {kept}.")
    alice.sees(lost, "available")
    alice.sees(kept, "mine")
    is_firm(alice)
    assert labels_of(lock_of(alice, showtime_path)) == [kept]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_the_server_is_followed_by_a_look(alice, showtime_path, status):
    (seat,) = alice.free_seats(1)
    said = {"type": "busy", "title": "Too many people at once", "status": status, "detail": "We are very busy. Wait."}
    body = "<html>no JSON</html>" if status == 502 else json.dumps(said)

    def fail(route):
        if route.request.method == "PUT":
            route.fulfill(status=status, body=body)
        else:
            route.continue_()

    alice.page.route("**/lock/", fail)
    alice.seat(seat).click()
    alice.reads_news("That did not reach us" if status == 502 else "We are very busy.", seconds=40)
    alice.reads_news("You hold no seat.")
    alice.sees(seat, "available")
    is_firm(alice)
    alice.console_errors[:] = [text for text in alice.console_errors if f"status of {status}" not in text]


def test_without_a_line_nothing_is_promised_and_the_truth_comes_with_the_line(alice, showtime_path):
    kept, other = alice.free_seats(2)
    alice.choose(kept)
    line = Line(alice)
    alice.seat(other).click()
    expect(asking(alice)).to_contain_text("Not yours until the house has answered")
    alice.context.set_offline(True)
    line.waiting.pop().abort("internetdisconnected")  # lost before it reached the server
    expect(asking(alice)).to_contain_text("No answer came. Asking what you hold.")
    expect(basket(alice)).to_have_attribute("aria-busy", "true")
    alice.context.set_offline(False)
    alice.reads_news("That did not reach us", seconds=40)
    is_firm(alice)
    alice.sees(kept, "mine")
    alice.sees(other, "available")
    assert labels_of(lock_of(alice, showtime_path)) == [kept]


def test_no_answer_within_ten_seconds_is_no_answer_and_a_late_grant_is_seen(server, showtime_path, new_guest):
    alice = new_guest(server)
    alice.may_lose_server = True
    alice.context.add_init_script(SHORTER_TIMEOUT)
    alice.open(showtime_path)
    first, seat = alice.free_seats(2)
    alice.choose(first)
    line = Line(alice)
    alice.seat(seat).click()
    alice.reads_news("That did not reach us", seconds=40)
    alice.sees(seat, "available")
    is_firm(alice)
    request = line.waiting.pop().request  # it reaches the server after all
    headers = {name: value for name, value in request.headers.items() if re.match("x-csrf|if-match|content-type", name)}
    headers["Referer"] = alice.page.url
    answer = alice.context.request.put(request.url, data=request.post_data, headers=headers)
    assert answer.status == 200
    alice.sees(seat, "mine")
    alice.reads_basket(seat)
    assert labels_of(lock_of(alice, showtime_path)) == [first, seat]
    assert set(alice.page.evaluate("window.timeouts")) == {10_000}
