"""Showtimes of every hall of the demo, and sizes of screens."""

import time

import pytest

SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "small phone": {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True},
    "phone on its side": {"viewport": {"width": 844, "height": 390}, "has_touch": True, "is_mobile": True},
    "tablet": {"viewport": {"width": 820, "height": 1180}, "has_touch": True},
    "desktop": {"viewport": {"width": 1440, "height": 900}},
}
HALLS = ["Screen 1", "Screen 2", "Studio", "Great Hall", "Weaving Room"]


@pytest.fixture(scope="package")
def paths_by_hall(server, browser):
    """The path of a showtime of each hall; tests that only look share it."""
    context = browser.new_context()
    listed = context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
    context.close()
    return {one["screen"]: f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open"}


def double_tap(guest, x, y):
    """Two taps 0.1 s apart by the clock of the events, however slow the machine is."""
    fingers, now = guest.context.new_cdp_session(guest.page), time.time()
    for begin in (0, 0.15):
        down = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}], "timestamp": now + begin}
        fingers.send("Input.dispatchTouchEvent", down)
        up = {"type": "touchEnd", "touchPoints": [], "timestamp": now + begin + 0.05}
        fingers.send("Input.dispatchTouchEvent", up)
