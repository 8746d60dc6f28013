"""Zoom, pan and minimap of the seat map, at every window size."""

import pytest
from playwright.sync_api import expect

from tests.browser.hall.conftest import SIZES

WITH_MINIMAP = ["phone", "tablet", "desktop"]
POSITIONS = """async () => {
  // The scroll event comes with the next frame, and the minimap is drawn then.
  for (let frames = 0; frames < 2; frames += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
  const { x, y, right, bottom } = document.querySelector('.hall-window').getBoundingClientRect();
  const frame = document.querySelector('.minimap__frame');
  const read = (name) => Number(frame.getAttribute(name));
  return {
    pitch: document.querySelector('seat-map').zoom.pitch,
    window: [x, y, right, bottom],
    frame: [read('x'), read('y'), read('x') + read('width'), read('y') + read('height')],
    hidden: document.querySelector('.stage__minimap').hidden,
  };
}"""


def positions(guest):
    """Where everything is when nothing moves any more."""
    guest.page.locator(".hall:not([data-moving])").wait_for()
    return guest.page.evaluate(POSITIONS)


def zoom_in(guest):
    before = positions(guest)["pitch"]
    guest.page.get_by_role("button", name="Zoom in").click()
    guest.page.wait_for_function("(before) => document.querySelector('seat-map').zoom.pitch > before", arg=before)
    return positions(guest)["pitch"]


def is_inside(box, frame):
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    return frame[0] <= box["x"] and frame[1] <= box["y"] and right <= frame[2] and bottom <= frame[3]


def is_beside(box, frame):
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    return box["x"] >= frame[2] or right <= frame[0] or box["y"] >= frame[3] or bottom <= frame[1]


@pytest.mark.parametrize("size", SIZES)
def test_zooming_in_goes_to_my_seats_and_the_minimap_shows_the_window(server, showtime_path, new_guest, size):
    alice = new_guest(server, **SIZES[size]).open(showtime_path)
    (seat,) = alice.free_seats(1)
    assert positions(alice)["hidden"]
    alice.choose(seat)
    sizes = [positions(alice)["pitch"]]
    button = alice.page.get_by_role("button", name="Zoom in")
    while not button.is_disabled():
        sizes.append(zoom_in(alice))
        assert is_inside(alice.seat(seat).bounding_box(), positions(alice)["window"])
    assert len(sizes) > 2 and sizes == sorted(set(sizes)), sizes
    assert alice.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    frame = positions(alice)["frame"]
    x, y = alice.page.evaluate(
        """label => { const place = getComputedStyle(document.querySelector(`.seat:has(input[value="${label}"])`));
                      return [Number(place.getPropertyValue('--x')), Number(place.getPropertyValue('--y'))]; }""",
        seat,
    )
    assert frame[0] < x < frame[2] and frame[1] < y < frame[3]
    for name in ("Zoom in", "Zoom out", "Show the whole hall"):
        assert is_beside(alice.page.get_by_role("button", name=name).bounding_box(), positions(alice)["window"])
    alice.release(seat)
    alice.page.get_by_role("button", name="Show the whole hall").click()
    alice.page.wait_for_function("() => document.querySelector('seat-map').zoom.isFit")
    assert positions(alice)["hidden"] and positions(alice)["pitch"] == pytest.approx(sizes[0])


@pytest.mark.parametrize("size", WITH_MINIMAP)
def test_a_touch_on_the_minimap_moves_the_window(server, showtime_path, new_guest, size):
    alice = new_guest(server, **SIZES[size]).open(showtime_path)
    for _ in range(2):
        zoom_in(alice)
    before = positions(alice)["frame"]
    drawing = alice.page.locator(".minimap").bounding_box()
    alice.page.mouse.click(drawing["x"] + drawing["width"] * 0.9, drawing["y"] + drawing["height"] * 0.9)
    after = positions(alice)["frame"]
    assert after[2] > before[2] and after[3] > before[3]
    window = positions(alice)["window"]
    panel = alice.page.locator(".stage__minimap").bounding_box()
    assert is_beside(panel, window), "the minimap covers no seat"
    screen = alice.page.viewport_size
    assert is_inside(panel, [0, 0, screen["width"], screen["height"]])


def test_plus_minus_and_nought_zoom_from_the_keyboard(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.box(seat).focus()
    sizes = [positions(alice)["pitch"]]
    for key, compare in (("+", ">"), ("+", ">"), ("-", "<"), ("0", "<")):
        alice.page.keyboard.press(key)
        changed = f"(before) => document.querySelector('seat-map').zoom.pitch {compare} before"
        alice.page.wait_for_function(changed, arg=sizes[-1])
        sizes.append(positions(alice)["pitch"])
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[3:] == pytest.approx([sizes[1], sizes[0]])


def test_the_minimap_shows_other_visitors_seats(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    zoom_in(bob)
    index = int(bob.seat(seat).get_attribute("data-i"))
    dot = bob.page.locator(".minimap path[data-status]").nth(index)
    assert dot.get_attribute("data-status") == "available"
    alice.choose(seat)
    bob.sees(seat, "locked")
    expect(dot).to_have_attribute("data-status", "locked")


def test_a_hall_that_fitted_fits_again_when_the_window_changes(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    before = positions(alice)["pitch"]
    alice.page.set_viewport_size({"width": 390, "height": 844})
    alice.page.wait_for_function("(before) => document.querySelector('seat-map').zoom.pitch < before", arg=before)
    assert positions(alice)["hidden"]
    zoomed = zoom_in(alice)
    alice.page.set_viewport_size({"width": 820, "height": 1180})
    alice.page.wait_for_function("() => document.querySelector('.hall-window').clientWidth === 820")
    assert positions(alice)["pitch"] >= zoomed - 0.001
