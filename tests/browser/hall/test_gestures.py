"""Two fingers, the wheel, a dragging mouse, double taps: what moves the map, and what takes seats."""

import pytest

from tests.browser.hall.conftest import SIZES, double_tap

PHONE = SIZES["phone"]
READ = """() => {
  const { zoom } = document.querySelector('seat-map');
  return {
    pitch: zoom.pitch, view: zoom.view, steps: zoom.steps,
    scroll: [zoom.window.scrollLeft, zoom.window.scrollTop],
  };
}"""
ZOOM_TO = """(pitch) => {
  const { zoom } = document.querySelector('seat-map');
  zoom.show(pitch, zoom.spotAt(zoom.middle));
}"""


def read(guest):
    return guest.page.evaluate(READ)


def zoom_to(guest, pitch):
    guest.page.evaluate(ZOOM_TO, pitch)
    guest.page.locator(".hall:not([data-moving])").wait_for()


def middle_of(guest, label):
    box = guest.seat(label).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def middle_of_window(guest):
    box = guest.page.locator(".hall-window").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def spot_under(guest, x, y):
    """The spot of the hall, in pitches, under a point of the page."""
    return guest.page.evaluate(
        """([clientX, clientY]) => { const { zoom } = document.querySelector('seat-map');
                                     return zoom.spotAt(zoom.pointOf({ clientX, clientY })); }""",
        [x, y],
    )


def grows(guest, pitch):
    guest.page.wait_for_function("(before) => document.querySelector('seat-map').zoom.pitch > before + 1", arg=pitch)
    guest.page.locator(".hall:not([data-moving])").wait_for()


def choosable_in_a_row(guest, count):
    """Labels of free seats side by side, found by the order of the row."""
    return guest.page.evaluate(
        """(count) => {
          for (const row of document.querySelectorAll('.row')) {
            const seats = [...row.querySelectorAll('.seat')];
            for (let at = 0; at + count <= seats.length; at += 1) {
              const some = seats.slice(at, at + count);
              if (some.every((seat) => seat.dataset.status === 'available')) {
                return some.map((seat) => seat.querySelector('input').value);
              }
            }
          }
        }""",
        count,
    )


