"""Alice and Bob have the map of one showtime open, each in a browser context."""

import statistics

import pytest

from tests.report import report

CLICKS = 20


@pytest.mark.timed
def test_a_click_shows_on_the_other_map_at_once(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    bob.record_status_changes()
    delays = []
    for label in alice.free_seats(CLICKS // 2):
        for act, mine, theirs in (
            (alice.seat(label).click, "mine", "locked"),
            (alice.seat(label).click, "available", "available"),
        ):
            alice.page.evaluate("""() => addEventListener('change', () => {
              window.clicked = performance.timeOrigin + performance.now(); }, { once: true, capture: true })""")
            act()
            alice.sees(label, mine)
            bob.sees(label, theirs)
            status, when = bob.status_changes(label)[-1]
            assert status == theirs
            delays.append(when - alice.page.evaluate("window.clicked"))
    delays.sort()
    median, p95 = statistics.median(delays), delays[int(len(delays) * 0.95) - 1]
    report(
        "click to the other map",
        f"{len(delays)} clicks, median {median:.0f} ms, p95 {p95:.0f} ms, most {delays[-1]:.0f} ms",
    )
    assert median < 500 and p95 < 1500


def test_a_click_on_a_taken_seat_is_answered_with_a_message(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    seat, other = alice.free_seats(2)
    bob.choose(other)
    alice.choose(seat)
    bob.sees(seat, "locked")
    assert bob.box(seat).is_disabled()
    # A click that began while the seat was still free.
    bob.page.evaluate(
        """label => {
          const box = document.querySelector(`input[value="${label}"]`);
          box.removeAttribute("aria-disabled");
          box.click();
        }""",
        seat,
    )
    bob.reads_news(f"{seat}")
    bob.sees(seat, "locked")
    bob.sees(other, "mine")
    assert bob.box(seat).is_disabled() and not bob.box(seat).is_checked()
    assert "!" not in bob.page.locator("#news").inner_text()


def test_a_seat_taken_under_the_pointer_is_announced(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    bob.box(seat).focus()
    bob.page.keyboard.press("Shift")  # makes the focus visible, as after use of the keyboard
    bob.seat(seat).hover()
    alice.choose(seat)
    bob.reads_news(f"{seat} has just been taken")


def test_paid_seats_are_booked_on_both_maps(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    seats = alice.free_seats(2)
    alice.choose(*seats)
    assert alice.pay() == seats
    for seat in seats:
        bob.sees(seat, "booked")
    alice.open(showtime_path)
    for seat in seats:
        alice.sees(seat, "booked")
        assert alice.box(seat).is_disabled()
    alice.reads_basket("Touch a seat")


def test_released_seats_are_free_on_both_maps(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    seats = alice.free_seats(3)
    alice.choose(*seats)
    bob.sees(seats[2], "locked")
    alice.page.get_by_role("button", name="Give all back").click()
    for seat in seats:
        alice.sees(seat, "available")
        bob.sees(seat, "available")
    alice.reads_basket("Touch a seat")


def test_after_fast_clicks_the_last_one_decides(server, showtime_path, new_guest):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    seats = alice.free_seats(6)
    alice.page.evaluate(
        """labels => { for (const label of labels) document.querySelector(`input[value="${label}"]`).click(); }""",
        [*seats, seats[0], seats[3]],
    )
    for seat in (seats[1], seats[2], seats[4], seats[5]):
        bob.sees(seat, "locked")
        alice.sees(seat, "mine")
    for seat in (seats[0], seats[3]):
        bob.sees(seat, "available")
        alice.sees(seat, "available")


def test_the_back_button_shows_locked_seats(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    (seat,) = alice.free_seats(1)
    alice.choose(seat)
    alice.page.locator("#basket-pay").click()
    alice.page.get_by_label("E-mail for the tickets").wait_for()
    alice.page.go_back()
    alice.sees_live()
    alice.sees(seat, "mine")
    alice.reads_basket(seat)
