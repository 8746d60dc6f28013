"""What speaks against chosen seats is said in the basket at once, and one tap takes better ones."""

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server
from tests.browser.party.conftest import has_seats, locked_by
from tests.browser.site.screen_reader import ScreenReader

PHONE = {"viewport": {"width": 390, "height": 844}}
# The second of the free ordinary seats at the beginning of a segment: taken alone, it leaves the first one alone.
SECOND = """() => {
  const map = document.querySelector('seat-map');
  const seats = [...document.querySelectorAll('.seat')].sort((a, b) => a.dataset.i - b.dataset.i);
  const isFree = (i) => seats[i].dataset.status === 'available' && seats[i].dataset.kind === 'seat';
  const starts = map.dataset.segments.split(' ').map(Number);
  const start = starts.find((start, n) => {
    const end = starts[n + 1] ?? seats.length;
    return end - start >= 5 && [0, 1, 2, 3, 4].every((by) => isFree(start + by));
  });
  return [start, start + 1].map((i) => seats[i].querySelector('input').value);
}"""


@pytest.fixture(scope="module")
def server():
    with start_server(RATE_LIMITS=0, SINGLE_SEATS="refuse") as found:
        yield found


@pytest.fixture(scope="module")
def unused_showtimes():
    return []


@pytest.mark.parametrize("size", [PHONE, {}], ids=["phone", "desktop"])
def test_a_seat_left_alone_is_said_once_and_one_tap_takes_better_seats(server, showtime_path, new_guest, size):
    alice = new_guest(server, **size)
    reader = ScreenReader(alice)
    alice.open(showtime_path)
    first, second = alice.page.evaluate(SECOND)
    alice.box(second).evaluate("(box) => box.click()")
    advice = alice.page.locator(".basket__advice")
    expect(advice.locator("p")).to_have_text(f"{first} would be left alone, and few come alone.")
    button = advice.get_by_role("button")
    expect(button).to_be_in_viewport(ratio=1)
    (better,) = button.inner_text().removeprefix("Take ").removesuffix(" instead").split(" and ")
    reader.hears(1)
    button.click()
    has_seats(alice, better)
    expect(advice).to_have_count(0)
    assert locked_by(alice) == [better]
    assert sum("left alone" in text for text in reader.spoken()) == 1
    alice.page.get_by_role("button", name="Continue to payment").click()
    alice.page.get_by_label("E-mail for the tickets").wait_for()
    assert "left alone" not in alice.page.locator("main").inner_text()


def test_advice_goes_when_the_seat_beside_is_taken_too(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    first, second = alice.page.evaluate(SECOND)
    alice.choose(second)
    advice = alice.page.locator(".basket__advice")
    expect(advice).to_have_count(1)
    alice.choose(first)
    expect(advice).to_have_count(0)
    has_seats(alice, first, second)


def test_advice_is_there_again_when_the_page_is_loaded_anew(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    first, second = alice.page.evaluate(SECOND)
    alice.choose(second)
    expect(alice.page.locator(".basket__advice")).to_have_count(1)
    alice.page.reload()
    expect(alice.page.locator(".basket__advice p")).to_contain_text(first)
