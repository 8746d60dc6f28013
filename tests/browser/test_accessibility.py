"""axe-core finds no violation on the seat map, the basket, checkout, payment and booking; desktop and phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

SIZES = {"desktop": {"viewport": {"width": 1440, "height": 900}}, "phone": {"viewport": {"width": 390, "height": 844}}}


def violations(page):
    page.wait_for_timeout(500)  # seats fade in over a third of a second; a half-faded one has too little contrast
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"][:3]]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_axe_finds_no_violation_from_the_map_to_the_ticket(server, showtime_path, new_guest, size):
    alice = new_guest(server, reduced_motion="reduce", **size).open(showtime_path)
    page = alice.page
    assert violations(page) == []
    seats = alice.free_seats(2)
    alice.choose(*seats)
    assert violations(page) == []
    page.get_by_role("button", name="Zoom in").click()
    assert violations(page) == []
    page.locator("#basket-pay").click()
    page.get_by_label("E-mail for the tickets").fill("alice@example.com")
    assert violations(page) == []
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.wait_for_url("**/payments/demo/**")
    assert violations(page) == []
    page.get_by_role("button", name=re.compile("^Pay £")).click()
    alice.tickets()
    assert violations(page) == []


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_axe_finds_no_violation_on_other_pages(server, new_guest, size):
    alice = new_guest(server, reduced_motion="reduce", **size).open("/", live=False)
    film = alice.page.locator('a[href^="/movies/"]').first.get_attribute("href")
    for path in ("/", film, "/bookings/", "/accounts/login/", "/accounts/signup/"):
        alice.open(path, live=False)
        assert violations(alice.page) == [], path
