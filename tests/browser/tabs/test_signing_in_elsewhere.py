"""Signing in in another tab renews the token of every form; cookies that are not kept are explained."""

import re

from playwright.sync_api import expect

PASSWORD = "a long password 1"
NO_COOKIES = "Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set() {} })"


def sign_up(tab, email):
    tab.page.goto(f"{tab.server.url}/accounts/signup/?next=/bookings/")
    tab.page.get_by_label("E-mail").fill(email)
    tab.page.get_by_label("Password", exact=True).fill(PASSWORD)
    tab.page.locator(".sign-in__form button[type=submit]").click()
    tab.page.wait_for_url("**/bookings/")


def test_continue_to_payment_and_paying_work_after_signing_in_in_another_tab(server, showtime_path, new_guest):
    one = new_guest(server).open(showtime_path)
    two = one.new_tab()
    seats = one.free_seats(2)
    one.choose(*seats)
    sign_up(two, "alice-elsewhere@example.com")
    one.page.locator("#basket-pay").click()
    expect(one.page.get_by_role("heading", name="Almost yours")).to_be_visible()
    two.page.goto(f"{server.url}/accounts/")
    two.page.get_by_role("button", name="Sign out").click()
    two.page.wait_for_url(lambda url: "accounts" not in url)
    two.page.goto(f"{server.url}/accounts/login/?next=/bookings/")
    two.page.get_by_label("E-mail").fill("alice-elsewhere@example.com")
    two.page.get_by_label("Password", exact=True).fill(PASSWORD)
    two.page.locator(".sign-in__form button[type=submit]").click()
    two.page.wait_for_url("**/bookings/")
    one.page.get_by_label("E-mail for the tickets").fill("alice@example.com")
    one.page.get_by_role("button", name=re.compile("^Pay ")).click()
    one.page.get_by_role("button", name=re.compile("^Pay £")).click()
    assert one.tickets() == seats


def test_without_a_script_the_form_is_offered_again_with_the_same_seats(server, showtime_path, new_guest):
    one = new_guest(server, java_script_enabled=False).open(showtime_path, live=False)
    two = one.new_tab()
    seats = one.page.locator('.seat[data-status="available"][data-kind="seat"] input')
    labels = [seats.nth(number).get_attribute("value") for number in range(2)]
    for label in labels:
        one.seat(label).click()
    sign_up(two, "bob-elsewhere@example.com")
    one.page.get_by_role("button", name="Hold these seats and continue").click()
    expect(one.page.locator("main")).to_contain_text("signed in or out in another tab")
    expect(one.page.locator("main")).to_contain_text("Nothing was changed and nothing was charged.")
    one.page.get_by_role("button", name=f"Continue to payment with {', '.join(labels)}").click()
    expect(one.page.locator(".checkout__lock")).to_contain_text(", ".join(labels))
    one.console_errors[:] = [text for text in one.console_errors if "status of 403" not in text]


def test_missing_cookies_are_explained_and_no_seat_is_shown_as_mine(server, showtime_path, new_guest):
    alice = new_guest(server)
    alice.context.add_init_script(NO_COOKIES)
    alice.open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.seat(seat).click()
    alice.reads_news("Your browser keeps no cookies for this site")
    alice.reads_news("Allow cookies for this site")
    alice.sees(seat, "available")
    alice.reads_basket("Touch a seat")
