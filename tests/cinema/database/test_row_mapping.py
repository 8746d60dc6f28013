"""Rows become the instances that Django's own query would make, also where Django hides its converters."""

import uuid

import pytest
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import Field
from django.utils import timezone

from bench.support.factories import make_showtime
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from cinema.database import row_mapping
from cinema.database.row_mapping import columns_of, knows_converters, read_rows, values_of
from cinema.models import Movie, SeatingPlan, Showtime
from payments.models import Payment

MODELS = [Booking, ShowtimeSeat, Showtime, SeatingPlan, Movie, Payment]


@pytest.fixture(params=[True, False], ids=["Django's converters", "public ones"])
def _converters(request, monkeypatch):
    monkeypatch.setattr(row_mapping, "KNOWS_CONVERTERS", request.param)
    row_mapping._shape.cache_clear()
    yield
    row_mapping._shape.cache_clear()


def rows_of(model, only=()):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns_of(model, only=only)}, 7 FROM {model._meta.db_table} ORDER BY id")
        return cursor.fetchall()


@pytest.mark.django_db
@pytest.mark.usefixtures("_converters")
def test_a_row_is_the_instance_that_a_query_makes():
    showtime = make_showtime()
    lock_seats(showtime_id=showtime.pk, visitor=uuid.uuid4(), labels=("A1", "A2"), at=timezone.now())
    for model in MODELS:
        found = read_rows(model, rows_of(model))
        assert [values_of(instance) for instance, _ in found] == [
            values_of(instance) for instance in model.objects.order_by("pk")
        ]
        assert all(rest == (7,) for _, rest in found)


@pytest.mark.django_db
@pytest.mark.usefixtures("_converters")
def test_attributes_that_were_not_selected_are_read_when_they_are_needed(django_assert_num_queries):
    make_showtime()
    [(showtime, _)] = read_rows(Showtime, rows_of(Showtime, ("id", "starts_at")), ("id", "starts_at"))
    with django_assert_num_queries(0):
        assert timezone.is_aware(showtime.starts_at)
    with django_assert_num_queries(1):
        assert showtime.version == 0


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Field, "get_col"), (Field, "get_db_converters"), (BaseDatabaseOperations, "get_db_converters")],
)
def test_a_name_that_django_has_no_more_is_reported_and_the_public_converters_are_used(
    monkeypatch, caplog, owner, name
):
    monkeypatch.delattr(owner, name)
    assert not knows_converters()
    assert f"{owner.__name__}.{name}" in caplog.text
