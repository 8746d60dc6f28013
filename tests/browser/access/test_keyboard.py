"""The map and the purchase with a keyboard alone: one tab stop, arrows by row, typed labels, and the number of keys."""

import json
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.hall.conftest import HALLS
from tests.browser.site.keyboard import Keyboard

# Two free ordinary seats side by side, as near as possible to the middle of the hall.
MIDDLE_PAIR = """() => {
  const boxes = [...document.querySelectorAll('.seat[data-status="available"][data-kind="seat"] input')];
  const hall = document.querySelector('.hall').getBoundingClientRect();
  const far = (box) => {
    const { x, y, width, height } = box.getBoundingClientRect();
    return Math.hypot(x + width / 2 - hall.x - hall.width / 2, y + height / 2 - hall.y - hall.height / 2);
  };
  const place = (box) => Number(box.closest('.seat').dataset.i);
  const pairs = boxes.slice(1).map((box, i) => [boxes[i], box]);
  const beside = pairs.filter(([a, b]) => a.closest('.row') === b.closest('.row') && place(b) === place(a) + 1);
  return beside.sort(([a], [b]) => far(a) - far(b))[0].map((box) => box.value);
}"""
# How many seats steps in all four directions reach, and the rows that steps along them do not walk from end to end.
WALK = """async (module) => {
  const { SeatOrder } = await import(module);
  const boxes = [...document.querySelectorAll('.seat input')];
  const pitch = document.querySelector('.seat').offsetHeight;
  const spots = boxes.map((box) => {
    const { x, y, width, height } = box.getBoundingClientRect();
    return [(x + width / 2) / pitch, (y + height / 2) / pitch];
  });
  const seatsOf = (row) => [...row.querySelectorAll('input')].map((box) => boxes.indexOf(box));
  const rows = [...document.querySelectorAll('.row')].map(seatsOf);
  const order = new SeatOrder(spots, rows);
  const reached = new Set([0]);
  for (const seat of reached) {
    const next = [[-1, 0], [1, 0], [0, -1], [0, 1]].map((step) => order.next(seat, step));
    for (const each of next) if (each !== null) reached.add(each);
  }
  const broken = rows.filter((row) => {
    const seats = order.along(row[0]);
    const [a, b] = [spots[seats[0]], spots[seats.at(-1)]];
    const step = Math.abs(b[0] - a[0]) >= Math.abs(b[1] - a[1]) ? [1, 0] : [0, 1];
    return seats.slice(1).some((seat, i) => order.next(seats[i], step) !== seat);
  });
  return { seats: boxes.length, reached: reached.size, broken: broken.map((row) => boxes[row[0]].value) };
}"""
ROW_OF = """label => {
  const row = document.querySelector(`.seat input[value="${label}"]`).closest('.row');
  return [...row.querySelectorAll('input')].map((box) => box.value);
}"""


@pytest.fixture
def on_map(server, showtime_path, new_guest):
    """(guest, keyboard) on a live map, with the focus on the seat of the hall's tab stop."""
    alice = new_guest(server).open(showtime_path)
    keys = Keyboard(alice.page)
    keys.until(".seat input")
    return alice, keys


# ---- One tab stop ----
@pytest.mark.parametrize("width", [390, 1440])
def test_the_hall_is_one_tab_stop_of_at_most_sixty(server, new_guest, width):
    alice = new_guest(server, viewport={"width": width, "height": 860})
    alice.open(alice.showtime_on("Great Hall"))
    keys = Keyboard(alice.page)
    stops = keys.tab_stops()
    assert len(stops) <= 60, stops
    assert sum('name="seats"' in each for each in stops) == 1
    in_hall = []
    for _ in range(len(stops) + 2):  # round the whole page
        keys.press("Tab")
        in_hall.append(alice.page.evaluate("document.activeElement.closest('.hall-window') !== null"))
    assert True in in_hall and (True, True) not in pairwise(in_hall), "one key leads out of the hall"


def test_a_page_with_ten_seats_in_its_basket_has_at_most_sixty_tab_stops(on_map):
    alice, keys = on_map
    alice.choose(*alice.free_seats(10))
    assert len(keys.tab_stops()) <= 60, keys.tab_stops()


