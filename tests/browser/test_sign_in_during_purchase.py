"""A guest signs up between choosing and paying, and signs in to an account that has locked other seats."""

import re

from playwright.sync_api import expect

PASSWORD = "a long password 1"


def lock_of(guest, path):
    return guest.page.request.get(f"{guest.server.url}/api{path}lock/").json()


def sign_in(guest, page, email, path):
    guest.page.goto(f"{guest.server.url}/accounts/{page}/?next={path}")
    guest.page.get_by_label("E-mail").fill(email)
    guest.page.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.page.locator(".sign-in__form button[type=submit]").click()
    guest.page.wait_for_url(f"**{path}")


def test_a_guest_signs_up_pays_and_finds_the_tickets_in_another_browser(server, showtime_path, new_guest):
    desktop, phone = new_guest(server).open(showtime_path), new_guest(server)
    desktop.choose(*desktop.free_seats(2))
    before = lock_of(desktop, showtime_path)
    sign_in(desktop, "signup", "alice-midway@example.com", showtime_path)
    desktop.sees_live()
    after = lock_of(desktop, showtime_path)
    assert [after[name] for name in ("reference", "expires_at", "seats")] == [
        before[name] for name in ("reference", "expires_at", "seats")
    ]
    seats = desktop.pay()
    sign_in(phone, "login", "alice-midway@example.com", "/bookings/")
    phone.page.get_by_role("link", name=re.compile(before["reference"])).click()
    assert phone.tickets() == seats
    phone.page.goto(f"{server.url}/accounts/")
    phone.page.get_by_role("button", name="Sign out").click()
    phone.page.goto(f"{server.url}/bookings/")
    expect(phone.page.locator("main")).to_contain_text("No bookings yet")


def test_signing_in_keeps_this_browsers_seats_and_releases_those_of_the_other(server, showtime_path, new_guest):
    phone, desktop, onlooker = (new_guest(server) for _ in range(3))
    sign_in(phone, "signup", "bob-midway@example.com", showtime_path)
    phone.sees_live()
    theirs, mine = phone.free_seats(2)
    expect(phone.page.locator("#news .toast")).to_have_text("Signed in as bob-midway@example.com.")
    phone.choose(theirs)
    desktop.open(showtime_path).choose(mine)
    onlooker.open(showtime_path).sees(theirs, "locked")
    sign_in(desktop, "login", "bob-midway@example.com", showtime_path)
    for guest in (phone, onlooker):
        guest.sees(theirs, "available")
    onlooker.sees(mine, "locked")
    desktop.sees(mine, "mine")
    desktop.sees(theirs, "available")
    expect(phone.page.locator("#news .toast", has_text="Signed in as")).to_have_count(0, timeout=9000)
