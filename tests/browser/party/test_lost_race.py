"""A seat that somebody else gets first: the message says what went and offers the nearest equivalent, in one tap."""

import pytest
from playwright.sync_api import expect

from realtime.launcher.processes import wait_until
from tests.browser.party.conftest import ROOMY, block_of, has_seats, locked_by, step_to
from tests.browser.site.screen_reader import ScreenReader

TAKE = "#news .toast button"


@pytest.fixture
def race(server, showtime_path, new_guest):
    """`race(act, label)`: Alice does `act`, and before her request arrives Bob gets the seat. Returns her refusal."""
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)

    def run(act, label):
        waiting = []

        def hold_first(route):
            if waiting or route.request.method != "PUT":
                route.continue_()
            else:
                waiting.append(route)

        alice.page.route("**/lock/", hold_first)
        with alice.page.expect_request(lambda request: request.method == "PUT"):
            act()
        bob.choose(label)
        with alice.page.expect_response(lambda response: response.status == 409) as answered:
            waiting[0].continue_()
        return answered.value.json()

    return alice, bob, run


def test_one_tap_takes_the_nearest_equivalent_and_nothing_else_goes(race, puts):
    alice, _, run = race
    kept, lost = alice.free_seats(20)[0], alice.free_seats(20)[9]
    alice.choose(kept)
    problem = run(lambda: alice.seat(lost).click(), lost)
    assert problem["seats"] == [lost] and kept in problem["alternative"]
    alice.reads_news(f"{lost} is no longer free")
    has_seats(alice, kept)
    (other,) = (label for label in problem["alternative"] if label != kept)
    expect(alice.page.locator(TAKE)).to_have_text(f"Take {other} instead")
    sent = puts(alice)
    alice.page.locator(TAKE).click()
    has_seats(alice, kept, other)
    assert [sorted(each) for each in sent] == [sorted(problem["alternative"])] == [sorted(locked_by(alice))]
    expect(alice.page.locator(TAKE)).to_have_count(0)


def test_what_was_chosen_after_the_loss_stays(race):
    alice, _, run = race
    lost = alice.free_seats(20)[9]
    problem = run(lambda: alice.seat(lost).click(), lost)
    alice.reads_news(f"{lost} is no longer free")
    later = next(label for label in reversed(alice.free_seats(20)) if label not in problem["alternative"])
    alice.choose(later)
    alice.page.locator(TAKE).click()
    has_seats(alice, later, *problem["alternative"])


def test_a_block_that_lost_a_seat_is_replaced_by_another_block(race):
    alice, _, run = race
    step_to(alice, 3)
    seat = alice.page.evaluate(ROOMY)[0]
    alice.seat(seat).hover()
    expect(alice.page.locator(".seat[data-block]")).to_have_count(3)
    block = block_of(alice)
    problem = run(alice.seat(seat).click, block[-1])
    alternative = problem["alternative"]
    assert len(alternative) == 3 and block[-1] not in alternative
    alice.page.locator(TAKE).click()
    has_seats(alice, *alternative)
    later = next(label for label in reversed(alice.free_seats(60)) if label[0] not in {each[0] for each in alternative})
    alice.seat(later).click()  # the next tap moves the block that took the place of the lost one
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(3)
    alice.sees(later, "mine")
    for label in alternative:
        alice.sees(label, "available")


def test_the_offer_goes_when_somebody_takes_it_and_the_news_stays(race):
    alice, bob, run = race
    lost = alice.free_seats(20)[9]
    problem = run(lambda: alice.seat(lost).click(), lost)
    expect(alice.page.locator(TAKE)).to_be_visible()
    bob.choose(*problem["alternative"])
    expect(alice.page.locator(TAKE)).to_have_count(0)
    alice.reads_news(f"{lost} is no longer free")


def test_the_offer_is_spoken_and_taken_by_keyboard(race):
    alice, _, run = race
    reader = ScreenReader(alice)
    lost = alice.free_seats(20)[9]
    alice.page.reload()
    alice.sees_live()
    problem = run(lambda: alice.box(lost).press("Space"), lost)
    offer = f"Button after the map: Take {problem['alternative'][0]} instead."
    assert wait_until(lambda: any(offer in text for text in reader.spoken()), seconds=30), reader.spoken()
    for _ in range(12):
        alice.page.keyboard.press("Tab")
        if alice.page.evaluate("document.activeElement.matches('#news .toast button')"):
            break
    alice.page.keyboard.press("Enter")
    has_seats(alice, *problem["alternative"])
    expect(alice.page.locator("#basket-pay")).to_be_focused()
