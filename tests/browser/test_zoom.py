"""The hall is seen from near by: zoom, pan and minimap, on every size of window."""

import pytest
from playwright.sync_api import expect

SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "tablet": {"viewport": {"width": 820, "height": 1180}, "has_touch": True},
    "desk": {"viewport": {"width": 1440, "height": 900}},
}
PLACES = """async () => {
  // A scroll is told to the page with the next frame, and the minimap is drawn then.
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


def places(guest):
    return guest.page.evaluate(PLACES)


def is_inside(box, frame):
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    return frame[0] <= box["x"] and frame[1] <= box["y"] and right <= frame[2] and bottom <= frame[3]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_zooming_in_goes_to_my_seats_and_the_minimap_shows_the_window(house, sale, arrive, size):
    alice = arrive(house, **size).open(sale)
    (seat,) = alice.free_seats(1)
    assert places(alice)["hidden"]
    alice.choose(seat)
    near = [places(alice)["pitch"]]
    for _ in range(2):
        alice.page.get_by_role("button", name="Zoom in").click()
        near.append(places(alice)["pitch"])
        assert is_inside(alice.seat(seat).bounding_box(), places(alice)["window"])
    assert near == sorted(set(near)), near
    assert alice.page.get_by_role("button", name="Zoom in").is_disabled()
    assert alice.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    frame = places(alice)["frame"]
    x, y = alice.page.evaluate(
        """label => { const place = getComputedStyle(document.querySelector(`.seat:has(input[value="${label}"])`));
                      return [Number(place.getPropertyValue('--x')), Number(place.getPropertyValue('--y'))]; }""",
        seat,
    )
    assert frame[0] < x < frame[2] and frame[1] < y < frame[3]
    alice.give_back(seat)
    alice.page.get_by_role("button", name="Show the whole hall").click()
    assert places(alice)["hidden"] and places(alice)["pitch"] == near[0]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_touch_on_the_minimap_moves_the_window(house, sale, arrive, size):
    alice = arrive(house, **size).open(sale)
    for _ in range(2):
        alice.page.get_by_role("button", name="Zoom in").click()
    before = places(alice)["frame"]
    drawing = alice.page.locator(".minimap").bounding_box()
    alice.page.mouse.click(drawing["x"] + drawing["width"] * 0.9, drawing["y"] + drawing["height"] * 0.9)
    after = places(alice)["frame"]
    assert after[2] > before[2] and after[3] > before[3]
    last = alice.page.locator('.seat[data-status="available"]').last
    label = last.locator("input").get_attribute("value")
    alice.choose(label)


def test_plus_minus_and_nought_zoom_from_the_keyboard(house, sale, arrive):
    alice = arrive(house).open(sale)
    (seat,) = alice.free_seats(1)
    alice.box(seat).focus()
    sizes = []
    for key in "++-0":
        alice.page.keyboard.press(key)
        sizes.append(alice.page.locator(".hall").get_attribute("data-zoom"))
    assert sizes == ["1.6", "2.6", "1.6", "1"]


def test_the_minimap_follows_what_others_do(house, sale, arrive):
    alice, bob = arrive(house).open(sale), arrive(house).open(sale)
    (seat,) = alice.free_seats(1)
    bob.page.get_by_role("button", name="Zoom in").click()
    index = int(bob.seat(seat).get_attribute("data-i"))
    dot = bob.page.locator(".minimap path[data-status]").nth(index)
    assert dot.get_attribute("data-status") == "available"
    alice.choose(seat)
    bob.sees(seat, "locked")
    expect(dot).to_have_attribute("data-status", "locked")
