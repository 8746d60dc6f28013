"""The seats as a list by row: made when it is opened, the same basket and requests, live, by keyboard, on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.hall.conftest import SIZES
from tests.browser.party.conftest import ROOMY, has_seats, locked_by, step_to
from tests.browser.site.keyboard import Keyboard

NAMES = "all => all.map((each) => each.textContent)"


def open_list(guest):
    guest.page.get_by_role("button", name="List", exact=True).click()
    expect(guest.page.locator("#seat-list")).to_be_visible()
    return guest.page.locator(".list-seat")


def listed(guest, label):
    index = guest.seat(label).get_attribute("data-i")
    return guest.page.locator(f'.list-seat[data-i="{index}"]')


def test_the_list_is_made_when_it_is_opened_and_has_every_seat_by_its_name(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    expect(alice.page.locator(".list-seat")).to_have_count(0)
    names = alice.page.locator(".seat .visually-hidden").evaluate_all(NAMES)
    buttons = open_list(alice)
    assert buttons.evaluate_all(NAMES) == names
    legends = alice.page.locator(".row legend").evaluate_all(NAMES)
    assert alice.page.locator("#seat-list h2").evaluate_all(NAMES) == legends
    expect(alice.page.locator(".hall-window")).to_be_hidden()
    alice.page.get_by_role("button", name="Map", exact=True).click()
    expect(alice.page.locator("#seat-list")).to_be_hidden()
    expect(alice.page.locator(".hall-window")).to_be_visible()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_list_takes_and_gives_back_by_the_same_requests_and_is_live(server, showtime_path, new_guest, puts, size):
    alice = new_guest(server, reduced_motion="reduce", **SIZES[size]).open(showtime_path)
    bob = new_guest(server).open(showtime_path)
    first, second, theirs = alice.free_seats(3)
    open_list(alice)
    sent = puts(alice)
    for label in (first, second):
        listed(alice, label).click()
        expect(listed(alice, label)).to_have_attribute("aria-pressed", "true")
        bob.sees(label, "locked")
    has_seats(alice, first, second)
    assert sent == [[first], [first, second]] and locked_by(alice) == [first, second]
    listed(alice, second).click()
    has_seats(alice, first)
    bob.choose(theirs)
    expect(listed(alice, theirs)).to_have_attribute("aria-disabled", "true")
    expect(listed(alice, theirs)).to_contain_text("being chosen by someone else")
    listed(alice, theirs).click(force=True)
    alice.reads_news("is being chosen by someone else")
    has_seats(alice, first)
    found = Axe().run(alice.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["target"]) for each in found] == []


def test_the_list_is_one_tab_stop_with_arrows_and_typed_labels(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    open_list(alice)
    keys = Keyboard(alice.page)
    stops = keys.tab_stops()
    assert len(stops) <= 60 and sum("list-seat" in each for each in stops) == 1
    keys.until(".list-seat", key="Tab")

    def focused():
        return alice.page.evaluate(
            "() => document.querySelector(`.seat[data-i='${document.activeElement.dataset.i}'] input`)?.value"
        )

    for key, label in (("e", None), ("7", "E7"), ("ArrowRight", "E8"), ("ArrowDown", "F8"), ("ArrowUp", "E8"),
                       ("Home", "E1"), ("ArrowLeft", None), ("ArrowRight", "E1"), ("End", None)):  # fmt: skip
        keys.press(key)
        assert label in (None, focused())
    assert focused()[0] == "E"
    free = alice.free_seats(1)[0]
    keys.type_label(free)
    assert focused() == free
    keys.press("Enter")
    has_seats(alice, free)
    alice.page.locator('a[href="#seats"]').focus()
    keys.press("Enter")
    expect(alice.page.locator(".list-seat:focus")).to_have_count(1)


def test_seats_together_work_in_the_list(server, showtime_path, new_guest, puts):
    alice = new_guest(server).open(showtime_path)
    step_to(alice, 2)
    seat = alice.page.evaluate(ROOMY)[0]
    open_list(alice)
    sent = puts(alice)
    listed(alice, seat).click()
    expect(alice.page.locator('.list-seat[data-status="mine"]')).to_have_count(2)
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(2)
    assert len(sent) == 1 and seat in sent[0] and sorted(sent[0]) == sorted(locked_by(alice))


def test_a_purchase_from_the_list_sends_each_seat_once(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    seats = alice.free_seats(2)
    open_list(alice)
    for label in seats:
        listed(alice, label).click()
        alice.reads_basket(label)
    with alice.page.expect_request(lambda request: request.method == "POST") as sent:
        alice.page.locator("#basket-pay").click()
    assert [part for part in sent.value.post_data.split("&") if part.startswith("seats=")] == [
        f"seats={s}" for s in seats
    ]
    alice.page.get_by_label("E-mail for the tickets").wait_for()
