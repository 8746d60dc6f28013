"""The tag of a lock over HTTP: `tag` and `ETag` of the answers, and PUT with `If-Match`."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import payment_port
from booking.locks import lock_seats
from booking.models import Booking, ShowtimeSeat
from booking.seats.lock_tags import read_tags
from booking.seats.map import read_map
from booking.showtimes.sales import block_seats
from tests.booking.pages.test_api import lock_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def showtime():
    return make_showtime()


@pytest.fixture
def alice():
    return Client()


def put(client, showtime, *labels, match=None, body=None):
    headers = {} if match is None else {"If-Match": match}
    text = body or json.dumps({"seats": labels})
    return client.put(lock_url(showtime), text, content_type="application/json", headers=headers)


def look(client, showtime):
    return client.get(lock_url(showtime)).json()


def labels_of(lock):
    return [seat["label"] for seat in lock["seats"]]


def is_changed(response, client, showtime):
    """412, with the lock as GET says it."""
    assert response.status_code == 412, response.content
    assert response["Content-Type"] == "application/problem+json" and response["Cache-Control"] == "no-store"
    problem, now = response.json(), look(client, showtime)
    assert (problem["type"], problem["status"]) == ("lock-changed", 412)
    for lock in (problem["lock"], now):
        lock.pop("now")
    assert problem["lock"] == now
    return True


def test_get_and_put_say_the_tag_also_as_an_etag(alice, showtime):
    first = alice.get(lock_url(showtime))
    assert (first.json()["tag"], first["ETag"]) == ("none", '"none"')
    granted = put(alice, showtime, "A1")
    tag = granted.json()["tag"]
    assert granted["ETag"] == f'"{tag}"' and tag != "none"
    again = alice.get(lock_url(showtime))
    assert (again.json()["tag"], again["ETag"], again["Cache-Control"]) == (tag, f'"{tag}"', "no-store")
    given_back = put(alice, showtime)
    assert (given_back.json()["tag"], given_back["ETag"]) == ("none", '"none"')


@pytest.mark.django_db(transaction=True)
def test_the_tag_is_of_reference_status_and_seats_and_of_nothing_else(alice, showtime):
    one = put(alice, showtime, "A1").json()["tag"]
    two = put(alice, showtime, "A1", "A2").json()["tag"]
    assert put(alice, showtime, "A2", "A1").json()["tag"] == two, "the order is not part of it"
    assert put(alice, showtime, "A1").json()["tag"] == one, "the version is not part of it"
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["B1"], at=timezone.now())
    Booking.objects.filter(reference=look(alice, showtime)["reference"]).update(
        locked_until=timezone.now() + timedelta(minutes=2)
    )
    assert look(alice, showtime)["tag"] == one, "neither are others, nor the deadline"
    alice.delete(lock_url(showtime))
    assert look(alice, showtime)["tag"] == "none"
    assert put(alice, showtime, "A1").json()["tag"] != one, "the reference is"
    before = look(alice, showtime)["tag"]
    assert check_out(alice, showtime).status_code == 201
    assert look(alice, showtime)["tag"] != before, "the status is"


def check_out(client, showtime):
    body = json.dumps({"email": "alice@example.com"})
    return client.post(f"/api/showtimes/{showtime.pk}/checkout/", body, content_type="application/json")


def test_a_lapsed_lock_has_the_tag_of_none(alice, showtime):
    put(alice, showtime, "A1")
    Booking.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    assert look(alice, showtime)["tag"] == "none"


def test_a_request_that_names_the_lock_is_granted_and_one_that_names_another_changes_nothing(alice, showtime):
    old = put(alice, showtime, "A1", match='"none"')["ETag"]
    new = put(alice, showtime, "A1", "A2", match=old)
    assert labels_of(new.json()) == ["A1", "A2"]
    version = read_map(showtime.pk).version
    for match in (old, '"none"', '"x"', '""', "", "W/" + old):
        for labels in (("A1", "B1"), ("A1", "A2"), ()):
            assert is_changed(put(alice, showtime, *labels, match=match), alice, showtime)
    assert read_map(showtime.pk).version == version
    assert look(alice, showtime)["tag"] == new.json()["tag"]


def test_tags_are_compared_without_their_weakness_in_lists_and_without_quotes(alice, showtime):
    tag = put(alice, showtime, "A1").json()["tag"]
    for match in (f'"{tag}"', f'W/"{tag}"', f'"x", W/"{tag}"', f'"{tag}","y"', tag, "*", " * "):
        assert put(alice, showtime, "A1", match=match).json()["tag"] == tag, match


def test_tags_are_read_as_http_writes_them():
    assert read_tags(None) is None and read_tags("*") is None
    assert read_tags('"a", W/"b,c" ,"*"') == {"a", "b,c", "*"}
    assert read_tags("") == read_tags(" , ") == frozenset()


def test_without_if_match_nothing_is_compared(alice, showtime):
    put(alice, showtime, "A1")
    assert labels_of(put(alice, showtime, "B1").json()) == ["B1"]


def test_an_answer_is_never_not_modified(alice, showtime):
    etag = put(alice, showtime, "A1")["ETag"]
    again = alice.get(lock_url(showtime), headers={"If-None-Match": etag})
    assert again.status_code == 200 and labels_of(again.json()) == ["A1"]


def test_it_wins_over_every_other_refusal(alice, showtime):
    put(alice, showtime, "A1")
    lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["B1"], at=timezone.now())
    block_seats(showtime_id=showtime.pk, labels=["B2"], at=timezone.now())
    too_many = [f"{row}{number}" for row in "AC" for number in range(1, 11)]
    for labels in (["B1"], ["B2"], ["Z99"], too_many):
        assert put(alice, showtime, *labels).status_code in (409, 422)
        assert is_changed(put(alice, showtime, *labels, match='"x"'), alice, showtime)
    for body in ("{", '{"seats": 1}', "{}"):
        assert put(alice, showtime, body=body).status_code == 422
        assert is_changed(put(alice, showtime, body=body, match='"x"'), alice, showtime)
        assert put(alice, showtime, body=body, match="*").status_code == 422
    showtime.cancelled_at = timezone.now()
    showtime.save()
    assert put(alice, showtime, "A2").status_code == 410
    assert is_changed(put(alice, showtime, "A2", match='"x"'), alice, showtime)


def test_it_wins_over_the_limits_too(alice, showtime, monkeypatch):
    for _ in range(3):
        put(alice, showtime, "A1")
        put(alice, showtime)
    assert put(alice, showtime, "A1").status_code == 429
    assert is_changed(put(alice, showtime, "A1", match='"x"'), alice, showtime)
    from booking.clients import pace

    monkeypatch.setattr(pace, "_blocked", Everybody())
    assert put(alice, showtime, "A1", match='"none"').json()["detail"] == pace.FAILED_REQUESTS.sentence
    assert is_changed(put(alice, showtime, "A1", match='"x"'), alice, showtime)


class Everybody(dict):
    """As if every client had used up every pace."""

    def __init__(self):
        super().__init__(one=1)

    def get(self, key, default):
        return timezone.now().timestamp() + 60


def test_a_showtime_that_is_not_there_has_no_lock_to_compare(alice):
    response = alice.put(
        "/api/showtimes/999999/lock/", "{}", content_type="application/json", headers={"If-Match": '"x"'}
    )
    assert response.status_code == 404


def test_a_browser_that_lost_its_session_hears_that_it_has_nothing(alice, showtime):
    tag = put(alice, showtime, "A1")["ETag"]
    stranger = Client()
    response = put(stranger, showtime, "A2", match=tag)
    assert is_changed(response, stranger, showtime) and response.json()["lock"]["tag"] == "none"
    assert not stranger.session.keys()


@pytest.mark.django_db(transaction=True)
def test_other_seats_while_the_payment_is_open_names_the_lock_before_its_payment_was_ended(alice, showtime):
    put(alice, showtime, "A1")
    assert check_out(alice, showtime).status_code == 201
    paying = alice.get(lock_url(showtime))
    assert is_changed(put(alice, showtime, "A3", match='"none"'), alice, showtime)
    assert look(alice, showtime)["status"] == "checkout", "a request for another lock ends no payment"
    changed = put(alice, showtime, "A3", match=paying["ETag"])
    assert changed.status_code == 200 and labels_of(changed.json()) == ["A3"]
    assert changed.json()["status"] == "locked"
    assert check_out(alice, showtime).status_code == 201
    nothing = put(alice, showtime, match=alice.get(lock_url(showtime))["ETag"])
    assert nothing.status_code == 200 and nothing.json()["tag"] == "none"


class Elsewhere:
    """As the payment port, but another tab gives all back while the payment is being ended."""

    def __init__(self, port):
        self.port = port

    def end_payment(self, *, booking_id, reason, at):
        self.port.end_payment(booking_id=booking_id, reason="given-back", at=at)


@pytest.mark.django_db(transaction=True)
def test_what_another_tab_gives_back_while_the_payment_is_ended_is_not_taken_again(alice, showtime, monkeypatch):
    put(alice, showtime, "A1")
    check_out(alice, showtime)
    paying = alice.get(lock_url(showtime))["ETag"]
    port = payment_port.current()
    monkeypatch.setattr(payment_port, "current", lambda: Elsewhere(port))
    assert is_changed(put(alice, showtime, "A1", "A2", match=paying), alice, showtime)
    assert look(alice, showtime)["tag"] == "none"


def send_form(client, showtime, *labels, **fields):
    """The form of the page, without a script."""
    answer = client.post(f"/showtimes/{showtime.pk}/", {"seats": labels, **fields}, follow=True)
    return answer.content.decode().split('id="news"')[-1].split("stage__states")[0]


def test_a_form_of_an_old_page_changes_nothing_and_the_next_page_says_so(alice, showtime):
    old = put(alice, showtime, "A1").json()["tag"]
    put(alice, showtime, "A1", "B1")
    for fields in ({"action": "continue"}, {"action": "release"}, {"drop": "A1"}):
        assert "Your seats have changed meanwhile" in send_form(alice, showtime, "A1", tag=old, **fields)
        assert labels_of(look(alice, showtime)) == ["A1", "B1"]
    page = alice.get(f"/showtimes/{showtime.pk}/").content.decode()
    assert f'name="tag" value="{look(alice, showtime)["tag"]}"' in page
    send_form(alice, showtime, "A1", "B1", tag=look(alice, showtime)["tag"], drop="A1")
    assert labels_of(look(alice, showtime)) == ["B1"]
    send_form(alice, showtime, "B1", tag=look(alice, showtime)["tag"], action="release")
    assert look(alice, showtime)["tag"] == "none"


def test_a_form_of_a_lock_that_has_lapsed_chooses_its_seats_again(alice, showtime):
    old = put(alice, showtime, "A1").json()["tag"]
    Booking.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    ShowtimeSeat.objects.filter(booking__isnull=False).update(locked_until=timezone.now() - timedelta(seconds=1))
    send_form(alice, showtime, "A1", tag=old, action="continue")
    assert labels_of(look(alice, showtime)) == ["A1"]
