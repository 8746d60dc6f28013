"""The address of this site: what of a request's headers is believed, and where."""

import re

import pytest
from django.core import mail
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory
from django.urls import reverse

from bench.support.factories import make_showtime, make_user
from booking.models import Booking
from cinema.web.origins import mail_origin_of, origin_of
from cinema.web.problems import Invalid

HERE = {"SERVER_PORT": "8000"}
NAMED = {"CSRF_TRUSTED_ORIGINS": ["https://shop.example:9443", "http://other.example:7"]}


@pytest.fixture(autouse=True)
def shop(settings):
    settings.ALLOWED_HOSTS = ["shop.example", "[::1]"]
    settings.PORT = 8000
    return settings


def asked(host, **environ):
    return RequestFactory().get("/", headers={"Host": host}, **{**HERE, **environ})


@pytest.mark.parametrize(
    "host", ["shop.example", "shop.example:8000", "shop.example:9000", "[::1]:8000", "SHOP.example:1"]
)
def test_the_origin_of_an_answer_is_what_the_request_names(host):
    assert origin_of(asked(host)) == f"http://{host}"


@pytest.mark.parametrize("port", ["0", "65536", "99999", "9" * 5000, "00000"])
@pytest.mark.parametrize("function", [origin_of, mail_origin_of])
def test_a_port_that_does_not_exist_is_refused(function, port):
    with pytest.raises(Invalid):
        function(asked(f"shop.example:{port}"))


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80@shop.example", "shop.example:80@evil.example", "shop.example:abc",
     "shop.example:-1", "shop.example:80:90", "shop.example/..", "shop.example:8000#",
     "user@shop.example", "shop.example:٨"],
)  # fmt: skip
@pytest.mark.parametrize("function", [origin_of, mail_origin_of])
def test_a_host_that_is_not_ours_is_refused(function, host):
    with pytest.raises(DisallowedHost):
        function(asked(host))


@pytest.mark.parametrize(
    ("host", "changes", "origin"),
    [
        ("shop.example", {}, "http://shop.example"),
        ("shop.example:80", {}, "http://shop.example"),
        ("SHOP.example:8000", {}, "http://shop.example:8000"),  # the server's own port
        ("[::1]:8000", {}, "http://[::1]:8000"),
        ("shop.example:1234", {}, "http://shop.example:8000"),
        ("shop.example:443", {}, "http://shop.example:8000"),
        ("shop.example:1234", {"TRUSTED_PROXIES": ["10.0.0.1"]}, "http://shop.example"),
        ("shop.example:1234", {"HTTPS": True}, "https://shop.example"),
        ("shop.example:80", {"HTTPS": True}, "https://shop.example"),
        ("shop.example", {"HTTPS": True}, "https://shop.example"),
        ("shop.example:9443", {"HTTPS": True, **NAMED}, "https://shop.example:9443"),
        ("shop.example:1234", {"HTTPS": True, **NAMED}, "https://shop.example:9443"),
        ("shop.example:9443", NAMED, "http://shop.example:8000"),  # named for another scheme
        ("shop.example:7", NAMED, "http://shop.example:8000"),  # and for another host
    ],
)  # fmt: skip
def test_a_mail_takes_a_port_that_the_site_is_known_to_have(settings, host, changes, origin):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert mail_origin_of(asked(host)) == origin


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "X-Host", "X-Original-Host"])
def test_forwarded_hosts_and_ports_are_never_believed(settings, header):
    settings.TRUSTED_PROXIES = []
    request = RequestFactory().get("/", headers={"Host": "shop.example", header: "evil.example:1234"}, **HERE)
    assert origin_of(request) == mail_origin_of(request) == "http://shop.example"


@pytest.mark.django_db
@pytest.mark.parametrize("port", ["1234", "443"])
def test_the_links_of_account_mails_lead_to_the_known_port(client, port):
    make_user("alice@example.com")
    host = {"Host": f"shop.example:{port}"}
    reset, sign_up = reverse("account_reset_password"), reverse("account_signup")
    for who, page in (("alice", reset), ("nobody", reset), ("bob", sign_up)):
        form = {"email": f"{who}@example.com", "password1": "a long password 1"}
        client.post(page, form, headers=host, **HERE)
    assert len(mail.outbox) == 3
    for message in mail.outbox:
        text = message.subject + message.body + "".join(str(each[0]) for each in getattr(message, "alternatives", []))
        assert f":{port}" not in text and "shop.example:8000" in text
        assert all(link.startswith("http://shop.example:8000/") for link in re.findall(r"http\S+", text))


@pytest.mark.django_db(transaction=True)
def test_a_checkout_answers_where_it_came_from_and_mails_lead_to_the_known_port(client):
    showtime = make_showtime()
    host = {"Host": "shop.example:1234"}
    base = f"/api/showtimes/{showtime.pk}"
    client.put(f"{base}/lock/", '{"seats": ["A1"]}', content_type="application/json", headers=host, **HERE)
    body = '{"email": "alice@example.com"}'
    for port in ("0", "99999"):
        bad = {"Host": f"shop.example:{port}"}
        answer = client.post(f"{base}/checkout/", body, content_type="application/json", headers=bad, **HERE)
        assert (answer.status_code, answer.json()["type"]) == (422, "invalid")
    assert Booking.objects.get().status == "locked"
    answer = client.post(f"{base}/checkout/", body, content_type="application/json", headers=host, **HERE)
    assert answer.status_code == 201 and answer.json()["url"].startswith("http://shop.example:1234/payments/demo/")
    assert Booking.objects.get().origin == "http://shop.example:8000"
