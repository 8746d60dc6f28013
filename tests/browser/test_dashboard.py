"""The dashboard in Chromium: charts are drawn with tables beside them, no axe violation, a file to download."""

import csv
import io

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import SIZES, violations

PAGE = "/movies/admin-dashboard/"
# The number of distinct colours on a canvas; a blank canvas has one.
COLOURS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.fixture
def open_dashboard(server, new_guest):
    """`open_dashboard(**context)` is the page of a signed-in member of staff."""

    def open_page(path=PAGE, **context):
        guest = new_guest(server, reduced_motion="reduce", **context)
        guest.open(f"/accounts/login/?next={path}", live=False)
        guest.page.get_by_label("E-mail", exact=True).fill("staff@example.com")
        guest.page.get_by_label("Password", exact=True).fill(server.staff_password)
        guest.page.keyboard.press("Enter")
        expect(guest.page.get_by_role("heading", name="Figures")).to_be_visible()
        return guest.page

    return open_page


def is_drawn(page, name):
    page.wait_for_function(f"() => window.Chart?.getChart('{name}')")
    return page.locator(f"#{name}").evaluate(COLOURS) > 3


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_charts_are_drawn_without_axe_violation_and_the_page_fits_its_window(open_dashboard, size):
    page = open_dashboard(**size)
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


def test_the_chart_shows_the_figures_of_its_table_and_another_measure_on_request(open_dashboard):
    page = open_dashboard()
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


def test_days_are_chosen_by_links_and_by_a_form_with_the_keyboard(open_dashboard):
    page = open_dashboard()
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_text("Compared with the 7 days before")).to_be_visible()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    page.get_by_text("Other days, one cinema, one film").press("Enter")
    page.get_by_label("From", exact=True).fill("2020-02-03")
    page.get_by_label("To", exact=True).fill("2020-02-01")
    page.get_by_label("To", exact=True).press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The first day comes after the last.")


def test_without_script_the_tables_are_open_and_the_charts_hidden(open_dashboard, server, new_guest):
    session = open_dashboard().context.storage_state()
    page = new_guest(server, java_script_enabled=False, storage_state=session).open(PAGE, live=False).page
    expect(page.locator("canvas").first).to_be_hidden()
    expect(page.locator("table.sheet").first.locator("tbody tr")).to_have_count(28)
    expect(page.locator("table.sheet tbody tr").first).to_be_visible()
    expect(page.locator("table.rank")).to_be_visible()


def test_the_days_can_be_downloaded_as_csv(open_dashboard):
    page = open_dashboard()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(io.StringIO(file.read())))
    assert len(table) == 28
    assert sum(int(line["tickets"]) for line in table) > 0
