"""The figures in a real browser: charts that are drawn, tables beside them, no broken rule, a file to take away."""

import csv
import io

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import SIZES, violations

PAGE = "/movies/admin-dashboard/"
# Distinct colours that the script has put on a canvas; a blank one has one: nothing.
COLOURS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.fixture
def staff(house, arrive):
    """`staff(**context)` is somebody of the house, signed in, with the figures before them."""

    def enter(path=PAGE, **context):
        guest = arrive(house, reduced_motion="reduce", **context)
        guest.open(f"/accounts/login/?next={path}", live=False)
        guest.page.get_by_label("E-mail", exact=True).fill("staff@example.com")
        guest.page.get_by_label("Password", exact=True).fill(house.staff_password)
        guest.page.keyboard.press("Enter")
        expect(guest.page.get_by_role("heading", name="Figures")).to_be_visible()
        return guest.page

    return enter


def is_drawn(page, name):
    page.wait_for_function(f"() => window.Chart?.getChart('{name}')")
    return page.locator(f"#{name}").evaluate(COLOURS) > 3


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_charts_are_drawn_in_a_page_without_a_broken_rule_that_is_no_wider_than_its_window(staff, size):
    page = staff(**size)
    for name in ("trend-chart", "films-chart", "funnel-chart"):
        assert is_drawn(page, name), name
        chart = page.locator(f"#{name}")
        assert chart.get_attribute("role") == "img"
        assert any(letter.isdigit() for letter in chart.get_attribute("aria-label"))
    assert violations(page) == []
    page.get_by_text("Other days, one cinema, one film").click()
    for summary in page.locator("details[data-table] summary").all():
        summary.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_chart_shows_what_its_table_says_and_another_measure_when_asked(staff):
    page = staff()
    assert is_drawn(page, "trend-chart")
    table = page.locator("section", has=page.locator("#trend-chart")).locator("details")
    expect(table.get_by_role("row")).to_have_count(0)
    table.locator("summary").click()
    cells = table.locator("tbody tr").evaluate_all("rows => rows.map((row) => row.cells[2].textContent)")
    tickets = [int(cell.replace(",", "")) for cell in cells]
    assert len(tickets) == 28 and sum(tickets) > 0
    page.get_by_role("button", name="Tickets").click()
    assert page.evaluate("Chart.getChart('trend-chart').data.datasets[0].data") == tickets
    expect(page.get_by_role("button", name="Tickets")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Revenue")).to_have_attribute("aria-pressed", "false")


def test_days_are_chosen_by_links_and_by_a_form_with_the_keyboard(staff):
    page = staff()
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_text("Compared with the 7 days before")).to_be_visible()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    page.get_by_text("Other days, one cinema, one film").press("Enter")
    page.get_by_label("From", exact=True).fill("2020-02-03")
    page.get_by_label("To", exact=True).fill("2020-02-01")
    page.get_by_label("To", exact=True).press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The first day comes after the last.")


def test_without_script_the_tables_are_open_and_no_chart_stands_empty(staff, house, arrive):
    session = staff().context.storage_state()
    page = arrive(house, java_script_enabled=False, storage_state=session).open(PAGE, live=False).page
    expect(page.locator("canvas").first).to_be_hidden()
    expect(page.locator("table.sheet").first.locator("tbody tr")).to_have_count(28)
    expect(page.locator("table.sheet tbody tr").first).to_be_visible()
    expect(page.locator("table.rank")).to_be_visible()


def test_the_days_can_be_taken_away_as_a_file(staff):
    page = staff()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(io.StringIO(file.read())))
    assert len(table) == 28
    assert sum(int(line["tickets"]) for line in table) > 0
