"""A category of which no seat is for sale: no price is asked for, and none is shown."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from bench.support.factories import make_movie, make_showtime
from booking.showtimes.importing import import_showtimes
from cinema.admin.forms import showtime_form_of
from cinema.models import Screen, Showtime
from cinema.plans.layouts import layout_of
from cinema.plans.store import import_plan
from tests.cinema.plans.plan_files import plan, row, seat, write_plan

pytestmark = pytest.mark.django_db
CATEGORIES = ("Standard", "NOT AVAILABLE", "Without seats")


@pytest.fixture
def screen():
    seats = [seat(n + 1, 20 * n, 0, CATEGORIES[n > 3]) for n in range(6)]
    import_plan(write_plan(plan([row("A", 0, seats)], categories=CATEGORIES)), cinema="Odeon", screen="1")
    return Screen.objects.select_related("plan").get()


def words_of(page, label):
    block = re.search(
        rf'value="{label}".*?class="visually-hidden">(.*?)<span\s+data-word>(.*?)</span>', page, re.DOTALL
    )
    return " ".join(block.group(1).split()), block.group(2)


@pytest.mark.parametrize("prices", [{"standard": 1250}, {"standard": 1250, "not-available": 900}])
def test_the_page_has_no_price_and_no_legend_line_for_it(client, screen, prices):
    showtime = make_showtime(screen=screen, prices=prices)
    page = client.get(f"/showtimes/{showtime.pk}/").content.decode()
    assert page.count('<button class="price"') == 1
    assert [found.split() for found in re.findall(r'<b class="number">(.*?)</b>', page, re.DOTALL)].count([]) == 0
    assert words_of(page, "A1") == ("Row A, seat 1, standard, £12.50,", "available")
    assert words_of(page, "A5") == ("Row A, seat 5, not available,", "not for sale")
    assert "£9" not in page


def test_a_layout_says_which_categories_are_sold(screen):
    sold = {category.name: category.for_sale for category in layout_of(screen.plan.hash).categories}
    assert sold == {"Standard": True, "NOT AVAILABLE": False, "Without seats": False}


def test_the_form_of_a_showtime_asks_for_no_price_of_it(screen):
    form = showtime_form_of(screen.plan, "GBP")
    assert [name for name in form.base_fields if name.startswith("price_")] == ["price_standard"]


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("price_standard", "12.50"),
        ("price_standard,price_not-available", "12.50,"),
        ("price_standard,price_not-available", "12.50,9"),
    ],
)
def test_a_file_of_showtimes_needs_no_price_of_it_and_none_is_kept(screen, columns, values):
    make_movie("Metropolis")
    starts_at = f"{timezone.localtime() + timedelta(days=3):%Y-%m-%d} 19:30"
    file = f"movie,cinema,screen,starts_at,{columns}\nMetropolis,Odeon,1,{starts_at},{values}\n"
    summary = import_showtimes(file.encode(), at=timezone.now())
    assert summary.created == 1
    assert Showtime.objects.get().prices == {"standard": 1250}
