"""What a screen reader hears: a whole purchase by names and live regions; each change of my seats once."""

import re

import pytest
from playwright.sync_api import expect

from bench.support.servers import start_server
from realtime.launcher.processes import wait_until
from tests.browser.site.keyboard import Keyboard
from tests.browser.site.screen_reader import ScreenReader

TIME = r"(5 minutes|4 minutes( \d+ seconds?)?)"
PRICE = r"£\d+(\.\d\d)?"
SEAT = r"Row (\w+), seat (\d+)"


@pytest.fixture
def on_map(server, showtime_path, new_guest):
    """(guest, screen reader, keyboard) on a live map, with the focus on a free seat."""
    alice = new_guest(server)
    reader = ScreenReader(alice)
    alice.open(showtime_path)
    keys = Keyboard(alice.page)
    keys.until(".seat input")
    return alice, reader, keys


def test_a_whole_purchase_by_names_and_live_regions(on_map):
    alice, reader, keys = on_map
    assert reader.spoken() == []
    hall = next(name for name in reader.names("group") if "seats available" in name)
    assert re.fullmatch(r"Screen 1, \d+ of 174 seats available", hall)
    role, name, states = reader.focused()
    assert role == "checkbox" and states["checked"] == "false"
    assert re.fullmatch(rf"{SEAT}, [\w ]+, {PRICE}, available", name)
    row, number = re.match(SEAT, name).groups()

    keys.press("Space")
    (first,) = reader.hears(1)
    assert re.fullmatch(rf"Row {row}, seat {number} is yours\. 1 seat, {PRICE}\. {TIME} left\.", first)
    assert reader.focused()[1].endswith(", yours") and reader.focused()[2]["checked"] == "true"

    second = next(label for label in alice.free_seats(1))
    keys.type_label(second)
    keys.press("Space")
    taken = reader.hears(2)[1]
    assert re.fullmatch(rf"{SEAT} is yours\. 2 seats, {PRICE}\. {TIME} left\.", taken)
    total = alice.page.locator(".basket__sum b").inner_text()
    assert f"2 seats, {total}." in taken

    keys.press("Space")
    assert re.fullmatch(rf"{SEAT} is given back\. 1 seat, {PRICE}\. {TIME} left\.", reader.hears(3)[2])
    keys.press("Tab")
    assert reader.focused()[:2] == ("link", "Go on to payment")
    keys.press("Enter")
    assert reader.focused()[:2] == ("button", "Continue to payment")
    assert "Your seats" in reader.names("complementary")
    assert f"Give back {row}{number}" in reader.names("button")
    assert len(reader.spoken()) == 3, "nothing was said twice"

    pay_by_names(alice, reader, keys, f"{row}{number}")


def pay_by_names(alice, reader, keys, seat):
    """From the button of the basket to the tickets, a wrong address on the way."""
    keys.press("Enter")
    alice.page.get_by_label("E-mail for the tickets").wait_for()
    assert "Almost yours" in reader.names("heading")
    keys.until("#email")
    role, name, states = reader.focused()
    assert (role, name) == ("textbox", "E-mail for the tickets") and states["required"]
    keys.write("nonsense")
    keys.press("Enter")
    alice.page.locator("#email-error").wait_for()
    keys.until("#email")
    assert reader.focused()[2]["invalid"] == "true"
    keys.press("ControlOrMeta+a")
    keys.write("alice@example.com")
    keys.press("Tab")
    assert re.fullmatch(rf"Pay {PRICE}", reader.focused()[1])
    keys.press("Enter")
    alice.page.wait_for_url("**/payments/demo/**")
    assert any("Demo payment" in name for name in reader.names("heading") + reader.names("StaticText"))
    keys.until('button[value="pay"]')
    keys.press("Enter")
    assert alice.tickets() == [seat]
    assert reader.names("heading")


