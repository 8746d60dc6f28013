"""The database is restored while maps and the board are open: they show the restored state, and so does my basket."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from bench.support.http_session import open_showtimes
from bench.support.servers import start_server
from tests.browser.test_board import new_staff, number_in  # noqa: F401 (a fixture)
from tests.realtime.servers import Visitor


@pytest.fixture
def own_server():
    with start_server(RATE_LIMITS=0, SEAT_LOCK_SECONDS=600) as server:
        yield server


def copy(source, target):
    with closing(sqlite3.connect(source, timeout=20)) as one, closing(sqlite3.connect(target, timeout=20)) as other:
        one.backup(other)


def test_seats_that_the_restored_database_does_not_have_leave_my_basket_all_maps_and_the_board(
    own_server,
    new_guest,
    new_staff,  # noqa: F811
    tmp_path,
):
    file, old = own_server.data_dir / "db.sqlite3", tmp_path / "old.sqlite3"
    showtime = open_showtimes(Visitor(own_server.url))[0]["id"]
    alice = new_guest(own_server).open(f"/showtimes/{showtime}/")
    bob = new_guest(own_server).open(f"/showtimes/{showtime}/")
    staff = new_staff(own_server)
    row = staff.page.locator(f'.board__row[data-showtime="{showtime}"]')
    free = row.locator('[data-count="available"] b')
    first, second, other = alice.free_seats(3)
    before = number_in(free) - 1  # with Alice's first seat
    alice.choose(first)
    bob.sees(first, "locked")
    expect(free).to_have_text(str(before), timeout=5000)
    copy(file, old)
    alice.choose(second)
    bob.choose(other)
    bob.sees(second, "locked")
    expect(free).to_have_text(str(before - 2), timeout=3000)

    copy(old, file)

    alice.sees(first, "mine")
    alice.sees(second, "available")
    alice.sees(other, "available")
    bob.sees(other, "available")
    expect(alice.page.locator("#basket .basket-seat__label")).to_have_text([first])
    alice.reads_news(second)
    expect(free).to_have_text(str(before), timeout=5000)
    bob.choose(second)
    alice.sees(second, "locked")
