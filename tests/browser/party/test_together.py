"""Several seats side by side by one tap: shown before, taken by one request, by every hand, and spoken."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from realtime.launcher.processes import wait_until
from tests.browser.hall.conftest import SIZES
from tests.browser.party.conftest import ROOMY, block_of, has_seats, locked_by, mine_of, step_to
from tests.browser.site.guest import Guest
from tests.browser.site.keyboard import Keyboard
from tests.browser.site.screen_reader import ScreenReader

TRY_BLOCKS = """async ([module, tries]) => {
  const { blockAt, segmentsFrom } = await import(module);
  return tries.map(([i, n, starts, free, kinds]) => blockAt(i, n, {
    segments: segmentsFrom(starts, free.length),
    isFree: (at) => free[at] === '1',
    kindOf: (at) => kinds?.[at] ?? 'seat',
  }));
}"""


@pytest.fixture(scope="module")
def on_studio(server, browser):
    """A guest on a map that the tests of pure functions share."""
    guest = Guest(browser.new_context(locale="en-GB"), server)
    yield guest.open(guest.showtime_on("Studio"))
    guest.close()


@pytest.mark.parametrize(
    ("i", "n", "starts", "free", "kinds", "block"),
    [
        (3, 3, [0], "1111111", None, [2, 3, 4]),
        (0, 3, [0], "1111111", None, [0, 1, 2]),
        (1, 3, [0], "1111111", None, [0, 1, 2]),
        (2, 2, [0], "1111", None, [2, 3]),
        (1, 2, [0], "1111", None, [0, 1]),
        (2, 3, [0, 3], "111111", None, [0, 1, 2]),
        (2, 4, [0, 3], "111111", None, None),
        (2, 2, [0], "1010111", None, None),
        (3, 1, [0], "0001", None, [3]),
        (1, 2, [0], "111", None, [0, 1]),
        (1, 2, [0], "1111", ["sofa-start", "sofa-end"] * 2, [0, 1]),
        (2, 2, [0], "1111", ["sofa-start", "sofa-end"] * 2, [2, 3]),
        (1, 2, [0], "1111", ["seat", "seat", "companion", "wheelchair"], [0, 1]),
        (3, 2, [0], "1111", ["seat", "seat", "companion", "wheelchair"], [2, 3]),
        (0, 2, [0], "1111", ["seat", "companion", "seat", "seat"], None),
    ],
)
def test_the_block_at_a_seat(on_studio, i, n, starts, free, kinds, block):
    assert on_studio.page.evaluate(TRY_BLOCKS, ["/static/js/seat-blocks.js", [[i, n, starts, free, kinds]]]) == [block]


def test_a_mouse_sees_the_block_and_one_request_takes_it(server, showtime_path, new_guest, puts):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    sent = puts(alice)
    asked = []
    step_to(alice, 3)
    alice.page.on("request", lambda request: asked.append(request.url))
    seat = alice.page.evaluate(ROOMY)[0]
    alice.seat(seat).hover()
    expect(alice.page.locator(".seat[data-block]")).to_have_count(3)
    block = block_of(alice)
    assert seat in block
    assert asked == [], "pointing costs no request"
    alice.seat(seat).click()
    has_seats(alice, *block)
    for label in block:
        bob.sees(label, "locked")
    assert sent == [block] and locked_by(alice) == block


def test_another_tap_moves_the_block_and_leaves_other_seats(server, showtime_path, new_guest, puts):
    alice = new_guest(server).open(showtime_path)
    single, *_ = alice.free_seats(1)
    alice.choose(single)
    step_to(alice, 2)
    roomy = [label for label in alice.page.evaluate(ROOMY) if label[0] not in single]
    first, second = roomy[0], next(label for label in roomy if label[0] != roomy[0][0])
    sent = puts(alice)
    alice.seat(first).click()
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(3)
    before = mine_of(alice)
    alice.seat(second).click()
    alice.sees(first, "available")
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(3)
    after = mine_of(alice)
    assert single in before and single in after and second in after
    assert len(sent) == 2 and sorted(sent[1]) == sorted(after) == sorted(locked_by(alice))
    alice.seat(second).click()  # its block is given back by one tap
    has_seats(alice, single)


def test_a_block_beyond_the_largest_booking_is_refused_with_words(server, showtime_path, new_guest, puts):
    alice = new_guest(server).open(showtime_path)
    most = int(alice.page.locator("seat-map").get_attribute("data-max"))
    seats = alice.free_seats(most)
    alice.choose(*seats)
    step_to(alice, 2)
    sent = puts(alice)
    seat = next(label for label in alice.page.evaluate(ROOMY) if label[0] not in {each[0] for each in seats})
    alice.seat(seat).click()
    alice.reads_news(f"At most {most} seats in one booking")
    alice.sees(seat, "available")
    expect(alice.box(seat)).not_to_be_checked()
    assert sent == []


def test_where_there_is_no_room_the_nearest_block_is_offered(server, showtime_path, new_guest, puts):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    seat = alice.page.evaluate(ROOMY)[0]
    step_to(bob, 3)
    index = int(alice.seat(seat).get_attribute("data-i"))
    beside = [alice.page.locator(f'.seat[data-i="{index + by}"] input').input_value() for by in (-1, 1)]
    bob_alone = new_guest(server).open(showtime_path)
    for label in beside:
        bob_alone.choose(label)
        bob.sees(label, "locked")
    sent = puts(bob)
    bob.seat(seat).hover()
    bob.seat(seat).click()
    bob.reads_news(f"Not 3 free side by side at {seat}")
    assert block_of(bob) == [] and sent == []
    expect(bob.box(seat)).not_to_be_checked()
    bob.page.locator("#news .toast button").click()
    expect(bob.page.locator("#basket-list .basket-seat")).to_have_count(3)
    assert len(sent) == 1 and sorted(sent[0]) == sorted(mine_of(bob))
    assert seat not in sent[0]


def test_a_finger_that_rests_on_a_seat_sees_the_block_and_a_tap_takes_it(server, showtime_path, new_guest, puts):
    alice = new_guest(server, **SIZES["phone"]).open(showtime_path)
    step_to(alice, 3)
    seat = alice.page.evaluate(ROOMY)[0]
    alice.page.evaluate(
        """(label) => {
          const { zoom } = document.querySelector('seat-map');
          const style = getComputedStyle(document.querySelector(`.seat:has(input[value="${label}"])`));
          zoom.show(50, [Number(style.getPropertyValue('--x')), Number(style.getPropertyValue('--y'))]);
        }""",
        seat,
    )
    alice.page.locator(".hall:not([data-moving])").wait_for()
    sent = puts(alice)
    box = alice.seat(seat).bounding_box()
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    fingers, now = alice.context.new_cdp_session(alice.page), time.time()

    def touch(kind, at):
        """At that second by the clock of the events, however slow the machine is."""
        points = [point] if kind == "touchStart" else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points, "timestamp": now + at})

    touch("touchStart", 0)
    expect(alice.page.locator(".seat[data-block]")).to_have_count(3)
    touch("touchEnd", 1)
    block = block_of(alice)
    assert seat in block and mine_of(alice) == [] and sent == []
    touch("touchStart", 3)
    touch("touchEnd", 3.1)
    has_seats(alice, *block)
    assert sent == [block]


def test_keys_see_hear_and_take_the_block(server, showtime_path, new_guest, puts):
    alice = new_guest(server)
    reader = ScreenReader(alice)
    alice.open(showtime_path)
    keys = Keyboard(alice.page)
    keys.until('[data-party-step="1"]')
    keys.press("Enter", "Space")
    assert reader.hears(1)[-1].endswith("A tap takes 3 seats side by side.")
    expect(alice.page.locator("#news .toast")).to_have_count(0)
    seat = alice.page.evaluate(ROOMY)[0]
    keys.until(".seat input")
    keys.type_label(seat)
    alice.page.wait_for_function(
        "(label) => document.querySelector(`.seat:has(input[value='${label}'])`).hasAttribute('data-block')", arg=seat
    )
    block = block_of(alice)
    wanted = f"Takes {block[0]}, {block[1]} and {block[2]}."
    alice.page.wait_for_function("(text) => document.getElementById('spoken').textContent.includes(text)", arg=wanted)
    sent = puts(alice)
    keys.press("Enter")
    has_seats(alice, *block)
    assert sent == [block]
    said = f"{block[0]}, {block[1]} and {block[2]} are yours. 3 seats, "
    assert wait_until(lambda: sum(said in text for text in reader.spoken()) == 1, seconds=30), reader.spoken()


def test_a_block_that_is_shown_follows_what_others_take(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    step_to(alice, 2)
    seat = alice.page.evaluate(ROOMY)[0]
    alice.seat(seat).hover()
    expect(alice.page.locator(".seat[data-block]")).to_have_count(2)
    other = next(label for label in block_of(alice) if label != seat)
    bob.choose(other)
    alice.sees(other, "locked")
    expect(alice.seat(other)).not_to_have_attribute("data-block", "")
    assert seat in block_of(alice) and len(block_of(alice)) == 2


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_finds_no_violation_while_seats_are_chosen_together(server, showtime_path, new_guest, size):
    alice = new_guest(server, reduced_motion="reduce", **SIZES[size]).open(showtime_path)
    step_to(alice, 3)
    found = Axe().run(alice.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["target"]) for each in found] == []
