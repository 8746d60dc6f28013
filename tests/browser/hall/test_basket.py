"""The button that pays is seen whatever the basket says, and however many seats are in it."""

import pytest
from playwright.sync_api import expect

from tests.browser.hall.conftest import SIZES

# Whether nothing covers the middle of the button, and all of it is on the screen.
IS_SEEN = """(button) => {
  const { left, top, right, bottom } = button.getBoundingClientRect();
  const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight && button.contains(at);
}"""
SCROLL = "(basket, to) => { basket.scrollTop = to; return basket.scrollTop; }"


def fill(guest, count):
    """Nine ordinary seats and a space for a wheelchair, about which the basket asks."""
    for seat in guest.free_seats(count - 1):
        guest.box(seat).evaluate("(box) => box.click()")
    guest.page.locator('.seat[data-kind="wheelchair"][data-status="available"] input').first.evaluate(
        "(box) => box.click()"
    )
    expect(guest.page.locator(".basket-seat")).to_have_count(count)
    expect(guest.page.locator(".basket__question")).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_ten_seats_and_a_question_never_scroll_the_button_that_pays_away(server, showtime_path, new_guest, size):
    alice = new_guest(server, **SIZES[size]).open(showtime_path)
    fill(alice, 10)
    pay, basket = alice.page.locator("#basket-pay"), alice.page.locator("#basket")
    assert pay.evaluate(IS_SEEN)
    handle = alice.page.locator(".basket__more")
    if handle.is_visible():
        handle.click()
        expect(alice.page.locator(".basket-seat").first).to_be_visible()
    for to in (0, 10_000):
        basket.evaluate(SCROLL, to)
        assert pay.evaluate(IS_SEEN), f"scrolled to {to}"


def test_every_seat_of_a_long_basket_can_be_reached(server, showtime_path, new_guest):
    alice = new_guest(server, **SIZES["desktop"]).open(showtime_path)
    fill(alice, 10)
    alice.page.locator(".basket-seat__drop").last.click()
    expect(alice.page.locator(".basket-seat")).to_have_count(9)


def test_the_empty_basket_of_a_desktop_says_what_to_do_and_counts_along(server, showtime_path, new_guest):
    alice, bob = (new_guest(server, **SIZES["desktop"]).open(showtime_path) for _ in range(2))
    basket = alice.page.locator("#basket")
    expect(basket.get_by_text("Up to 10 seats.")).to_be_visible()
    left = int(basket.locator('[data-count="left"]').inner_text())
    bob.choose(*bob.free_seats(1))
    expect(basket.locator('[data-count="left"]')).to_have_text(str(left - 1))
    expect(alice.page.locator('.stage [data-count="left"]')).to_have_text(str(left - 1))
    alice.choose(*alice.free_seats(1))
    expect(basket.locator(".basket__guide")).to_have_count(0)
