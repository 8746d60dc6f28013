"""Questions that travel together, with BEGIN and COMMIT among them."""

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from bench.support.factories import make_showtime
from booking.models import ShowtimeSeat
from cinema.database.statements import Statement, ask
from cinema.models import Showtime

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = Statement("test_count", "SELECT version FROM cinema_showtime WHERE id = %s")
SET = Statement("test_set", "UPDATE cinema_showtime SET version = %s WHERE id = %s")
ANY = Statement("test_any", "SELECT id FROM cinema_showtime WHERE id = ANY(%s) ORDER BY id")
WRONG = Statement("test_wrong", "INSERT INTO cinema_showtime (id) VALUES (%s)")


@pytest.fixture
def showtime():
    return make_showtime().pk


def version_of(showtime):
    return Showtime.objects.values_list("version", flat=True).get(pk=showtime)


def test_answers_come_in_order_and_a_statement_without_rows_has_none(showtime):
    assert ask((COUNT, [showtime]), (SET, [7, showtime]), (COUNT, [showtime])) == [[(0,)], [], [(7,)]]


def test_outside_a_transaction_each_call_is_one_of_its_own(showtime):
    ask((SET, [3, showtime]))
    assert not connection.in_atomic_block
    assert version_of(showtime) == 3


def test_a_list_is_an_array(showtime):
    other = make_showtime().pk
    assert ask((ANY, [[other, showtime, -1]])) == [[(showtime,), (other,)]]
    assert ask((ANY, [[]])) == [[]]


@pytest.mark.postgresql_only
def test_an_array_keeps_quotes_backslashes_commas_and_nothing():
    words = ["it's", 'a "word"', "back\\slash", "a, b", "{}", "NULL", "", "%s; COMMIT", None]
    echo = Statement("test_echo", "SELECT * FROM unnest(%s::text[])")
    assert ask((echo, [words])) == [[(word,) for word in words]]


def test_what_is_asked_in_a_transaction_is_undone_with_it(showtime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask((SET, [5, showtime]))
        raise ZeroDivisionError
    assert version_of(showtime) == 0
    assert ask((COUNT, [showtime])) == [[(0,)]]


def test_one_wrong_question_undoes_the_others_of_its_transaction(showtime):
    with pytest.raises(DatabaseError), transaction.atomic():
        ask((SET, [5, showtime]), (WRONG, [showtime]), (SET, [6, showtime]), ends=True)
    assert version_of(showtime) == 0
    ask((SET, [9, showtime]))
    assert version_of(showtime) == 9


def test_the_last_question_commits_and_then_come_the_hooks(showtime):
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(version_of(showtime)))
        ask((COUNT, [showtime]))
        ask((SET, [2, showtime]), ends=True)
        assert seen == []
    assert seen == [2]


@pytest.mark.postgresql_only
def test_nothing_may_follow_the_last_question_and_nothing_of_it_is_undone(showtime):
    with pytest.raises(ProgrammingError, match="has ended"), transaction.atomic():
        ask((SET, [4, showtime]), ends=True)
        ShowtimeSeat.objects.filter(showtime=showtime).count()
    assert version_of(showtime) == 4


def test_the_last_question_of_an_inner_transaction_commits_nothing(showtime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with transaction.atomic():
            ask((SET, [4, showtime]), ends=True)
        assert ask((COUNT, [showtime])) == [[(4,)]]
        raise ZeroDivisionError
    assert version_of(showtime) == 0


@pytest.mark.postgresql_only
def test_what_only_the_commit_finds_wrong_undoes_all(showtime):
    seat = ShowtimeSeat.objects.filter(showtime=showtime).first()
    lost = Statement("test_lost", "UPDATE booking_showtimeseat SET seat_id = -1 WHERE id = %s")
    with pytest.raises(IntegrityError), transaction.atomic():
        ask((SET, [4, showtime]), (lost, [seat.pk]), ends=True)
    assert version_of(showtime) == 0
    seat.refresh_from_db()


@pytest.mark.postgresql_only
def test_a_statement_planned_in_a_transaction_that_was_undone_is_still_known(showtime):
    fresh = Statement("test_fresh", "SELECT %s::int + 1")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert ask((fresh, [1])) == [[(2,)]]
        raise ZeroDivisionError
    assert ask((fresh, [2])) == [[(3,)]]
