"""What a click costs the database: few round trips, the version in the last of them, and nothing planned twice."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.support.factories import make_showtime
from bench.support.trips import statements_in, trips_in
from booking import lock_limits, lock_statements
from booking.clients import pace
from booking.seats import known_map, row_locks, rows
from booking.seats import map as seat_map
from cinema.database.statements import Statement
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)


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


def put(client, showtime, *labels, **headers):
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value, **headers}
    body = json.dumps({"seats": labels})
    address = f"/api/showtimes/{showtime.pk}/lock/"
    return client.put(address, body, content_type="application/json", headers=headers)


def trips_of(client, showtime, *labels, status=200, **headers):
    """What is said to the database, a text for each time that its answer is waited for."""
    with CaptureQueriesContext(connection) as captured:
        assert put(client, showtime, *labels, **headers).status_code == status
    return trips_in(captured)


def statements_of(client, showtime, *labels, status=200):
    return statements_in(trips_of(client, showtime, *labels, status=status))


def test_a_changed_request_takes_few_statements_and_fewer_trips_with_the_session(alice, showtime):
    put(alice, showtime, "A1", "A2")
    found = trips_of(alice, showtime, "A2", "A3")
    n_statements = len(statements_of(alice, showtime, "A3", "A4"))
    report("click", f"{n_statements} statements in {len(found)} trips for a changed request on {connection.vendor}")
    assert len(found) <= (3 if connection.vendor == "postgresql" else 13), found
    assert n_statements <= (11 if connection.vendor == "postgresql" else 13), found


def test_a_refusal_costs_less_than_a_success(alice, showtime):
    bob = somebody(showtime)
    put(alice, showtime, "A1")
    put(bob, showtime, "B1")
    assert len(statements_of(bob, showtime, "A1", status=409)) < len(statements_of(bob, showtime, "B2"))


@pytest.mark.postgresql_only
def test_the_version_is_taken_last_of_all_and_its_commit_goes_with_it(alice, showtime):
    put(alice, showtime, "A1")
    trips = trips_of(alice, showtime, "A2")
    assert [number for number, text in enumerate(trips) if "seats_write" in text] == [len(trips) - 1]
    assert [text.split("(")[0] for text in trips[-1].split("; ")] == [
        "EXECUTE seats_queue",
        "EXECUTE seats_write",
        "EXECUTE seats_write_more",
        "SET LOCAL synchronous_commit TO off",
        "COMMIT",
        "EXECUTE settle",
    ]


@pytest.mark.postgresql_only
def test_writers_of_one_showtime_queue_for_the_version(alice, showtime):
    put(alice, showtime, "A1")
    last = trips_of(alice, showtime, "A2")[-1].replace(" ", "")
    assert f"seats_queue(-{showtime.pk})" in last


@pytest.mark.postgresql_only
def test_each_statement_of_a_click_has_an_index_also_when_its_parameters_are_not_known():
    """Each is planned once for any parameters: a partial index, for one, serves only what says its condition."""
    statements = [
        s
        for module in (lock_statements, row_locks, rows, lock_limits, pace, seat_map, known_map)
        for s in vars(module).values()
        if type(s) is Statement
    ]
    assert len(statements) > 11
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL; SET enable_seqscan = off")
        cursor.connection.planned.clear()
        for statement in statements:
            cursor.connection.execute(statement.prepare())
            nothing = ", ".join(["NULL"] * statement.text.count("%s"))
            cursor.execute(f"EXPLAIN EXECUTE {statement.name}({nothing})".replace("()", ""))
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan" not in plan, f"{statement.name}:\n{plan}"
        cursor.execute("DEALLOCATE ALL; RESET enable_seqscan")


def test_a_first_request_that_is_refused_writes_nothing(alice, showtime):
    put(alice, showtime, "A1")
    found = statements_of(somebody(showtime), showtime, "A1", status=409)
    assert not [text for text in found if text.startswith(("UPDATE", "INSERT", "WITH")) and "booking_" in text], found


@pytest.mark.postgresql_only
@pytest.mark.parametrize("is_named", [False, True], ids=["any lock", "a lock"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "changed"])
def test_a_lock_takes_three_round_trips_from_begin_to_commit_and_a_changed_request_two(
    alice, showtime, is_first, is_named
):
    # They plan the statements of this connection; the layout is remembered by the first, and the map after it.
    for label in ("C1", "D1"):
        put(somebody(showtime), showtime, label, **{"If-Match": '"none"'})
    tag = '"none"' if is_first else put(alice, showtime, "A1")["ETag"]
    found = trips_of(alice, showtime, "A2", "A3", **({"If-Match": tag} if is_named else {}))
    first = next(number for number, text in enumerate(found) if text.startswith("BEGIN; EXECUTE lock_client("))
    last = next(number for number, text in enumerate(found) if "; COMMIT; " in text)
    assert last - first + 1 == (3 if is_first else 2), found[first:]


@pytest.mark.postgresql_only
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "changed"])
def test_a_refusal_takes_one(alice, showtime, is_first):
    bob = somebody(showtime)
    put(alice, showtime, "A1")
    if not is_first:
        put(bob, showtime, "B1")
    found = trips_of(bob, showtime, "A1", status=409)
    assert len([text for text in found if "lock_own" in text or "seats_requested" in text]) == 1, found


def test_naming_the_lock_costs_no_trip_and_a_refusal_for_it_no_more_than_for_a_seat(alice, showtime):
    bob, tag = somebody(showtime), put(alice, showtime, "A1", "A2")["ETag"]
    put(bob, showtime, "C1")
    with_tag = trips_of(alice, showtime, "A2", "A3", **{"If-Match": tag})
    assert len(with_tag) == len(trips_of(alice, showtime, "A3", "A4"))
    for labels in (("A4", "A5"), ("Z99",)):
        changed = trips_of(alice, showtime, *labels, status=412, **{"If-Match": tag})
        assert len(changed) <= len(trips_of(bob, showtime, "A4", status=409)), changed


def test_the_same_request_again_writes_nothing(alice, showtime):
    put(alice, showtime, "A1")
    assert not [text for text in statements_of(alice, showtime, "A1") if text.startswith(("UPDATE", "INSERT", "WITH"))]


def test_the_answer_names_the_version_that_says_so_also_when_all_is_given_back(alice, showtime):
    for labels in (("A1", "A2"), ("A2", "A3"), ()):
        answer = put(alice, showtime, *labels).json()
        assert answer["v"] == alice.get(f"/api/showtimes/{showtime.pk}/map/").json()["v"], labels
