"""axe-core finds nothing on the seat map, the basket, the way to pay and the booking; on a desk and on a phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

SIZES = {"desk": {"viewport": {"width": 1440, "height": 900}}, "phone": {"viewport": {"width": 390, "height": 844}}}


def violations(page):
    page.wait_for_timeout(500)  # lights come up over a third of a second; half a light has half a contrast
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"][:3]]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_no_rule_is_broken_from_the_map_to_the_ticket(house, sale, arrive, size):
    alice = arrive(house, reduced_motion="reduce", **size).open(sale)
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
def test_no_rule_is_broken_on_the_other_pages(house, arrive, size):
    alice = arrive(house, reduced_motion="reduce", **size).open("/", live=False)
    film = alice.page.locator('a[href^="/movies/"]').first.get_attribute("href")
    for path in ("/", film, "/bookings/", "/accounts/login/", "/accounts/signup/"):
        alice.open(path, live=False)
        assert violations(alice.page) == [], path
