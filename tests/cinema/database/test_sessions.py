"""Sessions are Django's own, but for how one is read."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore as DjangoStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from cinema.database.sessions import SessionStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept():
    store = SessionStore()
    store["visitor"] = "somebody"
    store.save()
    return store.session_key


def test_what_was_kept_is_read_by_us_and_by_django(kept):
    assert SessionStore(kept)["visitor"] == DjangoStore(kept)["visitor"] == "somebody"


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=30)])
def test_a_session_ends_at_its_time_and_its_key_is_forgotten(kept, age):
    Session.objects.filter(pk=kept).update(expire_date=timezone.now() - age)
    store = SessionStore(kept)
    assert store.get("visitor") is None
    assert store.session_key is None


@pytest.mark.parametrize("data", ["", "not signed", "e30:1xVU5k:wrong"])
def test_what_cannot_be_read_is_empty(kept, data):
    Session.objects.filter(pk=kept).update(session_data=data)
    assert SessionStore(kept).get("visitor") is None


def test_an_unknown_key_is_not_taken_over():
    store = SessionStore("a" * 32)
    store["visitor"] = "somebody"
    store.save()
    assert store.session_key != "a" * 32
