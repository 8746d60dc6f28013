"""Text of twice the size at 390 px: no public page scrolls sideways, and no text is cut or outside the screen."""

import pytest

PATHS = ("/", "film", "/bookings/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")
PHONE = {"viewport": {"width": 390, "height": 844}, "reduced_motion": "reduce"}
# As a browser's text-only zoom does: the root's font is 32 px.
ENLARGE = "document.documentElement.style.fontSize = '200%'"
# Texts that a box cuts off, or that begin or end outside the window without a scroller around them.
FAULTS = """() => {
  const faults = [];
  const root = document.documentElement;
  const scrolls = (box) => box !== root && ['auto', 'scroll'].includes(getComputedStyle(box).overflowX);
  const HIDDEN = '.visually-hidden, .skip-link, .hall, svg';
  for (const box of document.querySelectorAll('body *')) {
    const words = [...box.childNodes].filter((each) => each.nodeType === 3 && each.textContent.trim());
    if (!words.length || !box.getClientRects().length || box.closest(HIDDEN)) continue;
    const text = words.map((each) => each.textContent.trim()).join(' ').slice(0, 40);
    const { overflowX, overflowY } = getComputedStyle(box);
    const cut = (value) => value === 'hidden' || value === 'clip';
    if (cut(overflowX) && box.scrollWidth > box.clientWidth + 1) faults.push(`cut at its side: ${text}`);
    if (cut(overflowY) && box.scrollHeight > box.clientHeight + 2) faults.push(`cut at its foot: ${text}`);
    let around = box;
    while (around && !scrolls(around)) around = around.parentElement;
    if (around) continue;
    const range = document.createRange();
    for (const each of words) {
      range.selectNodeContents(each);
      const outside = [...range.getClientRects()].some((line) => line.right > innerWidth + 1 || line.left < -1);
      if (outside) faults.push(`outside the window: ${text}`);
    }
  }
  const wide = root.scrollWidth - innerWidth;
  return wide > 0 ? [`${wide} px too wide`, ...faults] : faults;
}"""


def faults(guest):
    guest.page.evaluate(ENLARGE)
    guest.page.wait_for_function("document.fonts.status === 'loaded'")
    return guest.page.evaluate(FAULTS)


def test_the_check_finds_a_text_that_is_cut_and_one_outside(server, new_guest):
    alice = new_guest(server, **PHONE).open("/accounts/login/", live=False)
    alice.page.evaluate("""() => {
      document.querySelector('h1').textContent = 'w'.repeat(99);
      document.querySelector('h1').style.overflowWrap = 'normal';
      const narrow = { overflow: 'hidden', inlineSize: '20px', whiteSpace: 'nowrap' };
      Object.assign(document.querySelector('label').style, narrow);
    }""")
    found = " ".join(faults(alice))
    assert "too wide" in found and "outside the window" in found and "cut at its side" in found


@pytest.mark.parametrize("path", PATHS)
def test_no_page_is_cut_or_scrolls_sideways_with_text_of_twice_the_size(server, new_guest, path):
    alice = new_guest(server, **PHONE)
    if path == "film":
        alice.open("/", live=False)
        path = alice.page.locator('a[href^="/movies/"]').first.get_attribute("href")
    assert faults(alice.open(path, live=False)) == []


def test_no_page_of_a_purchase_is_cut_with_text_of_twice_the_size(server, showtime_path, new_guest):
    alice = new_guest(server, **PHONE).open(showtime_path)
    assert faults(alice) == []
    seats = alice.free_seats(2)
    for seat in seats:
        alice.box(seat).evaluate("(box) => box.click()")
    alice.reads_basket(seats[1])
    assert faults(alice) == []
    alice.page.locator("#basket-pay").click()
    alice.page.get_by_label("E-mail for the tickets").fill("alice@example.com")
    assert faults(alice) == []
    alice.page.get_by_role("button", name="Pay £").click()
    alice.page.wait_for_url("**/payments/demo/**")
    assert faults(alice) == []
    alice.page.get_by_role("button", name="Pay £").first.click()
    alice.tickets()
    assert faults(alice) == []


def test_a_long_title_and_the_time_are_whole_above_the_map(server, new_guest):
    alice = new_guest(server, **PHONE)
    alice.open(alice.showtime_on("Weaving Room"))
    alice.page.evaluate("document.querySelector('h1').textContent = 'The Passion of Joan of Arc, restored'")
    assert faults(alice) == []


def test_the_basket_of_a_desktop_scrolls_when_its_text_is_large(server, showtime_path, new_guest):
    alice = new_guest(server, viewport={"width": 1440, "height": 900}).open(showtime_path)
    alice.page.evaluate(ENLARGE)
    empty, guide = (alice.page.locator(f"#basket .basket__{name}").bounding_box() for name in ("empty", "guide"))
    lines = alice.page.locator(".basket__some").bounding_box()
    assert lines["y"] + lines["height"] <= guide["y"] and empty["y"] <= lines["y"]
