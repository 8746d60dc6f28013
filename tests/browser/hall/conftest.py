"""Showtimes of every hall of the demo, and sizes of screens."""

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
