"""Where seats are smaller than a finger, a tap goes there and takes nothing; then seats are targets of 44 px."""

import pytest

from tests.browser.hall.conftest import SIZES, double_tap

TOUCH = ["phone", "small phone", "phone on its side"]


def middle_of(guest, label):
    box = guest.seat(label).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def is_settled(guest):
    guest.page.locator(".hall:not([data-moving])").wait_for()


def count(guest, status):
    return guest.page.locator(f'.seat[data-status="{status}"]').count()


@pytest.mark.parametrize("size", TOUCH)
def test_a_tap_in_the_overview_goes_there_and_the_next_takes_the_seat(server, showtime_path, new_guest, size):
    alice = new_guest(server, **SIZES[size]).open(showtime_path)
    seat = alice.free_seats(20)[-1]
    requests = []
    alice.page.on("request", lambda request: requests.append(request.method) if "/lock/" in request.url else None)
    assert alice.seat(seat).bounding_box()["width"] < 44
    alice.page.touchscreen.tap(*middle_of(alice, seat))
    alice.page.wait_for_function("() => !document.querySelector('seat-map').zoom.isOverview")
    is_settled(alice)
    assert count(alice, "mine") == 0 and "PUT" not in requests
    box, window = alice.seat(seat).bounding_box(), alice.page.locator(".hall-window").bounding_box()
    assert box["width"] >= 44
    assert window["x"] <= box["x"] + box["width"] / 2 <= window["x"] + window["width"]
    assert window["y"] <= box["y"] + box["height"] / 2 <= window["y"] + window["height"]
    since = alice.page.evaluate("() => performance.now()")
    alice.page.wait_for_function("(since) => performance.now() > since + 400", arg=since)  # not a double tap
    alice.page.touchscreen.tap(*middle_of(alice, seat))
    alice.sees(seat, "mine")


def test_a_double_tap_in_the_overview_takes_nothing(server, showtime_path, new_guest):
    alice = new_guest(server, **SIZES["phone"]).open(showtime_path)
    spot = middle_of(alice, alice.free_seats(20)[-1])
    requests = []
    alice.page.on("request", lambda request: requests.append(request.method) if "/lock/" in request.url else None)
    double_tap(alice, *spot)
    alice.page.wait_for_function("() => !document.querySelector('seat-map').zoom.isOverview")
    is_settled(alice)
    assert count(alice, "mine") == 0 and "PUT" not in requests


def test_a_tap_on_a_taken_seat_in_the_overview_goes_there_too(server, paths_by_hall, new_guest):
    alice = new_guest(server, **SIZES["phone"]).open(paths_by_hall["Great Hall"])
    taken = alice.page.locator('.seat[data-status="booked"]').first
    box = taken.bounding_box()
    alice.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    alice.page.wait_for_function("() => !document.querySelector('seat-map').zoom.isOverview")


def test_a_mouse_takes_a_seat_in_the_overview_at_once(server, showtime_path, new_guest):
    alice = new_guest(server, viewport=SIZES["phone"]["viewport"]).open(showtime_path)
    alice.choose(*alice.free_seats(1))
    assert alice.page.evaluate("() => document.querySelector('seat-map').zoom.isFit")
