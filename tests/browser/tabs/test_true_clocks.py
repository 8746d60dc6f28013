"""No page says "held until" of a time that is over, and no message stays that is no longer true."""

import re

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server

LOCK = 8  # s, of the server whose locks are awaited
SECONDS = 30_000  # ms in which such a lock has ended


@pytest.fixture(scope="module")
def short_locks():
    with start_server(RATE_LIMITS=0, LIVE_POLL_SECONDS=1, SEAT_LOCK_SECONDS=LOCK) as started:
        yield started


@pytest.fixture(scope="module")
def short_paths(short_locks, browser):
    context = browser.new_context()
    listed = context.request.get(f"{short_locks.url}/api/showtimes/").json()["showtimes"]
    context.close()
    return [f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open"]


@pytest.fixture
def short_path(short_paths):
    """Of a showtime that no other test here has used."""
    return short_paths.pop()


def taken_again(guest, other, *taken):
    """Of the lock that has just run out, the other visitor takes these seats first."""
    guest.reads_basket("went back to the house", seconds=SECONDS // 1000)
    guest.reads_news("The hold ran out")
    for label in taken:
        other.sees(label, "available")
        other.choose(label)
    guest.page.get_by_role("button", name="Hold them again").click()


def test_take_them_again_says_exactly_what_it_could_take(short_locks, short_path, new_guest):
    alice, bob = new_guest(short_locks).open(short_path), new_guest(short_locks).open(short_path)
    first, second = alice.free_seats(2)
    alice.choose(first, second)
    taken_again(alice, bob, second)
    alice.reads_news(f"Yours again: {first}")
    alice.reads_news(f"Taken meanwhile: {second}.")
    alice.sees(first, "mine")
    alice.sees(second, "locked")
    expect(alice.page.locator("#news")).not_to_contain_text("ran out")


def test_when_all_are_taken_it_says_so(short_locks, short_path, new_guest):
    alice, bob = new_guest(short_locks).open(short_path), new_guest(short_locks).open(short_path)
    (seat,) = alice.free_seats(1)
    alice.choose(seat)
    taken_again(alice, bob, seat)
    alice.reads_news(f"Taken meanwhile: {seat}")
    alice.reads_news("None of them could be held again. Nothing was charged.")
    alice.sees(seat, "locked")


def test_without_a_script_the_basket_does_not_outlive_the_lock(short_locks, short_path, new_guest):
    alice = new_guest(short_locks, java_script_enabled=False).open(short_path, live=False)
    seat = alice.page.locator('.seat[data-status="available"][data-kind="seat"]').first
    seat.click()
    alice.page.get_by_role("button", name="Hold these seats and continue").click()
    alice.page.get_by_role("link", name="Back to the seats").click()
    expect(alice.page.locator("#basket")).to_contain_text("Held for you until")
    expect(alice.page.locator("#basket")).not_to_contain_text("Held for you until", timeout=SECONDS)


def test_at_zero_nothing_is_promised_although_the_server_cannot_be_asked(server, showtime_path, new_guest):
    alice = new_guest(server)
    alice.may_lose_server = True
    alice.page.clock.install()
    alice.open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.choose(seat)
    alice.reads_basket("Held for you until")
    alice.context.set_offline(True)
    alice.page.clock.fast_forward("05:01")
    alice.reads_basket("The time is over.")
    expect(alice.page.locator("#basket")).not_to_contain_text("Held for you until")
    expect(alice.page.locator("#basket-pay")).to_be_hidden()
    alice.context.set_offline(False)
    alice.reads_basket("Held for you until", seconds=20)  # the clock of this page was wrong: the server says so
    expect(alice.page.locator("#basket-pay")).to_be_visible()


def test_a_message_goes_when_it_is_no_longer_true(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    bob.page.clock.install()
    (seat,) = alice.free_seats(1)
    bob.box(seat).focus()
    bob.page.keyboard.press("Shift")
    bob.seat(seat).hover()
    bob.page.clock.pause_at(bob.page.evaluate("Date.now() + 1000"))  # no message ends by its age
    alice.choose(seat)
    bob.reads_news(f"{seat} has just been taken")
    alice.release(seat)
    bob.sees(seat, "available")
    expect(bob.page.locator("#news .toast")).to_have_count(0)


def test_a_refused_form_can_be_gone_back_to_and_keeps_what_was_typed(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    alice.choose(*alice.free_seats(1))
    alice.page.locator("#basket-pay").click()
    alice.page.get_by_label("E-mail for the tickets").fill("nobody at example")
    alice.page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(alice.page.locator("#email-error")).to_be_visible()
    expect(alice.page.get_by_label("E-mail for the tickets")).to_have_value("nobody at example")
    alice.page.get_by_role("link", name="Back to the seats").click()
    alice.sees_live()
    alice.page.go_back()
    expect(alice.page.get_by_role("heading", name="Almost yours")).to_be_visible()
    expect(alice.page.locator("#email-error")).to_have_count(0)


def test_the_front_page_reminds_of_a_lock_with_its_clock_and_a_link(server, showtime_path, new_guest):
    alice = new_guest(server)
    alice.page.goto(f"{server.url}/")
    reminder = alice.page.locator(".reminder")
    expect(reminder).to_have_count(0)
    alice.open(showtime_path)
    seats = alice.free_seats(2)
    alice.choose(*seats)
    alice.page.go_back()
    expect(reminder).to_contain_text(", ".join(seats))
    expect(reminder).to_contain_text("Held for you until")
    expect(reminder.get_by_role("timer")).to_contain_text(re.compile(r"[45]:\d\d"))
    reminder.get_by_role("link", name="Back to your seats").click()
    alice.sees(seats[0], "mine")
    alice.page.get_by_role("button", name="Give all back").click()
    alice.reads_basket("Touch a seat")
    alice.page.go_back()
    expect(reminder).to_have_count(0)


def test_the_reminder_ends_with_the_lock(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    alice.choose(*alice.free_seats(1))
    alice.page.clock.install()
    alice.page.goto(f"{server.url}/")
    reminder = alice.page.locator(".reminder")
    expect(reminder).to_contain_text("Held for you until")
    alice.page.clock.fast_forward("05:01")
    expect(reminder).to_contain_text("The time is over. Nothing was charged.")
    expect(reminder).not_to_contain_text("Held for you until")
