"""Two tabs of one browser have one lock: neither gives back what the other has chosen, and each shows the truth."""

import json

import pytest
from playwright.sync_api import expect

# A tab that hears nothing of the others: another device of the account, or a browser without this channel.
DEAF = "window.BroadcastChannel = class { postMessage() {} close() {} }"
LOOKED_AT = "() => window.dispatchEvent(new Event('focus'))"


@pytest.fixture
def tabs(server, showtime_path, new_guest):
    one = new_guest(server)
    return one.open(showtime_path), one.new_tab().open(showtime_path)


@pytest.fixture
def deaf_tabs(server, showtime_path, new_guest):
    one = new_guest(server)
    one.context.add_init_script(DEAF)
    return one.open(showtime_path), one.new_tab().open(showtime_path)


def labels_at_server(guest, path):
    lock = guest.context.request.get(f"{guest.server.url}/api{path}lock/").json()
    return [seat["label"] for seat in lock["seats"]]


def holds(guest, path, *labels):
    """The server says so, and the page."""
    for label in labels:
        guest.sees(label, "mine")
        guest.reads_basket(label)
    assert sorted(labels_at_server(guest, path)) == sorted(labels)


def test_a_tab_hears_at_once_what_another_has_chosen_and_given_back(tabs, showtime_path):
    one, two = tabs
    first, second = one.free_seats(2)
    two.choose(first)
    one.sees(first, "mine")
    one.reads_basket(first)
    one.reads_news(f"Also yours: {first}.")
    one.choose(second)
    holds(two, showtime_path, first, second)
    two.seat(first).click()
    one.reads_news(f"No longer yours: {first}.")
    holds(one, showtime_path, second)
    one.sees(first, "available")


def test_an_old_request_gives_back_nothing_of_the_other_tab(deaf_tabs, showtime_path):
    one, two = deaf_tabs
    first, second, third = one.free_seats(3)
    one.choose(first)
    two.page.evaluate(LOOKED_AT)
    two.choose(second)
    one.choose(third)  # this tab has not heard of the second seat
    holds(one, showtime_path, first, second, third)
    one.reads_news(f"Also yours: {second}.")
    two.seat(first).click()  # nor has the other of the third
    two.sees(third, "mine")
    holds(two, showtime_path, second, third)
    two.sees(first, "available")


def test_a_tab_looks_when_it_is_looked_at(deaf_tabs, showtime_path):
    one, two = deaf_tabs
    (seat,) = one.free_seats(1)
    two.choose(seat)
    one.page.evaluate(LOOKED_AT)
    holds(one, showtime_path, seat)


def test_give_all_back_gives_back_what_this_tab_shows(deaf_tabs, showtime_path):
    one, two = deaf_tabs
    first, second = one.free_seats(2)
    one.choose(first)
    two.page.evaluate(LOOKED_AT)
    two.sees(first, "mine")
    two.choose(second)
    one.page.locator("#basket-release").click()
    one.sees(first, "available")
    holds(one, showtime_path, second)


def test_together_they_hold_no_more_than_one_booking_may(deaf_tabs, showtime_path):
    one, two = deaf_tabs
    *many, last, beyond = one.free_seats(11)
    two.choose(*many)
    one.page.evaluate(
        "labels => { for (const label of labels) document.querySelector(`input[value='${label}']`).click(); }",
        [last, beyond],
    )
    one.reads_news("At most 10 seats in one booking")
    one.sees(many[0], "mine")
    one.reads_basket("10 tickets")
    mine = labels_at_server(one, showtime_path)
    assert len(mine) == 10 and set(many) < set(mine)


def test_paying_in_one_tab_is_not_ended_by_an_old_request_of_the_other(deaf_tabs, showtime_path):
    one, two = deaf_tabs
    first, second = one.free_seats(60)[-2:]  # not under the news
    two.choose(first)
    one.page.evaluate(LOOKED_AT)
    one.sees(first, "mine")
    two.page.locator("#basket-pay").click()
    two.page.get_by_label("E-mail for the tickets").fill("alice@example.com")
    two.page.get_by_role("button", name="Pay £").click()
    two.page.get_by_role("heading", name="Pay, or try not to").wait_for()
    one.seat(second).click()
    one.reads_news("Your payment is open in another tab")
    one.sees(second, "available")
    assert labels_at_server(one, showtime_path) == [first]
    api = f"{one.server.url}/api{showtime_path}lock/"
    assert one.context.request.get(api).json()["status"] == "checkout"
    one.choose(second)  # said again, with the payment in view
    holds(one, showtime_path, first, second)


def test_continuing_from_an_old_page_shows_the_lock_instead(deaf_tabs, showtime_path):
    one, two = deaf_tabs
    first, second = one.free_seats(2)
    one.choose(first)
    two.page.evaluate(LOOKED_AT)
    two.sees(first, "mine")
    two.choose(second)
    one.page.locator("#basket-pay").click()
    one.reads_news("Your seats have changed meanwhile")
    one.sees_live()
    holds(one, showtime_path, first, second)
    one.page.locator("#basket-pay").click()
    expect(one.page.get_by_label("E-mail for the tickets")).to_be_visible()
    expect(one.page.locator(".checkout__lock")).to_contain_text(f"{first}, {second}")


def test_changes_are_merged(server, new_guest):
    page = new_guest(server).page
    page.goto(f"{server.url}/")
    cases = [
        # theirs, mine, what it was made from, most; the new selection, what has no room
        (["A1"], ["A2"], [], 10, ["A1", "A2"], []),
        (["A1", "B1"], ["A1", "A2"], ["A1"], 10, ["A1", "B1", "A2"], []),
        (["A1", "B1"], [], ["A1"], 10, ["B1"], []),
        ([], ["A1", "A2"], ["A1"], 10, ["A2"], []),
        (["A1", "A2"], ["A3", "A4"], [], 3, ["A1", "A2", "A3"], ["A4"]),
        (["A1"], ["A1"], [], 1, ["A1"], []),
        (["A1", "A2"], ["A3", "A2"], ["A1", "A2"], 2, ["A2", "A3"], []),
    ]
    found = page.evaluate(
        """async (cases) => {
          const { changeOf, mergeOnto } = await import('/static/js/lock-change.js');
          return cases.map(([theirs, mine, base, max]) => mergeOnto(theirs, changeOf(mine, base), max));
        }""",
        json.loads(json.dumps(cases)),
    )
    assert found == [{"selection": new, "noRoom": rest} for *_, new, rest in cases]
