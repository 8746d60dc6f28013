"""Zoom, pan and minimap of the seat map, at every window size."""

import pytest
from playwright.sync_api import expect

SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "tablet": {"viewport": {"width": 820, "height": 1180}, "has_touch": True},
    "desktop": {"viewport": {"width": 1440, "height": 900}},
}
POSITIONS = """async () => {
  // The scroll event comes with the next frame, and the minimap is drawn then.
  for (let frames = 0; frames < 2; frames += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
  const { x, y, right, bottom } = document.querySelector('.hall-window').getBoundingClientRect();
  const frame = document.querySelector('.minimap__frame');
  const read = (name) => Number(frame.getAttribute(name));
  return {
    pitch: document.querySelector('.seat').offsetWidth,
    window: [x, y, right, bottom],
    frame: [read('x'), read('y'), read('x') + read('width'), read('y') + read('height')],
    hidden: document.querySelector('.stage__minimap').hidden,
  };
}"""


def positions(guest):
    return guest.page.evaluate(POSITIONS)


def is_inside(box, frame):
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    return frame[0] <= box["x"] and frame[1] <= box["y"] and right <= frame[2] and bottom <= frame[3]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_zooming_in_goes_to_my_seats_and_the_minimap_shows_the_window(server, showtime_path, new_guest, size):
    alice = new_guest(server, **size).open(showtime_path)
    (seat,) = alice.free_seats(1)
    assert positions(alice)["hidden"]
    alice.choose(seat)
    sizes = [positions(alice)["pitch"]]
    for _ in range(2):
        alice.page.get_by_role("button", name="Zoom in").click()
        sizes.append(positions(alice)["pitch"])
        assert is_inside(alice.seat(seat).bounding_box(), positions(alice)["window"])
    assert sizes == sorted(set(sizes)), sizes
    assert alice.page.get_by_role("button", name="Zoom in").is_disabled()
    assert alice.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    frame = positions(alice)["frame"]
    x, y = alice.page.evaluate(
        """label => { const place = getComputedStyle(document.querySelector(`.seat:has(input[value="${label}"])`));
                      return [Number(place.getPropertyValue('--x')), Number(place.getPropertyValue('--y'))]; }""",
        seat,
    )
    assert frame[0] < x < frame[2] and frame[1] < y < frame[3]
    alice.release(seat)
    alice.page.get_by_role("button", name="Show the whole hall").click()
    assert positions(alice)["hidden"] and positions(alice)["pitch"] == sizes[0]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_touch_on_the_minimap_moves_the_window(server, showtime_path, new_guest, size):
    alice = new_guest(server, **size).open(showtime_path)
    for _ in range(2):
        alice.page.get_by_role("button", name="Zoom in").click()
    before = positions(alice)["frame"]
    drawing = alice.page.locator(".minimap").bounding_box()
    alice.page.mouse.click(drawing["x"] + drawing["width"] * 0.9, drawing["y"] + drawing["height"] * 0.9)
    after = positions(alice)["frame"]
    assert after[2] > before[2] and after[3] > before[3]
    last = alice.page.locator('.seat[data-status="available"]').last
    label = last.locator("input").get_attribute("value")
    alice.choose(label)


def test_plus_minus_and_nought_zoom_from_the_keyboard(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.box(seat).focus()
    sizes = []
    for key in "++-0":
        alice.page.keyboard.press(key)
        sizes.append(alice.page.locator(".hall").get_attribute("data-zoom"))
    assert sizes == ["1.6", "2.6", "1.6", "1"]


def test_the_minimap_shows_other_visitors_seats(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    bob.page.get_by_role("button", name="Zoom in").click()
    index = int(bob.seat(seat).get_attribute("data-i"))
    dot = bob.page.locator(".minimap path[data-status]").nth(index)
    assert dot.get_attribute("data-status") == "available"
    alice.choose(seat)
    bob.sees(seat, "locked")
    expect(dot).to_have_attribute("data-status", "locked")
