"""The basket asks whether somebody uses a wheelchair as soon as a space for one is in it."""

import html

import pytest

from bench.support.factories import make_showtime
from cinema.models import Screen
from cinema.plans.store import import_plan
from tests.cinema.plans.plan_files import plan, row, seat, write_plan

pytestmark = pytest.mark.django_db
KINDS = ("wheelchair", "companion", "wheelchair", "seat")


@pytest.fixture
def showtime():
    seats = [seat(n + 1, 20 * n, bookmyseat={"kind": kind}) for n, kind in enumerate(KINDS)]
    import_plan(write_plan(plan([row("A", 0, seats)])), cinema="Odeon", screen="1")
    return make_showtime(screen=Screen.objects.select_related("plan").get())


def page_with(client, showtime, *labels):
    address = f"/showtimes/{showtime.pk}/"
    client.post(address, {"seats": labels})  # as without a script
    return " ".join(html.unescape(client.get(address).content.decode()).split())


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["A1"], "A1 is a space for a wheelchair: there is no chair."),
        (["A1", "A2", "A4"], "A1 is a space for a wheelchair: there is no chair."),
        (["A1", "A3"], "A1 and A3 are spaces for wheelchairs: there are no chairs."),
    ],
)
def test_a_space_for_a_wheelchair_is_taken_and_asked_about(client, showtime, labels, sentence):
    page = page_with(client, showtime, *labels)
    assert f"{sentence} Does somebody with you use a wheelchair? If not, please take other seats." in page
    lock = client.get(f"/api/showtimes/{showtime.pk}/lock/").json()
    assert [one["label"] for one in lock["seats"]] == labels, "nothing is refused"


@pytest.mark.parametrize("labels", [[], ["A2"], ["A4"]])
def test_nothing_is_asked_about_other_seats(client, showtime, labels):
    assert "use a wheelchair?" not in page_with(client, showtime, *labels)
