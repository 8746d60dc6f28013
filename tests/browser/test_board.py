"""The staff board in Chromium: it updates with each purchase, and shows when its figures are old."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server
from tests.browser.test_accessibility import violations

LOAD = """async () => {
  const { LiveSocket } = await import("/static/js/live-socket.js");
  const { BoardState } = await import("/static/js/board-state.js");
  const nothing = () => {};
  const told = { changed: nothing, status: nothing, renewed: nothing };
  window.another = new LiveSocket("/ws/board/", new BoardState(), told);
}"""


@pytest.fixture
def new_staff(new_guest):
    """`new_staff(server, path)` is a member of staff, signed in, with a live page open."""

    def create(server, path="/staff/board/", **context):
        guest = new_guest(server, reduced_motion="reduce", **context)
        guest.open(f"/accounts/login/?next={path}", live=False)
        guest.page.get_by_label("E-mail", exact=True).fill("staff@example.com")
        guest.page.get_by_label("Password", exact=True).fill(server.staff_password)
        guest.page.keyboard.press("Enter")
        expect(guest.page.locator("#live")).to_have_attribute("data-state", "live", timeout=10_000)
        return guest

    return create


def day_of(guest, showtime):
    listed = guest.context.request.get(f"{guest.server.url}/api/showtimes/{showtime}/").json()
    return listed["starts_at"][:10]


def number_in(locator):
    return int(re.sub(r"\D", "", locator.inner_text()) or 0)


def test_the_board_updates_when_seats_are_locked_and_paid(
    server, showtime_path, unused_showtimes, new_guest, new_staff
):
    showtime = unused_showtimes.pop(0)["id"]  # the next one: the board shows a week, the listings more
    alice = new_guest(server).open(f"/showtimes/{showtime}/")
    staff = new_staff(server, f"/staff/board/?day={day_of(alice, showtime)}")
    row = staff.page.locator(f'.board__row[data-showtime="{showtime}"]')
    booked, free = row.locator('[data-count="booked"] b'), row.locator('[data-count="available"] b')
    before = number_in(booked), number_in(free), number_in(staff.page.locator('[data-total="booked"]'))
    money = row.locator(".board__money").inner_text()
    seats = alice.free_seats(2)

    alice.choose(*seats)
    expect(row.locator('[data-count="locked"]')).to_have_text(re.compile(r"2\s*choosing"), timeout=3000)
    expect(free).to_have_text(str(before[1] - 2))

    alice.pay()
    expect(booked).to_have_text(str(before[0] + 2), timeout=3000)
    expect(row.locator('[data-count="locked"]')).to_be_hidden()
    expect(row.locator(".board__money")).not_to_have_text(money)
    assert number_in(staff.page.locator('[data-total="booked"]')) == before[2] + 2
    staff.page.reload()
    expect(row.locator('[data-count="booked"] b')).to_have_text(str(before[0] + 2))


@pytest.mark.parametrize("view", ["?day=", "?view=wall"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_board_has_no_axe_violation_and_fits_its_window(server, new_staff, view, width):
    staff = new_staff(server, f"/staff/board/{view}", viewport={"width": width, "height": 900})
    assert violations(staff.page) == []
    assert staff.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_wall_view_shows_nine_rows_and_no_money(server, new_staff):
    staff = new_staff(server, "/staff/board/?view=wall", viewport={"width": 1440, "height": 810})
    shown = [row for row in staff.page.locator(".board__row").all() if row.is_visible()]
    assert len(shown) == 9
    assert not [cell for cell in staff.page.locator(".board__money").all() if cell.is_visible()]


def test_a_board_that_is_left_while_its_socket_connects_logs_no_error(new_staff):
    with start_server(RATE_LIMITS=0) as server:
        staff = new_staff(server)
        staff.page.evaluate(LOAD)
        os.killpg(server.process.pid, signal.SIGSTOP)  # a socket connects, and nobody answers
        try:
            staff.page.evaluate("window.another.connect()")
            staff.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")  # as when the page is left
        finally:
            os.killpg(server.process.pid, signal.SIGCONT)
        staff.page.wait_for_function("document.readyState")  # what was logged before has come by now
        assert staff.console_errors == []
        staff.may_lose_server = True


@pytest.mark.timed
def test_the_board_shows_a_lost_connection_and_reconnects(new_staff):
    with start_server(RATE_LIMITS=0) as server:
        staff = new_staff(server)
        staff.may_lose_server = True
        server.kill()
        expect(staff.page.locator("#live")).to_have_text("Reconnecting", timeout=3000)
        expect(staff.page.locator("live-board")).to_have_attribute("data-old", "")
        server.start()
        staff.page.evaluate("dispatchEvent(new Event('online'))")  # else it reconnects within half a minute
        expect(staff.page.locator("#live")).to_have_attribute("data-state", "live", timeout=45_000)
        expect(staff.page.locator("live-board")).not_to_have_attribute("data-old", "")
