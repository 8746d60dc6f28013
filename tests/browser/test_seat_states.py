"""The script of the map has no list of states: it shows the words that the page carries."""

from playwright.sync_api import expect


def test_the_map_says_the_words_of_the_page(house, sale, arrive):
    alice, bob = arrive(house), arrive(house)
    bob.page.route(
        f"**{sale}", lambda route: route.fulfill(response=(page := route.fetch()), body=reworded(page.text()))
    )
    bob.open(sale)
    alice.open(sale)
    [seat] = alice.free_seats(1)
    alice.choose(seat)
    bob.sees(seat, "locked")
    expect(bob.seat(seat).locator("[data-word]")).to_have_text("somebody is faster")
    expect(bob.box(seat)).to_be_disabled()
    bob.seat(bob.free_seats(1)[0]).click()
    expect(bob.page.locator(".seat [data-word]", has_text="all mine")).to_have_count(1)


def reworded(page):
    """The page with other words, in the states that it carries and nowhere else."""
    for old, new in (("being chosen by someone else", "somebody is faster"), ("yours", "all mine")):
        assert page.count(f'": "{old}"') == 1
        page = page.replace(f'": "{old}"', f'": "{new}"')
    return page
