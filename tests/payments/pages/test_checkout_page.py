"""A refused checkout: a redirect to the page, which says why once and keeps what was typed."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from bench.support.factories import make_showtime
from tests.payments.visits import be

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def buyer(sale):
    return be(Client(), sale.visitor)


def page_of(sale):
    return f"/showtimes/{sale.showtime.pk}/checkout/"


def test_it_is_said_once_on_a_page_that_can_be_gone_back_to(sale, buyer):
    answer = buyer.post(page_of(sale), {"email": "nobody at <example>"})
    assert (answer.status_code, answer["Location"]) == (303, page_of(sale))
    text = buyer.get(page_of(sale)).content.decode()
    assert 'id="email-error"' in text and 'value="nobody at &lt;example&gt;"' in text
    again = buyer.get(page_of(sale)).content.decode()
    assert 'id="email-error"' not in again and "nobody at" not in again


def test_what_was_refused_for_one_showtime_is_not_said_of_another(sale, buyer):
    buyer.post(page_of(sale), {"email": "x"})
    text = buyer.get(f"/showtimes/{make_showtime().pk}/checkout/").content.decode()
    assert 'role="alert"' not in text


def test_a_visitor_without_a_session_gets_none_and_sees_that_nothing_is_there_to_pay(sale):
    stranger = Client()
    answer = stranger.post(page_of(sale), {"email": "a@example.com"}, follow=True)
    assert answer.redirect_chain == [(page_of(sale), 303)]
    assert "You hold no seats for this showtime" in answer.content.decode()
    assert not Session.objects.exists()