def test_two_fingers_zoom_continuously_and_keep_their_spots(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    zoom_to(alice, 30)
    x, y = middle_of_window(alice)
    before, under = read(alice)["pitch"], spot_under(alice, x, y)
    fingers = alice.context.new_cdp_session(alice.page)

    def touch(kind, *points):
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    sizes = []
    for reach in (44, 50, 56, 60):
        touch("touchMove", (x - reach, y), (x + reach, y))
        sizes.append(read(alice)["pitch"])
    touch("touchEnd")
    assert sizes == sorted(set(sizes)) and len(sizes) == 4, "each move has a size of its own"
    assert sizes[-1] == pytest.approx(before * 1.5, rel=0.05)
    assert spot_under(alice, x, y) == pytest.approx(under, abs=0.2)
    assert alice.page.locator('.seat[data-status="mine"]').count() == 0
    assert alice.page.evaluate("visualViewport.scale") == 1


def test_the_wheel_pans_and_zooms_with_the_control_key(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    x, y = middle_of_window(alice)
    alice.page.mouse.move(x, y)
    before, under = read(alice)["pitch"], spot_under(alice, x, y)
    alice.page.keyboard.down("Control")
    alice.page.mouse.wheel(0, -120)
    grows(alice, before)
    assert spot_under(alice, x, y) == pytest.approx(under, abs=0.2)
    alice.page.keyboard.up("Control")
    zoom_to(alice, 70)
    zoomed = read(alice)
    alice.page.mouse.wheel(30, 40)
    alice.page.wait_for_function(
        "([left, top]) => { const { zoom } = document.querySelector('seat-map');"
        " return zoom.window.scrollLeft > left && zoom.window.scrollTop > top; }",
        arg=zoomed["scroll"],
    )
    assert read(alice)["pitch"] == zoomed["pitch"]


def test_a_double_tap_takes_a_seat_once_and_zooms_on_the_floor(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    zoom_to(alice, 50)
    alice.page.evaluate("() => document.querySelector('seat-map').zoom.centre(8, 6)")
    seat = alice.page.evaluate(
        """() => { const { left, right, top, bottom } = document.querySelector('.hall-window').getBoundingClientRect();
          return [...document.querySelectorAll('.seat[data-status="available"]')].find((seat) => {
            const box = seat.getBoundingClientRect();
            return box.left > left && box.right < right && box.top > top && box.bottom < bottom;
          }).querySelector('input').value; }"""
    )
    double_tap(alice, *middle_of(alice, seat))
    alice.sees(seat, "mine")
    alice.reads_basket(seat)
    assert alice.box(seat).is_checked()
    alice.page.evaluate("() => document.querySelector('seat-map').zoom.centre(8, 0)")
    before, window = read(alice)["pitch"], alice.page.locator(".hall-window").bounding_box()
    floor = window["x"] + window["width"] / 2, window["y"] + 30
    double_tap(alice, *floor)
    grows(alice, before)


def test_a_double_click_takes_a_seat_once(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.seat(seat).dblclick()
    alice.sees(seat, "mine")
    alice.reads_basket(seat)
    assert alice.box(seat).is_checked()


def test_a_mouse_dragged_along_a_row_takes_the_seats_and_gives_them_back(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    labels = choosable_in_a_row(alice, 3)
    for status, theirs in (("mine", "locked"), ("available", "available")):
        alice.page.mouse.move(*middle_of(alice, labels[0]))
        alice.page.mouse.down()
        for label in labels[1:]:
            alice.page.mouse.move(*middle_of(alice, label), steps=4)
        alice.page.mouse.up()
        for label in labels:
            alice.sees(label, status)
            bob.sees(label, theirs)


def test_a_mouse_dragged_back_to_its_first_seat_does_not_click_it_again(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    first, second = choosable_in_a_row(alice, 2)
    alice.page.mouse.move(*middle_of(alice, first))
    alice.page.mouse.down()
    alice.page.mouse.move(*middle_of(alice, second), steps=4)
    alice.page.mouse.move(*middle_of(alice, first), steps=4)
    alice.page.mouse.up()
    for label in (first, second):
        alice.sees(label, "mine")
        alice.reads_basket(label)
    alice.release(first)


def test_a_mouse_dragged_on_the_floor_pans(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    zoom_to(alice, 70)
    floor = alice.page.evaluate(
        """() => { const { left, right, top, bottom } = document.querySelector('.hall-window').getBoundingClientRect();
          for (let y = top + 200; y < bottom; y += 5) for (let x = left + 200; x < right; x += 5) {
            const here = document.elementFromPoint(x, y);
            if (here?.closest('.hall-window') && !here.closest('.seat')) return [x, y];
          } }"""
    )
    before = read(alice)["scroll"]
    alice.page.mouse.move(*floor)
    alice.page.mouse.down()
    alice.page.mouse.move(floor[0] - 50, floor[1] - 60, steps=5)
    alice.page.mouse.up()
    after = read(alice)["scroll"]
    assert after[0] >= before[0] + 50 and after[1] >= before[1] + 60
    assert alice.page.locator('.seat[data-status="mine"]').count() == 0


def test_a_price_that_is_pressed_brings_its_seats_into_view(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    zoom_to(alice, 60)
    alice.page.evaluate("() => document.querySelector('seat-map').zoom.centre(0, 0)")
    price = alice.page.locator(".price").last
    colour = price.get_attribute("data-seat-colour-of")
    outside = """(colour) => {
      const { left, right, top, bottom } = document.querySelector('.hall-window').getBoundingClientRect();
      return [...document.querySelectorAll(`.seat[data-seat-colour="${colour}"]`)].filter((seat) => {
        const box = seat.getBoundingClientRect();
        return box.left < left || box.right > right || box.top < top || box.bottom > bottom;
      }).length;
    }"""
    assert alice.page.evaluate(outside, colour) > 0
    price.click()
    alice.page.wait_for_function(f"(colour) => ({outside})(colour) === 0", arg=colour)


def test_the_card_of_a_seat_stays_true_and_on_the_screen(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    seat = alice.free_seats(1)[0]
    bob.seat(seat).hover()
    card = bob.page.locator(".seat-card")
    assert "Available" in card.inner_text() or "available" in card.inner_text()
    alice.choose(seat)
    bob.sees(seat, "locked")
    assert "being chosen" in card.inner_text()
    alice.release(seat)
    bob.sees(seat, "available")
    assert "being chosen" not in card.inner_text()
    zoom_to(bob, 70)
    window = bob.page.locator(".hall-window").bounding_box()
    for x, y in ((0, 0), (99, 0), (0, 99), (99, 99)):
        bob.page.evaluate("([x, y]) => document.querySelector('seat-map').zoom.centre(x, y)", [x, y])
        for label in bob.free_seats(30)[::6]:
            bob.box(label).focus()
            bob.page.keyboard.press("Shift")
            box = card.bounding_box()
            if box is None or card.evaluate("(card) => getComputedStyle(card).visibility") == "hidden":
                continue
            assert window["x"] <= box["x"] and box["x"] + box["width"] <= window["x"] + window["width"]
            assert window["y"] <= box["y"] and box["y"] + box["height"] <= window["y"] + window["height"]
