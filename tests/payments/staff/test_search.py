"""Staff find a booking by reference, mail address, seat or film."""

import pytest

from bench.support.factories import new_visitor
from tests.payments.visits import SCRIPT, buy, read

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "query", ["{reference}", "{lower}", "{plain}", "alice@example", "b5", "long night", "b5 ALICE", "{group}"]
)
def test_a_booking_is_found_by_reference_mail_address_seat_and_film(staff, booking, query):
    said = query.format(
        reference=booking.reference,
        lower=booking.reference.lower(),
        plain=booking.reference.replace("-", ""),
        group=booking.reference[:3],
    )
    answer = staff.get("/staff/bookings/", {"q": said}, follow=True)
    assert booking.reference in answer.content.decode()


@pytest.mark.parametrize("query", ["b9", "bob", "b5 bob", SCRIPT, "\x00", "%", "a" * 500])
def test_an_unmatched_query_finds_nothing_and_is_escaped(staff, booking, query):
    page = staff.get("/staff/bookings/", {"q": query}).content.decode()
    assert SCRIPT not in page
    assert booking.reference not in page


def test_a_whole_reference_redirects_to_the_timeline(staff, booking):
    answer = staff.get("/staff/bookings/", {"q": booking.reference.replace("-", " ").lower()})
    assert answer["Location"] == f"/staff/bookings/{booking.reference}/"


def test_a_search_makes_a_fixed_number_of_queries(staff, showtime, django_assert_max_num_queries):
    for number in range(6):
        buy(showtime, new_visitor(), labels=[f"A{number + 1}"])
    with django_assert_max_num_queries(14):
        assert "6 bookings" in read(staff, "/staff/bookings/?q=alice")