def test_several_seats_at_once_and_all_given_back_are_one_text_each(on_map):
    alice, reader, _ = on_map
    seats = alice.free_seats(2)
    for seat in seats:
        alice.box(seat).evaluate("(box) => box.click()")
    alice.reads_basket(", ".join(seats))
    assert wait_until(lambda: any("2 seats" in text for text in reader.spoken()), seconds=30)
    alice.page.get_by_role("button", name="Give all back").click()
    last = f"{seats[0]} and {seats[1]} are given back. You have no seats."
    assert wait_until(lambda: reader.spoken()[-1] == last, seconds=30), reader.spoken()
    taken = " ".join(reader.spoken()[:-1])
    assert taken.count("yours") == taken.count(" left.") <= 2


def test_a_refusal_is_spoken_once_and_not_as_a_change_of_my_seats(on_map, server, new_guest):
    alice, reader, _ = on_map
    bob = new_guest(server).open(alice.page.url.removeprefix(server.url))
    theirs = alice.free_seats(1)[0]
    bob.choose(theirs)
    alice.sees(theirs, "locked")
    Keyboard(alice.page).type_label(theirs)
    alice.page.keyboard.press("Space")
    (refused,) = reader.hears(1)
    assert re.fullmatch(rf"{SEAT} is being chosen by someone else\.", refused)
    # A click that began while the seat was still free: the server refuses it.
    alice.box(theirs).evaluate("(box) => { box.removeAttribute('aria-disabled'); box.click(); }")
    late = reader.hears(2)[1]
    lost = rf"{theirs} is no longer free\. Your other seats are as they were\."
    assert re.fullmatch(rf"{lost} Button after the map: Take \w+ instead\.", late)
    assert len(reader.spoken("news")) == 0, "what is shown on the screen is spoken by one region only"


def test_seats_of_the_page_that_is_opened_again_are_no_change(on_map):
    alice, reader, _ = on_map
    (seat,) = alice.free_seats(1)
    alice.choose(seat)
    reader.hears(1)
    with alice.page.expect_response("**/lock/"):
        alice.page.reload()
    alice.sees_live()
    alice.sees(seat, "mine")
    alice.choose(alice.free_seats(1)[0])
    (text,) = reader.hears(1)
    assert "2 seats" in text


def test_thirty_seconds_are_spoken_once_on_the_map_and_the_end_once(new_guest):
    with start_server(RATE_LIMITS=0, SEAT_LOCK_SECONDS=42) as server:
        alice = new_guest(server)
        reader = ScreenReader(alice)
        listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        alice.open(next(f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open"))
        first, second = alice.free_seats(2)
        alice.choose(first)
        assert re.search(r" is yours\. 1 seat, .* [345]\d seconds left\.$", reader.hears(1)[0])
        assert reader.hears(2, seconds=40)[1] == "30 seconds left."
        alice.choose(second)  # draws another clock
        reader.hears(3)
        alice.reads_news("The hold ran out", seconds=60)
        spoken = reader.hears(4)
        assert spoken[3] == "The hold ran out. The seats are free again. Nothing was charged."
        expect(alice.page.locator("#basket-pay")).to_have_count(0)
        assert sum(text == "30 seconds left." for text in reader.spoken()) == 1 and len(reader.spoken()) == 4


def test_thirty_seconds_are_spoken_on_the_page_that_pays(new_guest):
    with start_server(RATE_LIMITS=0, SEAT_LOCK_SECONDS=42) as server:
        alice = new_guest(server)
        reader = ScreenReader(alice)
        listed = alice.context.request.get(f"{server.url}/api/showtimes/").json()["showtimes"]
        alice.open(next(f"/showtimes/{one['id']}/" for one in listed if one["sales"] == "open"))
        alice.choose(*alice.free_seats(1))
        alice.page.locator("#basket-pay").click()
        alice.page.get_by_label("E-mail for the tickets").wait_for()
        assert reader.hears(1, seconds=60) == ["30 seconds left."]
