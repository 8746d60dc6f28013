"""A guest signs up between the seats and the till, and signs in where the account holds other seats already."""

import re

from playwright.sync_api import expect

PASSWORD = "a long password 1"


def lock_of(guest, path):
    return guest.page.request.get(f"{guest.server.url}/api{path}lock/").json()


def knock(guest, way, email, path):
    guest.page.goto(f"{guest.server.url}/accounts/{way}/?next={path}")
    guest.page.get_by_label("E-mail").fill(email)
    guest.page.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.page.locator(".door__fields button[type=submit]").click()
    guest.page.wait_for_url(f"**{path}")


def test_a_guest_signs_up_midway_pays_and_finds_the_tickets_in_another_browser(house, sale, arrive):
    desk, phone = arrive(house).open(sale), arrive(house)
    desk.choose(*desk.free_seats(2))
    before = lock_of(desk, sale)
    knock(desk, "signup", "alice-midway@example.com", sale)
    desk.sees_live()
    after = lock_of(desk, sale)
    assert [after[name] for name in ("reference", "expires_at", "seats")] == [
        before[name] for name in ("reference", "expires_at", "seats")
    ]
    seats = desk.pay()
    knock(phone, "login", "alice-midway@example.com", "/bookings/")
    phone.page.get_by_role("link", name=re.compile(before["reference"])).click()
    assert phone.tickets() == seats
    phone.page.goto(f"{house.url}/accounts/")
    phone.page.get_by_role("button", name="Sign out").click()
    phone.page.goto(f"{house.url}/bookings/")
    expect(phone.page.locator("main")).to_contain_text("No bookings yet")


def test_the_seats_of_this_browser_stay_and_the_other_map_shows_at_once_that_its_own_are_free(house, sale, arrive):
    phone, desk, onlooker = (arrive(house) for _ in range(3))
    knock(phone, "signup", "bob-midway@example.com", sale)
    phone.sees_live()
    theirs, mine = phone.free_seats(2)
    expect(phone.page.locator("#news .toast")).to_have_text("Signed in as bob-midway@example.com.")
    phone.choose(theirs)
    desk.open(sale).choose(mine)
    onlooker.open(sale).sees(theirs, "locked")
    knock(desk, "login", "bob-midway@example.com", sale)
    for guest in (phone, onlooker):
        guest.sees(theirs, "available")
    onlooker.sees(mine, "locked")
    desk.sees(mine, "mine")
    desk.sees(theirs, "available")
    expect(phone.page.locator("#news .toast", has_text="Signed in as")).to_have_count(0, timeout=9000)
