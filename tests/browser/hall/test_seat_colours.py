"""Seat colours without their hue: seen in grey, and equally light, no two price categories of a hall look the same."""

import itertools

import pytest

from tests.browser.hall.conftest import HALLS

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 4}  # seats without numbers, sharp
# Of each seat colour: the painted pictures of two free seats that are hardly turned, in grey, as shares of their mean.
GREY = """() => {
  const SIDE = 24;
  const canvas = document.querySelector('.hall__seats');
  const all = canvas.getBoundingClientRect();
  const turn = (seat) => Math.abs(parseFloat(getComputedStyle(seat).getPropertyValue('--turn')) || 0);
  const painted = (seat) => {
    const { x, y, width, height } = seat.getBoundingClientRect();
    const copy = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
    const [left, top, w, h] = [x - all.x, y - all.y, width, height].map((px) => px * canvas.width / all.width);
    copy.drawImage(canvas, left, top, w, h, 0, 0, SIDE, SIDE);
    const { data } = copy.getImageData(0, 0, SIDE, SIDE);
    const grey = Array.from({ length: SIDE * SIDE }, (_, n) => {
      const [r, g, b, alpha] = data.subarray(4 * n, 4 * n + 4);
      return (0.2126 * r + 0.7152 * g + 0.0722 * b) * alpha / 255;
    });
    const mean = grey.reduce((sum, value) => sum + value) / grey.length;
    return grey.map((value) => value / mean);
  };
  const free = [...document.querySelectorAll('.seat[data-status="available"][data-kind="seat"]')];
  const byColour = Object.groupBy(free, (seat) => seat.dataset.seatColour);
  return Object.fromEntries(Object.entries(byColour).map(([colour, seats]) => (
    [colour, seats.sort((a, b) => turn(a) - turn(b)).slice(0, 2).map(painted)]
  )));
}"""
UPHOLSTERY = """(chairs) => chairs.map((chair) => {
  const [shell, cushion] = ['::before', '::after'].map((part) => getComputedStyle(chair, part));
  return [chair.dataset.kind, shell.boxShadow, cushion.boxShadow, cushion.backgroundImage].join();
})"""


def difference(a, b):
    return sum(abs(x - y) for x, y in zip(a, b, strict=True)) / len(a)


@pytest.fixture
def look_at(server, paths_by_hall, new_guest):
    def look(hall):
        guest = new_guest(server, **PHONE).open(paths_by_hall[hall])
        guest.page.locator(".hall[data-painted]").wait_for()
        return guest

    return look


def test_painted_seats_of_two_categories_differ_in_grey(look_at):
    pictures = look_at("Great Hall").page.evaluate(GREY)
    assert len(pictures) == 5
    alike = max(difference(*two) for two in pictures.values())
    for a, b in itertools.combinations(pictures, 2):
        assert difference(pictures[a][0], pictures[b][0]) > 2 * alike, (a, b)


@pytest.mark.parametrize("hall", HALLS)
def test_chairs_beside_the_prices_differ_by_shape_or_upholstery(look_at, hall):
    """The painted chairs are made of the same computed style."""
    chairs = look_at(hall).page.locator(".price .chair:first-of-type, .price > .legend__pair > .chair:first-child")
    looks = chairs.evaluate_all(UPHOLSTERY)
    assert len(looks) == len(set(looks)) > 1
