"""Finding a film in Chromium: no page load, an address to share, back and forward, live numbers of seats left."""

import re
import sqlite3
import time

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import violations

REQUEST = re.compile(r"/\?.*cinema=")  # of the form


def films(page):
    return page.locator("#films [data-film]").evaluate_all("all => all.map((one) => one.dataset.film)")


def mark(page):
    """Set a mark that a page load would remove."""
    page.evaluate("window.marked = true")


def is_same_page(page):
    return page.evaluate("window.marked === true")


@pytest.fixture
def open_page(server, new_guest):
    def create(path="/", **context):
        return new_guest(server, **context).open(path, live=False).page

    return create


def test_filters_change_the_films_the_counts_and_the_address_without_a_page_load(open_page):
    page = open_page()
    mark(page)
    everything = films(page)
    page.get_by_role("checkbox", name=re.compile("^Comedy")).check()
    expect(page).to_have_url(re.compile(r"\?genre=comedy$"))
    comedies = films(page)
    assert 0 < len(comedies) < len(everything)
    page.get_by_role("checkbox", name=re.compile("^English")).check()
    expect(page).to_have_url(re.compile(r"\?genre=comedy&language=English$"))
    assert page.evaluate("document.activeElement.id") == "language-english"
    expect(page.locator("#said")).to_contain_text("showtime")
    page.get_by_role("link", name="Remove Comedy").click()
    expect(page).to_have_url(re.compile(r"/\?language=English$"))
    expect(page.locator("#genre-comedy")).not_to_be_checked()
    page.get_by_label("Search films and people").fill("keaton")
    expect(page).to_have_url(re.compile(r"q=keaton$"))
    expect(page.locator("#films [data-film]")).to_have_count(1)
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_label("Search films and people")).to_have_value("")
    expect(page.locator("#films [data-film]")).to_have_count(len(everything))
    assert is_same_page(page)
    shared = page.url
    assert "?" not in shared


def test_back_forward_and_reload_restore_films_and_checkboxes(open_page):
    page = open_page()
    page.get_by_role("checkbox", name=re.compile("^Drama")).check()
    expect(page).to_have_url(re.compile("genre=drama"))
    expect(page.get_by_role("link", name="Remove Drama")).to_be_visible()
    dramas = films(page)
    page.get_by_role("checkbox", name=re.compile("^German")).check()
    expect(page).to_have_url(re.compile("language=German"))
    expect(page.get_by_role("link", name="Remove German")).to_be_visible()
    german = films(page)
    page.go_back()
    expect(page.locator("#genre-drama")).to_be_checked()
    expect(page.locator("#language-german")).not_to_be_checked()
    assert films(page) == dramas
    page.go_forward()
    expect(page.locator("#language-german")).to_be_checked()
    assert films(page) == german
    page.reload()
    assert films(page) == german


def test_without_a_script_the_same_form_gives_the_same_films(open_page):
    plain, scripted = open_page(java_script_enabled=False), open_page("/?genre=horror&language=German")
    plain.locator("#genre-horror").check()
    plain.locator("#language-german").check()
    plain.get_by_role("button", name="Show films").click()
    names = plain.locator("#films .film__title").all_inner_texts()
    assert names == scripted.locator("#films .film__title").all_inner_texts() != []


def test_a_slow_answer_shows_progress_and_a_failed_one_a_message(server, new_guest):
    guest = new_guest(server).open("/", live=False)
    page = guest.page

    def late(route):
        time.sleep(0.6)
        route.continue_()

    page.route(REQUEST, late)
    page.locator("#genre-comedy").check(no_wait_after=True)
    expect(page.locator("#found")).to_have_class(re.compile("htmx-request"))
    expect(page).to_have_url(re.compile("genre=comedy"))
    expect(page.locator("#found")).not_to_have_class(re.compile("htmx-request"))
    page.unroute(REQUEST)
    page.route(REQUEST, lambda route: route.fulfill(status=429, body=""))
    page.locator("#genre-comedy").uncheck()
    expect(page.locator("#trouble")).to_contain_text("could not be reached")
    expect(page.get_by_role("link", name="Try again")).to_be_visible()
    assert all("429" in error for error in guest.console_errors)  # htmx logs each refused request
    guest.console_errors.clear()


def test_seats_left_update_on_an_open_page(server, showtime_path, new_guest, open_page):
    seller = new_guest(server).open(showtime_path)
    showtime = showtime_path.split("/")[2]
    movie = seller.context.request.get(f"{server.url}/api/showtimes/{showtime}/").json()
    page = open_page(f"/movies/{movie['movie']['slug']}/?date={movie['starts_at'][:10]}")
    meter = page.locator(f'#times [data-left-of="{showtime}"]').first
    before = int(meter.get_attribute("data-left"))
    mark(page)
    seller.choose(*seller.free_seats(2))
    expect(page.locator(f'#times [data-left-of="{showtime}"]').first).to_have_attribute(
        "data-left", str(before - 2), timeout=9000
    )
    assert is_same_page(page)


def test_a_trailer_is_requested_only_after_a_click(server, new_guest):
    with sqlite3.connect(server.data_dir / "db.sqlite3", timeout=20) as database:
        trailer = "https://www.youtube.com/watch?v=abcdefghijk"
        database.execute("UPDATE cinema_movie SET trailer_url = ? WHERE slug = 'sunrise'", [trailer])
    guest, requests = new_guest(server), []
    guest.context.route("https://www.youtube-nocookie.com/**", lambda route: route.fulfill(body="<title>t</title>"))
    guest.page.on("request", lambda request: requests.append(request.url) if "youtube" in request.url else None)
    page = guest.open("/movies/sunrise/", live=False).page
    assert requests == [] and page.locator("iframe").count() == 0
    page.get_by_role("link", name="Trailer").click()
    expect(page.locator("dialog iframe")).to_be_visible()
    assert requests == ["https://www.youtube-nocookie.com/embed/abcdefghijk"]
    page.get_by_role("button", name="Close").click()
    expect(page.locator("iframe")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["/?genre=comedy&language=English&q=e", "/?q=zzzz"])
def test_results_have_no_axe_violation_and_fit_the_window(open_page, width, path):
    page = open_page(path, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
