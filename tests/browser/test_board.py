"""The staff's board in a real browser: it moves when somebody buys, and says so when it cannot know."""

import re

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server
from tests.browser.test_accessibility import violations


@pytest.fixture
def usher(arrive):
    """`usher(server, path)` is staff of that server, signed in and looking at a page."""

    def enter(server, path="/staff/board/", **context):
        guest = arrive(server, reduced_motion="reduce", **context)
        guest.open(f"/accounts/login/?next={path}", live=False)
        guest.page.get_by_label("E-mail", exact=True).fill("staff@example.com")
        guest.page.get_by_label("Password", exact=True).fill(server.staff_password)
        guest.page.keyboard.press("Enter")
        expect(guest.page.locator("#live")).to_have_attribute("data-state", "live", timeout=10_000)
        return guest

    return enter


def day_of(guest, showtime):
    listed = guest.context.request.get(f"{guest.server.url}/api/showtimes/{showtime}/").json()
    return listed["starts_at"][:10]


def number(locator):
    return int(re.sub(r"\D", "", locator.inner_text()) or 0)


def test_the_board_moves_when_somebody_chooses_and_when_they_pay(house, sale, unused, arrive, usher):
    showtime = unused.pop(0)["id"]  # the next one: the board looks a week ahead, the programme further
    alice = arrive(house).open(f"/showtimes/{showtime}/")
    staff = usher(house, f"/staff/board/?day={day_of(alice, showtime)}")
    row = staff.page.locator(f'.board__row[data-showtime="{showtime}"]')
    booked, free = row.locator('[data-count="booked"] b'), row.locator('[data-count="available"] b')
    before = number(booked), number(free), number(staff.page.locator('[data-total="booked"]'))
    money = row.locator(".board__money").inner_text()
    seats = alice.free_seats(2)

    alice.choose(*seats)
    expect(row.locator('[data-count="locked"]')).to_have_text(re.compile(r"2\s*choosing"), timeout=3000)
    expect(free).to_have_text(str(before[1] - 2))

    alice.pay()
    expect(booked).to_have_text(str(before[0] + 2), timeout=3000)
    expect(row.locator('[data-count="locked"]')).to_be_hidden()
    expect(row.locator(".board__money")).not_to_have_text(money)
    assert number(staff.page.locator('[data-total="booked"]')) == before[2] + 2
    staff.page.reload()
    expect(row.locator('[data-count="booked"] b')).to_have_text(str(before[0] + 2))


@pytest.mark.parametrize("view", ["?day=", "?view=wall"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_board_is_readable_by_all_and_fits(house, usher, view, width):
    staff = usher(house, f"/staff/board/{view}", viewport={"width": width, "height": 900})
    assert violations(staff.page) == []
    assert staff.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_wall_shows_no_money_and_nine_rows(house, usher):
    staff = usher(house, "/staff/board/?view=wall", viewport={"width": 1440, "height": 810})
    shown = [row for row in staff.page.locator(".board__row").all() if row.is_visible()]
    assert len(shown) == 9
    assert not [place for place in staff.page.locator(".board__money").all() if place.is_visible()]


def test_the_board_says_that_the_server_is_gone_and_heals(usher):
    with start_server(RATE_LIMITS=0) as server:
        staff = usher(server)
        staff.loses_server = True
        server.kill()
        expect(staff.page.locator("#live")).to_have_text("Reconnecting", timeout=3000)
        expect(staff.page.locator("live-board")).to_have_attribute("data-old", "")
        server.start()
        staff.page.evaluate("dispatchEvent(new Event('online'))")  # it would come back by itself, within half a minute
        expect(staff.page.locator("#live")).to_have_attribute("data-state", "live", timeout=45_000)
        expect(staff.page.locator("live-board")).not_to_have_attribute("data-old", "")
