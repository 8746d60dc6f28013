"""Sessions are Django's own, but for the statement that reads one."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore as DjangoStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from booking.models import PaceUse
from booking.outbox.periodic_tasks import new_schedule
from cinema.database.sessions import SessionStore, clear_expired_sessions

pytestmark = pytest.mark.django_db


@pytest.fixture
def session_key():
    store = SessionStore()
    store["visitor"] = "somebody"
    store.save()
    return store.session_key


def test_a_saved_session_is_read_by_us_and_by_django(session_key):
    assert SessionStore(session_key)["visitor"] == DjangoStore(session_key)["visitor"] == "somebody"


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=30)])
def test_a_session_ends_at_its_time_and_its_key_is_forgotten(session_key, age):
    Session.objects.filter(pk=session_key).update(expire_date=timezone.now() - age)
    store = SessionStore(session_key)
    assert store.get("visitor") is None
    assert store.session_key is None


@pytest.mark.parametrize("data", ["", "not signed", "e30:1xVU5k:wrong"])
def test_data_that_cannot_be_read_are_an_empty_session(session_key, data):
    Session.objects.filter(pk=session_key).update(session_data=data)
    assert SessionStore(session_key).get("visitor") is None


def test_an_unknown_key_is_not_adopted():
    store = SessionStore("a" * 32)
    store["visitor"] = "somebody"
    store.save()
    assert store.session_key != "a" * 32


def test_sessions_that_have_ended_are_deleted_in_batches(session_key):
    now = timezone.now()
    for hours in range(1, 6):
        Session.objects.create(session_key=f"old{hours}", session_data="", expire_date=now - timedelta(hours=hours))
    assert [clear_expired_sessions(now, limit=3) for _ in range(3)] == [3, 2, 0]
    assert list(Session.objects.values_list("session_key", flat=True)) == [session_key]


def test_the_loop_deletes_them_and_what_paces_no_longer_need():
    names = {task.name for task in new_schedule()}
    assert {"clear expired sessions", "clear uses of paces"} <= names
    PaceUse.objects.create(key=1, used_until=0)
    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - timedelta(days=1))
    for task in new_schedule():
        if task.name.startswith("clear "):
            task.task(timezone.now())
    assert not Session.objects.exists() and not PaceUse.objects.exists()
