"""The best seats that are free, by one button; a sentence and an offer when a party cannot sit side by side."""

import json

from playwright.sync_api import expect

from tests.browser.hall.conftest import SIZES
from tests.browser.party.conftest import has_seats, locked_by, mine_of, step_to


def split_is_the_answer(guest, labels):
    """The server answers that there is no such block, and names `labels` apart from each other if there are any."""
    body = {"type": "no-seats-together", "detail": "None.", **({"alternative": labels} if labels else {})}
    guest.page.route(
        "**/best/?*", lambda route: route.fulfill(status=404, body=json.dumps(body), content_type="application/json")
    )


def test_the_best_seats_are_those_of_the_server(server, showtime_path, new_guest, puts):
    alice, bob = new_guest(server).open(showtime_path), new_guest(server).open(showtime_path)
    step_to(alice, 3)
    sent = puts(alice)
    with alice.page.expect_response("**/best/?seats=3") as answered:
        alice.page.get_by_role("button", name="Best 3 seats").first.click()
    best = answered.value.json()["seats"]
    has_seats(alice, *best)
    assert sent == [best] and sorted(locked_by(alice)) == sorted(best)
    for label in best:
        bob.sees(label, "locked")
    step_to(bob, 3)
    bob.page.locator(".party__best").click()
    expect(bob.page.locator("#basket-list .basket-seat")).to_have_count(3)
    assert not set(mine_of(bob)) & set(best)


def test_an_empty_basket_on_a_desk_offers_the_best_two(server, showtime_path, new_guest):
    alice = new_guest(server, **SIZES["desktop"]).open(showtime_path)
    alice.page.locator("#basket").get_by_role("button", name="Best 2 seats").click()
    expect(alice.page.locator("#basket-list .basket-seat")).to_have_count(2)
    assert len(locked_by(alice)) == 2
    expect(alice.page.locator(".basket__best")).to_have_count(0)
    expect(alice.page.locator("[data-party-size]")).to_have_text("1")


def test_the_best_seats_of_a_zoomed_map_come_into_view(server, showtime_path, new_guest):
    alice = new_guest(server, **SIZES["phone"]).open(showtime_path)
    alice.page.evaluate("() => document.querySelector('seat-map').zoom.show(60, [0, 0])")
    step_to(alice, 2)
    alice.page.locator(".party__best").click()
    expect(alice.page.locator('.seat[data-status="mine"]')).to_have_count(2)
    alice.page.wait_for_function(
        """() => { const { left, right, top, bottom } = document.querySelector('.hall-window').getBoundingClientRect();
          return [...document.querySelectorAll('.seat[data-status="mine"]')].every((seat) => {
            const box = seat.getBoundingClientRect();
            return box.left >= left && box.right <= right && box.top >= top && box.bottom <= bottom; }); }"""
    )


def test_a_party_that_cannot_sit_together_is_offered_seats_apart(server, showtime_path, new_guest, puts):
    alice = new_guest(server).open(showtime_path)
    apart = [alice.free_seats(30)[at] for at in (0, 12, 29)]
    split_is_the_answer(alice, apart)
    step_to(alice, 3)
    sent = puts(alice)
    alice.page.locator(".party__best").click()
    alice.reads_news("No 3 such seats side by side are free")
    assert sent == []
    alice.page.locator("#news").get_by_role("button", name="Take ").click()
    has_seats(alice, *apart)
    assert len(sent) == 1 and sorted(sent[0]) == sorted(apart)


def test_a_party_for_which_too_few_are_left_reads_that(server, showtime_path, new_guest):
    alice = new_guest(server).open(showtime_path)
    split_is_the_answer(alice, [])
    step_to(alice, 4)
    alice.page.locator(".party__best").click()
    alice.reads_news("No 4 such seats side by side are free")
    alice.reads_news("Fewer than 4 are left.")
    expect(alice.page.locator("#news .toast button")).to_have_count(0)


def test_without_script_there_is_no_button_that_does_nothing(server, showtime_path, new_guest):
    alice = new_guest(server, java_script_enabled=False).open(showtime_path, live=False)
    for button in alice.page.locator("[data-best-seats], [data-party-step]").all():
        expect(button).to_be_hidden()
