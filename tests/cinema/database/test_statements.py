"""Statements that share a round trip, with BEGIN and COMMIT among them; and the same, each in a trip of its own."""

from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, connections, transaction

from bench.support.factories import make_showtime
from booking.models import ShowtimeSeat
from cinema.database import statements
from cinema.database.statements import Statement, choose_runner, run_one_by_one, run_queries, run_together
from cinema.models import Showtime

pytestmark = pytest.mark.django_db(transaction=True)
TOGETHER = pytest.param(run_together, id="together")
ONE_BY_ONE = pytest.param(run_one_by_one, id="one by one", marks=pytest.mark.postgresql_only)

COUNT = Statement("test_count", "SELECT version FROM cinema_showtime WHERE id = %s")
SET = Statement("test_set", "UPDATE cinema_showtime SET version = %s WHERE id = %s")
ANY = Statement("test_any", "SELECT id FROM cinema_showtime WHERE id = ANY(%s) ORDER BY id")
WRONG = Statement("test_wrong", "INSERT INTO cinema_showtime (id) VALUES (%s)")


@pytest.fixture(autouse=True, params=[TOGETHER, ONE_BY_ONE])
def way(request, monkeypatch):
    """How PostgreSQL is asked; SQLite knows one way only."""
    monkeypatch.setattr(statements, "_on_postgresql", request.param)
    return request.param


@pytest.fixture
def showtime():
    return make_showtime().pk


def version_of(showtime):
    return Showtime.objects.values_list("version", flat=True).get(pk=showtime)


def test_rows_come_in_the_order_of_the_queries_and_a_statement_without_rows_has_none(showtime):
    assert run_queries((COUNT, [showtime]), (SET, [7, showtime]), (COUNT, [showtime])) == [[(0,)], [], [(7,)]]


def test_outside_a_transaction_each_call_is_one_of_its_own(showtime):
    run_queries((SET, [3, showtime]))
    assert not connection.in_atomic_block
    assert version_of(showtime) == 3


def test_a_list_is_an_array(showtime):
    other = make_showtime().pk
    assert run_queries((ANY, [[other, showtime, -1]])) == [[(showtime,), (other,)]]
    assert run_queries((ANY, [[]])) == [[]]


@pytest.mark.postgresql_only
def test_an_array_keeps_quotes_backslashes_commas_and_nothing():
    words = ["it's", 'a "word"', "back\\slash", "a, b", "{}", "NULL", "", "%s; COMMIT", None]
    echo = Statement("test_echo", "SELECT * FROM unnest(%s::text[])")
    assert run_queries((echo, [words])) == [[(word,) for word in words]]


def test_what_is_written_in_a_transaction_is_undone_with_it(showtime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        run_queries((SET, [5, showtime]))
        raise ZeroDivisionError
    assert version_of(showtime) == 0
    assert run_queries((COUNT, [showtime])) == [[(0,)]]


def test_an_error_of_one_query_undoes_the_others_of_its_transaction(showtime):
    with pytest.raises(DatabaseError), transaction.atomic():
        run_queries((SET, [5, showtime]), (WRONG, [showtime]), (SET, [6, showtime]), commit=True)
    assert version_of(showtime) == 0
    run_queries((SET, [9, showtime]))
    assert version_of(showtime) == 9


def test_the_hooks_run_after_the_commit(showtime):
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(version_of(showtime)))
        run_queries((COUNT, [showtime]))
        run_queries((SET, [2, showtime]), commit=True)
        assert seen == []
    assert seen == [2]


@pytest.mark.postgresql_only
@pytest.mark.parametrize("way", [TOGETHER], indirect=True)
def test_nothing_may_follow_the_last_query_and_nothing_of_it_is_undone(showtime, way):
    with pytest.raises(ProgrammingError, match="has ended"), transaction.atomic():
        run_queries((SET, [4, showtime]), commit=True)
        ShowtimeSeat.objects.filter(showtime=showtime).count()
    assert version_of(showtime) == 4


def test_the_last_query_of_an_inner_transaction_commits_nothing(showtime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with transaction.atomic():
            run_queries((SET, [4, showtime]), commit=True)
        assert run_queries((COUNT, [showtime])) == [[(4,)]]
        raise ZeroDivisionError
    assert version_of(showtime) == 0


@pytest.mark.postgresql_only
def test_an_error_that_only_the_commit_finds_undoes_all(showtime):
    seat = ShowtimeSeat.objects.filter(showtime=showtime).first()
    lost = Statement("test_lost", "UPDATE booking_showtimeseat SET seat_id = -1 WHERE id = %s")
    with pytest.raises(IntegrityError), transaction.atomic():
        run_queries((SET, [4, showtime]), (lost, [seat.pk]), commit=True)
    assert version_of(showtime) == 0
    seat.refresh_from_db()


@pytest.mark.postgresql_only
def test_a_statement_planned_in_a_transaction_that_was_undone_is_still_known(showtime):
    fresh = Statement("test_fresh", "SELECT %s::int + 1")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert run_queries((fresh, [1])) == [[(2,)]]
        raise ZeroDivisionError
    assert run_queries((fresh, [2])) == [[(3,)]]


@pytest.mark.postgresql_only
def test_rows_that_are_settled_are_the_same(showtime):
    run_queries((SET, [8, showtime]))
    assert run_queries((COUNT, [showtime]), settled=True) == [[(8,)]]


# ---- what is relied on -----------------------------------------------------------------------------------------------


@pytest.mark.postgresql_only
def test_the_first_statement_chooses_the_way(monkeypatch, showtime):
    monkeypatch.setattr(statements, "_on_postgresql", statements._run_first)
    assert run_queries((COUNT, [showtime])) == [[(0,)]]
    assert statements._on_postgresql is run_together


@pytest.mark.postgresql_only
@pytest.mark.parametrize("name", ["in_atomic_block", "savepoint_ids", "wrap_database_errors"])
def test_without_a_name_of_django_statements_are_executed_one_by_one(name, caplog):
    with connection.cursor() as cursor:
        known = {each: True for each in ("in_atomic_block", "savepoint_ids", "wrap_database_errors") if each != name}
        database = SimpleNamespace(connection=connection.connection, **known)
        assert choose_runner(database, cursor) is run_one_by_one
    assert "one by one" in caplog.text


@pytest.mark.postgresql_only
def test_with_another_connection_or_cursor_statements_are_executed_one_by_one():
    database = connections["default"]
    with database.cursor() as cursor:
        assert choose_runner(database, SimpleNamespace(cursor=None)) is run_one_by_one
        assert choose_runner(database, object()) is run_one_by_one
        other = SimpleNamespace(connection=object(), in_atomic_block=0, savepoint_ids=0, wrap_database_errors=0)
        assert choose_runner(other, cursor) is run_one_by_one