def test_tab_comes_back_to_the_seat_that_was_left(on_map):
    alice, keys = on_map
    keys.press("ArrowDown", "ArrowRight")
    left = keys.seat
    keys.press("Tab")
    assert keys.seat is None
    keys.press("Shift+Tab")
    assert keys.seat == left


def test_the_skip_link_leads_to_a_free_seat_and_plain_markup_has_disabled(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    keys = Keyboard(alice.page)
    keys.until('a[href="#seats"]', most=4)
    keys.press("Enter")
    alice.sees(keys.seat, "available")
    assert alice.page.locator(".seat input:disabled").count() == 0
    plain = new_guest(server, java_script_enabled=False).open(showtime_path, live=False)
    off = plain.page.locator('.seat:not([data-status="available"], [data-status="mine"]) input')
    assert off.count() > 0
    assert off.count() == plain.page.locator(".seat input:disabled").count()
    assert plain.page.locator(".seat input[tabindex]").count() == 0


# ---- Arrows ----
def test_left_and_right_go_through_the_row_in_order_over_aisles_and_taken_seats(on_map):
    alice, keys = on_map
    keys.press("Home")
    first = keys.seat
    row = alice.page.evaluate(ROW_OF, first)
    if first != row[0]:
        row.reverse()  # numbered from the right
    for label in row[1:]:
        keys.press("ArrowRight")
        assert keys.seat == label
    keys.press("ArrowRight")
    assert keys.seat == row[-1], "the row has ended"
    keys.press("Home")
    assert keys.seat == row[0]
    keys.press("End")
    assert keys.seat == row[-1]
    keys.press("ArrowLeft")
    assert keys.seat == row[-2]


def test_right_of_the_first_seat_of_a_row_is_the_second(on_map):
    _, keys = on_map
    for row in "DEH":
        keys.type_label(f"{row}1")
        keys.press("ArrowRight")
        assert keys.seat == f"{row}2"


def test_up_and_down_go_to_the_next_row_as_drawn_and_back(on_map):
    alice, keys = on_map
    keys.type_label("E7")
    for key, row in (("ArrowDown", "F"), ("ArrowDown", "G"), ("ArrowUp", "F"), ("ArrowUp", "E"), ("ArrowUp", "D")):
        before = alice.box(keys.seat).bounding_box()
        keys.press(key)
        after = alice.box(keys.seat).bounding_box()
        assert keys.seat[0] == row
        assert abs(after["x"] - before["x"]) < before["width"]
        assert (after["y"] > before["y"]) == (key == "ArrowDown")
    keys.type_label("E7")
    keys.press("PageDown")
    assert keys.seat[0] == "K", "five rows further; there is no row I"
    keys.press("PageUp", "PageUp", "PageUp")
    assert keys.seat[0] == "A"


def test_arrows_reach_every_seat_and_walk_every_row(server, new_guest):
    alice = new_guest(server)
    for screen in HALLS:
        alice.open(alice.showtime_on(screen), live=False)
        walked = alice.page.evaluate(WALK, "/static/js/seat-order.js")
        assert walked["reached"] == walked["seats"] and walked["broken"] == [], screen


# ---- Labels and zoom ----
def test_a_typed_label_leads_to_its_seat_and_its_nought_does_not_zoom(on_map):
    alice, keys = on_map
    zoomed = alice.page.locator(".hall-window[data-zoomed]")
    keys.press("+")
    expect(zoomed).to_be_visible()
    keys.type_label("F10")
    assert keys.seat == "F10"
    expect(zoomed).to_be_visible()
    keys.type_label("h3")
    assert keys.seat == "H3"
    alice.page.wait_for_timeout(1_100)  # longer than a label's pause
    keys.press("0")
    assert keys.seat == "H3"
    expect(zoomed).to_have_count(0)


def test_a_label_that_no_seat_has_moves_nothing_and_is_said(on_map):
    alice, keys = on_map
    keys.type_label("F10")
    keys.type_label("F99")
    alice.reads_news("There is no seat F99")
    assert keys.seat == "F9", "the last label that began so"


# ---- Seats that cannot be chosen ----
def test_a_focused_seat_that_is_taken_keeps_the_focus_and_says_so(server, showtime_path, new_guest, on_map):
    alice, keys = on_map
    seat = keys.seat
    bob = new_guest(server).open(alice.page.url.removeprefix(server.url))
    bob.choose(seat)
    alice.sees(seat, "locked")
    assert keys.seat == seat
    expect(alice.box(seat)).to_have_attribute("aria-disabled", "true")
    alice.reads_news(f"{seat} has just been taken")
    bob.release(seat)
    alice.sees(seat, "available")
    assert keys.seat == seat
    assert alice.box(seat).get_attribute("aria-disabled") is None
    keys.press("Space")
    alice.sees(seat, "mine")


def test_a_taken_seat_is_refused_with_words_and_never_sent(server, new_guest, on_map):
    alice, keys = on_map
    path = alice.page.url.removeprefix(server.url)
    bob = new_guest(server).open(path)
    theirs, mine = alice.free_seats(2)
    bob.choose(theirs)
    alice.sees(theirs, "locked")
    sent = []
    alice.page.on("request", lambda request: sent.append(request) if request.method in ("PUT", "POST") else None)
    keys.type_label(theirs)
    for key in ("Space", "Enter"):
        keys.press(key)
        alice.reads_news("is being chosen by someone else")
        expect(alice.box(theirs)).not_to_be_checked()
    alice.seat(theirs).click(force=True)
    alice.choose(mine)
    alice.page.locator("#basket-pay").click()
    alice.page.get_by_label("E-mail for the tickets").wait_for()
    puts = [json.loads(request.post_data)["seats"] for request in sent if request.method == "PUT"]
    forms = [request.post_data for request in sent if request.method == "POST"]
    assert puts == [[mine]]
    assert len(forms) == 1 and f"seats={mine}" in forms[0] and f"seats={theirs}" not in forms[0]


# ---- A whole purchase ----
def buy(alice, keys, labels):
    """From the second chosen seat to the tickets; returns the keys from the seat to the button, and to the payment."""
    at_seat = keys.pressed
    keys.until('a[href="#basket-pay"]', most=5)
    keys.press("Enter")
    expect(alice.page.locator("#basket-pay")).to_be_focused()
    to_button = keys.pressed - at_seat
    keys.press("Enter")
    alice.page.get_by_label("E-mail for the tickets").wait_for()
    keys.until("#email")
    keys.write("alice@example.com")
    keys.press("Enter")
    alice.page.wait_for_url("**/payments/demo/**")
    to_payment = keys.pressed
    keys.until('button[value="pay"]')
    keys.press("Enter")
    assert sorted(alice.tickets()) == sorted(labels)
    return to_button, to_payment


def test_two_seats_in_the_middle_of_the_largest_hall_take_at_most_forty_keys(server, new_guest):
    alice = new_guest(server)
    alice.open(alice.showtime_on("Great Hall"))
    labels = alice.page.evaluate(MIDDLE_PAIR)
    keys = Keyboard(alice.page)
    keys.until('a[href="#seats"]')
    keys.press("Enter")
    keys.type_label(labels[0])
    keys.press("Space")
    alice.sees(labels[0], "mine")
    x = [alice.box(label).bounding_box()["x"] for label in labels]
    keys.press("ArrowRight" if x[1] > x[0] else "ArrowLeft")
    assert keys.seat == labels[1]
    keys.press("Space")
    alice.sees(labels[1], "mine")
    alice.reads_basket(", ".join(labels))
    to_button, to_payment = buy(alice, keys, labels)
    assert to_button <= 12 and to_payment <= 40 and keys.pressed <= 40, (to_button, to_payment, keys.pressed)


def test_arrows_and_tab_alone_buy_a_seat_in_few_keys(on_map):
    alice, keys = on_map
    alice.sees(keys.seat, "available")
    seat = keys.seat
    keys.press("Space")
    alice.sees(seat, "mine")
    alice.page.locator("#basket-pay").wait_for()
    assert keys.until("#basket-pay") <= 12
    assert keys.pressed <= 40


def test_the_payment_is_twelve_keys_from_a_seat_when_ten_are_chosen(on_map):
    alice, keys = on_map
    seats = alice.free_seats(10)
    alice.choose(*seats)
    keys.until(".seat input", key="Shift+Tab")
    before = keys.pressed
    keys.until('a[href="#basket-pay"]', most=5)
    keys.press("Enter")
    expect(alice.page.locator("#basket-pay")).to_be_focused()
    assert keys.pressed - before <= 12
