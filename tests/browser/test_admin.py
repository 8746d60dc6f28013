"""The admin site in Chromium, under the site's own content policy; the console must stay clean."""

import pytest
from playwright.sync_api import expect

LISTS = ("/admin/cinema/movie/", "/admin/cinema/showtime/", "/admin/cinema/seatingplan/", "/admin/booking/booking/")


@pytest.fixture
def manager(server, new_guest):
    guest = new_guest(server)
    guest.open("/accounts/login/?next=/admin/", live=False)
    guest.page.get_by_label("E-mail", exact=True).fill("staff@example.com")
    guest.page.get_by_label("Password", exact=True).fill(server.staff_password)
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_role("heading", name="Programme")).to_be_visible()
    return guest


def test_lists_and_their_first_row_open_without_console_errors(manager):
    for path in LISTS:
        manager.open(path, live=False)
        manager.page.locator("#result_list tbody th a").first.click()
        expect(manager.page.locator("#content h2").first).to_be_visible()


def test_a_showtime_is_added_and_its_sales_opened(manager):
    page = manager.open("/admin/cinema/showtime/add/", live=False).page
    for field, words in (("movie", "Metropolis"), ("screen", "Screen 1")):
        page.locator(f".field-{field} .select2-selection").click()
        page.locator(".select2-search__field").fill(words)
        page.locator(".select2-results__option", has_text=words).first.click()
    page.locator(".field-starts_at a[id^=calendarlink]").click()
    page.locator(".calendarbox .calendarnav-next").first.click()
    page.locator(".calendarbox td a", has_text="28").first.click()
    page.locator("#id_starts_at_1").fill("03:10")
    page.get_by_role("button", name="Save and open sales").click()
    expect(page.locator(".messagelist")).to_contain_text("Sales are open for Metropolis")


def test_a_genre_moves_to_the_chosen_list(manager):
    page = manager.open("/admin/cinema/movie/", live=False).page
    page.locator("#result_list tbody th a").first.click()
    chosen = page.locator("#id_genres_to option")
    expect(chosen).not_to_have_count(0)
    before = chosen.count()
    page.locator("#id_genres_from option").first.dblclick()
    expect(chosen).to_have_count(before + 1)
