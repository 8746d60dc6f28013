"""What a click costs the database: few round trips, the version in the last of them."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_showtime

pytestmark = pytest.mark.django_db(transaction=True)
ENDS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


@pytest.fixture
def showtime():
    return make_showtime()


@pytest.fixture
def alice(showtime):
    return somebody(showtime)


def somebody(showtime):
    client = Client(enforce_csrf_checks=True)
    client.get(f"/api/showtimes/{showtime.pk}/lock/")
    return client


def put(client, showtime, *labels):
    token = client.cookies["csrftoken"].value
    body = json.dumps({"seats": labels})
    return client.put(
        f"/api/showtimes/{showtime.pk}/lock/", body, content_type="application/json", headers={"X-CSRFToken": token}
    )


def statements_of(client, showtime, *labels, status=200):
    with CaptureQueriesContext(connection) as captured:
        assert put(client, showtime, *labels).status_code == status
    return [query["sql"].strip() for query in captured if not query["sql"].strip().startswith(ENDS)]


def test_a_changed_wish_takes_at_most_eight_statements_with_the_session(alice, showtime):
    put(alice, showtime, "A1", "A2")
    found = statements_of(alice, showtime, "A2", "A3")
    print(f"{connection.vendor}: {len(found)} statements for a changed wish")
    assert len(found) <= (8 if connection.vendor == "postgresql" else 10), found


def test_a_refusal_costs_less_than_a_success(alice, showtime):
    bob = somebody(showtime)
    put(alice, showtime, "A1")
    put(bob, showtime, "B1")
    assert len(statements_of(bob, showtime, "A1", status=409)) <= len(statements_of(bob, showtime, "B2"))


@pytest.mark.postgresql_only
def test_the_version_is_taken_in_the_last_statement(alice, showtime):
    put(alice, showtime, "A1")
    found = statements_of(alice, showtime, "A2")
    assert [number for number, text in enumerate(found) if "version + 1" in text] == [len(found) - 1]


@pytest.mark.postgresql_only
def test_writers_of_one_showtime_queue_for_the_version(alice, showtime):
    put(alice, showtime, "A1")
    last = statements_of(alice, showtime, "A2")[-1].replace(" ", "")
    assert f"pg_advisory_xact_lock(-{showtime.pk})" in last


def test_a_first_wish_that_is_refused_writes_nothing(alice, showtime):
    put(alice, showtime, "A1")
    found = statements_of(somebody(showtime), showtime, "A1", status=409)
    assert not [text for text in found if text.startswith(("UPDATE", "INSERT", "WITH")) and "booking_" in text], found


@pytest.mark.postgresql_only
def test_a_lock_takes_three_round_trips_from_the_first_row_lock_to_the_commit(alice, showtime):
    put(alice, showtime, "A1")
    found = statements_of(alice, showtime, "A2", "A3")
    first = next(number for number, text in enumerate(found) if "FOR UPDATE" in text)
    assert len(found) - first <= 3, found[first:]


def test_the_same_wish_again_writes_nothing(alice, showtime):
    put(alice, showtime, "A1")
    assert not [text for text in statements_of(alice, showtime, "A1") if text.startswith(("UPDATE", "INSERT", "WITH"))]


def test_the_answer_names_the_version_that_says_so_also_when_all_is_given_back(alice, showtime):
    for wish in (("A1", "A2"), ("A2", "A3"), ()):
        answer = put(alice, showtime, *wish).json()
        assert answer["v"] == alice.get(f"/api/showtimes/{showtime.pk}/map/").json()["v"], wish
