"""One rule for mail addresses: the function itself, and each form that asks it."""

import json
from email.headerregistry import AddressHeader
from email.message import EmailMessage

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from bench.support.factories import make_showtime, make_user
from booking.models import Booking
from cinema.email_address import ascii_address, read_address
from payments.models import Payment

GOOD = [
    "alice@example.com",
    "a.b+c_d-e@sub.example.co.uk",
    "o'hara@example.com",
    "1@2.com",
    "-a@example.com",
    "mira@bücher.example",
    "mira@xn--bcher-kva.example",
    "a@" + "b" * 63 + ".com",
    "a" * 64 + "@example.com",
]
BAD = [
    "", "nobody", "@example.com", "a@", "a@b", "a@localhost", "a b@example.com", "a@exa mple.com", "a@@example.com",
    "a@[127.0.0.1]", "a@[IPv6:::1]", "a@127.0.0.1", "a@1.2.3.44", "a@12345", '"a b"@example.com', '"a"@example.com',
    '"a\x01b"@example.com', "a\x00@example.com", "a@example.com\x00", "a\x1b[2J@example.com", "a@example.com\n",
    "a@example.com\r\nBcc: b@example.com", "a@example.com\nb", "\ta@example.com", "a@exam\u200bple.com",
    "a@exam\u202eple.com", "a@exam\u2066ple.com", "a@example.com\u2028", "Alice <a@example.com>", "<a@example.com>",
    "a@example.com, b@example.com", "a@example.com;b@example.com", "a@example.com (x)", "mailto:a@example.com",
    ".a@example.com", "a.@example.com", "a..b@example.com", "a@-example.com", "a@example-.com", "a@example..com",
    "a@.example.com", "a@example.com.", "a@exam_ple.com", "ä@example.com", "a@example.c",
    "a" * 65 + "@example.com", "a@" + "b" * 64 + ".com", "a@" + ".".join(["b" * 60] * 5) + ".com",
    "x" * 250 + "@example.com",
]  # fmt: skip


@pytest.mark.parametrize("address", GOOD)
def test_an_address_that_mail_can_be_sent_to_is_accepted(address):
    assert read_address(f"  {address} ") == address
    message = EmailMessage()
    message["To"] = ascii_address(address)
    assert isinstance(message["To"], AddressHeader) and not message["To"].defects
    assert [each.addr_spec for each in message["To"].addresses] == [ascii_address(address)]


@pytest.mark.parametrize("address", BAD, ids=ascii)
def test_anything_else_is_refused_with_a_sentence(address):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        read_address(address)


@given(st.text(max_size=80) | st.from_regex(r"[^@]{1,20}@[^@]{1,20}\.[a-z]{2,4}", fullmatch=True))
def test_what_is_accepted_is_one_address_in_a_header(text):
    try:
        address = read_address(text)
    except ValueError:
        return
    message = EmailMessage()
    message["To"] = ascii_address(address)
    assert len(message["To"].addresses) == 1 and not message["To"].defects
    assert message.as_bytes().count(b"\n") == 2  # the header and the end


DOORS = ["a@[127.0.0.1]", '"a\x01b"@example.com', "a\x1b@example.com", "a@example.com\r\nBcc: b@example.com",
         "Alice <a@example.com>", "a@exam\u202eple.com", "a@127.0.0.1", "a" * 65 + "@example.com"]  # fmt: skip


@pytest.fixture
def buyer(client):
    """A client with a lock on A1 of `buyer.showtime`."""
    client.showtime = make_showtime()
    path = f"/api/showtimes/{client.showtime.pk}/lock/"
    assert client.put(path, '{"seats": ["A1"]}', content_type="application/json").status_code == 200
    return client


def sales():
    return list(Booking.objects.values()), list(Payment.objects.values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", DOORS, ids=ascii)
def test_checkout_refuses_it_as_json_and_as_a_form_and_changes_nothing(buyer, address):
    before = sales()
    path = f"/showtimes/{buyer.showtime.pk}/checkout/"
    answer = buyer.post(f"/api{path}", json.dumps({"email": address}), content_type="application/json")
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "invalid")
    assert problem["errors"].keys() == {"email"} and problem["detail"].startswith("A")
    page = buyer.post(path, {"email": address}, follow=True)
    assert page.redirect_chain == [(path, 303)] and problem["detail"] in page.content.decode().replace("&#x27;", "'")
    assert sales() == before


@pytest.mark.django_db
@pytest.mark.parametrize("address", DOORS, ids=ascii)
def test_sign_up_refuses_it(client, address):
    answer = client.post(reverse("account_signup"), {"email": address, "password1": "a long password 1"})
    assert answer.status_code == 200 and answer.context["form"].errors.keys() >= {"email"}
    assert not get_user_model().objects.exists() and not mail.outbox


@pytest.mark.django_db
@pytest.mark.parametrize("address", DOORS, ids=ascii)
def test_a_change_of_address_refuses_it(client, address):
    user = make_user("alice@example.com")
    client.post(reverse("account_login"), {"login": user.email, "password": "a long password 1"})
    client.get(reverse("account_email"))  # stores the account's own address as one of allauth's rows
    before = list(EmailAddress.objects.values())
    answer = client.post(reverse("account_email"), {"email": address, "action_add": ""})
    assert answer.status_code == 200 and answer.context["form"].errors.keys() == {"email"}
    assert list(EmailAddress.objects.values()) == before
    assert get_user_model().objects.get().email == "alice@example.com"


@pytest.mark.django_db
@pytest.mark.parametrize("address", DOORS, ids=ascii)
def test_the_admin_refuses_it_for_an_account_and_for_an_address(address):
    boss, user = Client(), make_user("alice@example.com")
    boss.force_login(get_user_model().objects.create_superuser("boss@example.com", "boss@example.com", "x"))
    joined = timezone.now()
    form = {"username": user.username, "email": address, "is_active": "on",
            "date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}  # fmt: skip
    page = boss.post(reverse("admin:auth_user_change", args=[user.pk]), form)
    assert page.status_code == 200 and page.context["adminform"].form.errors.keys() == {"email"}
    page = boss.post(reverse("admin:account_emailaddress_add"), {"user": user.pk, "email": address})
    assert page.status_code == 200 and page.context["adminform"].form.errors.keys() == {"email"}
    assert not EmailAddress.objects.exists()
    assert (
        boss.post(reverse("admin:auth_user_change", args=[user.pk]), form | {"email": "b@example.com"}).status_code
        == 302
    )
