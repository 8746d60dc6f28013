"""A ticket is bought with the keyboard alone, without JavaScript, and by touch on a phone."""

import re

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def press_until(page, selector, key="Tab", most=400):
    """Press a key until the element has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} was never reached with {key}")


def test_a_ticket_is_bought_with_the_keyboard_alone(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    page = alice.page
    press_until(page, ".seat input")
    first = page.evaluate("document.activeElement.value")
    page.keyboard.press("Space")
    alice.sees(first, "mine")
    press_until(page, '.seat[data-status="available"] input', "ArrowDown", most=10)  # others may hold seats beside it
    second = page.evaluate("document.activeElement.value")
    assert second != first
    page.keyboard.press("Space")
    alice.sees(second, "mine")
    alice.reads_basket(second)
    press_until(page, "#basket-pay")
    page.keyboard.press("Enter")
    page.get_by_label("E-mail for the tickets").wait_for()
    press_until(page, "#email")
    page.keyboard.type("alice@example.com")
    page.keyboard.press("Enter")
    page.wait_for_url("**/payments/demo/**")
    press_until(page, 'button[value="pay"]')
    page.keyboard.press("Enter")
    assert sorted(alice.tickets()) == sorted([first, second])


def test_enter_chooses_and_releases_a_seat_like_space(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    mine, seat = alice.free_seats(2)
    alice.choose(mine)
    alice.box(seat).focus()
    alice.page.keyboard.press("Enter")
    alice.sees(seat, "mine")
    alice.reads_basket(f"{mine}, {seat}")
    alice.page.keyboard.press("Enter")
    alice.sees(seat, "available")
    alice.sees(mine, "mine")


def test_on_a_phone_the_basket_is_a_sheet_that_lists_each_seat(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    seats = alice.free_seats(2)
    alice.choose(*seats)
    handle = alice.page.get_by_role("button", name="Your seats, one by one")
    release = alice.page.get_by_role("button", name=f"Give back {seats[0]}")
    expect(release).to_be_hidden()
    handle.tap()
    expect(handle).to_have_attribute("aria-expanded", "true")
    release.tap()
    alice.sees(seats[0], "available")
    expect(release).to_have_count(0)
    expect(handle).to_have_attribute("aria-expanded", "true")
    expect(alice.page.get_by_role("button", name=f"Give back {seats[1]}")).to_be_visible()


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_a_ticket_is_bought_without_javascript(server, showtime_path, new_guest, size):
    alice = new_guest(server, java_script_enabled=False, **size).open(showtime_path, live=False)
    page = alice.page
    seats = alice.page.locator('.seat[data-status="available"][data-kind="seat"] input')
    label = seats.first.get_attribute("value")
    alice.seat(label).click()
    page.get_by_role("button", name=re.compile("Hold these seats")).click()
    page.get_by_label("E-mail for the tickets").fill("alice@example.com")
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.get_by_role("button", name=re.compile("^Pay £")).click()
    assert alice.tickets() == [label]


def test_without_javascript_seats_are_released_and_a_refusal_names_them(server, showtime_path, new_guest):
    alice = new_guest(server, java_script_enabled=False).open(showtime_path, live=False)
    bob = new_guest(server).open(showtime_path)
    (seat,) = bob.free_seats(1)
    bob.choose(seat)
    alice.seat(seat).click()  # her page is older than the lock
    alice.page.get_by_role("button", name=re.compile("Hold these seats")).click()
    expect(alice.page.locator("#news")).to_contain_text(seat)
    alice.sees(seat, "locked")
    bob.release(seat)
    alice.open(showtime_path, live=False)
    alice.seat(seat).click()
    alice.page.get_by_role("button", name=re.compile("Hold these seats")).click()
    alice.open(showtime_path, live=False)
    alice.sees(seat, "mine")
    bob.sees(seat, "locked")
    alice.page.get_by_role("button", name=re.compile("^Give (it|all) back")).click()
    alice.sees(seat, "available")
    bob.sees(seat, "available")


def test_a_ticket_is_bought_on_a_phone(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    seats = alice.free_seats(2)
    for seat in seats:
        alice.seat(seat).tap()
        if seat == seats[0]:  # seats smaller than a finger: the first tap goes there and takes nothing
            expect(alice.page.locator(".hall-window[data-zoomed]")).to_be_visible()
            expect(alice.page.locator(".hall[data-moving]")).to_have_count(0)
            alice.sees(seat, "available")
            alice.seat(seat).tap()
        alice.sees(seat, "mine")
        alice.reads_basket(seat)
    wide = alice.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"the page is {wide} px wider than the phone"
    assert alice.pay() == seats
    for path in (alice.page.url.removeprefix(server.url), "/", "/bookings/"):
        alice.open(path, live=False)
        assert alice.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
