"""Filters dim the seats that do not match, on the canvas too, and the best seats are asked for with them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.hall.conftest import SIZES
from tests.browser.party.conftest import mine_of, step_to

# Labels of seats that are not dimmed; the kinds and ends of segments as the page has them.
LIT = "() => [...document.querySelectorAll('.seat:not(.seat--dim) input')].map((box) => box.value)"
KIND = """(kinds) => [...document.querySelectorAll('.seat')].filter((seat) => kinds.includes(seat.dataset.kind))
  .map((seat) => seat.querySelector('input').value)"""
ENDS = """() => {
  const starts = document.querySelector('seat-map').dataset.segments.split(' ').map(Number);
  const seats = [...document.querySelectorAll('.seat')].sort((a, b) => a.dataset.i - b.dataset.i);
  const ends = [...starts, ...starts.slice(1).map((start) => start - 1), seats.length - 1];
  return ends.map((i) => seats[i].querySelector('input').value);
}"""
# The sum of the opacity of what the canvas shows in the middle of a seat. A copy is read: the page never reads back.
LIGHT = """(label) => {
  const seat = document.querySelector(`.seat:has(input[value="${label}"])`).getBoundingClientRect();
  const canvas = document.querySelector('.hall__seats');
  const { left, top, width } = canvas.getBoundingClientRect();
  const scale = canvas.width / width;
  const [x, y] = [seat.x + seat.width / 2 - 3 - left, seat.y + seat.height / 2 - 3 - top];
  window.copied ??= document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  window.copied.clearRect(0, 0, 6, 6);
  window.copied.drawImage(canvas, x * scale, y * scale, 6 * scale, 6 * scale, 0, 0, 6, 6);
  return window.copied.getImageData(0, 0, 6, 6).data.reduce((sum, part, n) => sum + (n % 4 === 3 ? part : 0), 0);
}"""


def press(guest, name):
    guest.page.get_by_role("group", name="Light up only").get_by_role("button", name=name).click()


def test_each_filter_lights_its_seats_and_together_they_light_both(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    everything = sorted(alice.page.evaluate(LIT))
    places = {name: alice.page.evaluate(KIND, kinds) for name, kinds in (
        ("Step-free", ["wheelchair", "companion"]), ("Companion", ["companion"]))}  # fmt: skip
    places["Aisle"] = alice.page.evaluate(ENDS)
    for name, labels in places.items():
        press(alice, name)
        assert sorted(alice.page.evaluate(LIT)) == sorted(set(labels)) != []
        press(alice, name)
        assert sorted(alice.page.evaluate(LIT)) == everything
    press(alice, "Step-free")
    press(alice, "Aisle")
    assert sorted(alice.page.evaluate(LIT)) == sorted({*places["Step-free"], *places["Aisle"]})


def test_a_dimmed_seat_is_dimmed_on_the_canvas_and_can_be_taken(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    ends = alice.page.evaluate(ENDS)
    middle = next(label for label in alice.free_seats(40) if label not in ends)
    before = alice.page.evaluate(LIGHT, middle)
    press(alice, "Aisle")
    dim = "([label, light]) => (" + LIGHT + ")(label) < light / 2"
    alice.page.wait_for_function(dim, arg=[middle, before])
    alice.choose(middle)
    assert mine_of(alice) == [middle]
    assert sorted(alice.page.evaluate(LIT)) == sorted(set(ends)), "the filter stays pressed"


@pytest.mark.parametrize("name", ["Step-free", "Companion"])
def test_the_best_seats_are_asked_for_with_the_filter_and_the_pressed_price(server, showtime_path, new_guest, name):
    alice = new_guest(server).open(showtime_path)
    wheelchairs = alice.page.evaluate(KIND, ["wheelchair"])
    press(alice, name)
    step_to(alice, 2)
    with alice.page.expect_request("**/best/?*") as asked:
        alice.page.locator(".party__best").click()
    assert asked.value.url.endswith("?seats=2&step_free=1")
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(2)
    assert set(mine_of(alice)) & set(wheelchairs)


def test_the_best_seats_are_of_the_pressed_price(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    price = alice.page.locator(".price").nth(1)
    price.click()
    step_to(alice, 2)
    alice.page.locator(".party__best").click()
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(2)
    mine = alice.page.locator('.seat[data-status="mine"]')
    colours = mine.evaluate_all("seats => seats.map((seat) => seat.dataset.seatColour)")
    assert set(colours) == {price.get_attribute("data-seat-colour-of")}


def test_a_hall_without_such_seats_has_no_such_filter(server, new_guest):
    alice = new_guest(server)
    listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
    seen = set()
    for screen in sorted({one["screen"] for one in listed}):
        alice.open(alice.showtime_on(screen))
        for name, kind in (("step-free", "wheelchair"), ("companion", "companion")):
            count = len(alice.page.evaluate(KIND, [kind]))
            expect(alice.page.locator(f'[data-filter="{name}"]')).to_have_count(1 if count else 0)
            seen.add(bool(count))
    assert True in seen


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_finds_no_violation_with_a_filter(server, showtime_path, new_guest, size):
    alice = new_guest(server, reduced_motion="reduce", **SIZES[size]).open(showtime_path)
    press(alice, "Step-free")
    found = Axe().run(alice.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["target"]) for each in found] == []
