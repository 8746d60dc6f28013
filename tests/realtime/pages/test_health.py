"""`/readyz`: what it says of the database, the loop and the clock, and what it costs."""

from datetime import timedelta

import pytest

from booking import loop
from cinema.database import clock

pytestmark = pytest.mark.django_db


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_a_process_whose_clock_is_right_is_ready_for_two_queries(client, django_assert_num_queries):
    loop.take_lease("loop", "one", timedelta(seconds=5), clock.read(), acted_at=clock.read())
    with django_assert_num_queries(2):
        assert ready(client) == (200, {"database": "ok", "bridge": "local", "loop": "ok", "clock": "ok", "proxy": "ok"})


@pytest.mark.parametrize("ahead", [360, -360, 1.5, -1.5])
def test_a_process_whose_clock_is_off_is_not_ready_whoever_asks_first(client, clock_ahead, ahead):
    clock_ahead(ahead)
    assert ready(client) == (503, {"database": "ok", "bridge": "local", "loop": "late", "clock": "off", "proxy": "ok"})
    clock_ahead(0)
    assert ready(client)[0] == 200


def test_within_a_second_it_is_ready(client, clock_ahead):
    clock_ahead(0.8)
    assert ready(client)[1]["clock"] == "ok"


def test_the_loop_is_judged_by_the_time_of_the_database(client, clock_ahead):
    at = clock.read()
    loop.take_lease("loop", "one", timedelta(seconds=5), at, acted_at=at)
    clock_ahead(3600)
    assert ready(client)[1]["loop"] == "ok"


def test_without_a_database_it_is_not_ready_and_the_clock_is_not_blamed(client, monkeypatch):
    def no_answer():
        raise RuntimeError("no connection is free")

    monkeypatch.setattr(clock, "read", no_answer)
    assert ready(client) == (503, {"database": "down", "bridge": "local", "loop": "late", "clock": "ok", "proxy": "ok"})
