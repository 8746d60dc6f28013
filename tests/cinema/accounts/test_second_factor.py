"""The second factor: set-up, log-in, recovery codes, codes taken once, guesses, rotation of the secret key."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench.support.factories import make_showtime, make_user
from booking.locks import lock_seats
from booking.models import Booking
from booking.visitors import SESSION_KEY as VISITOR
from booking.visitors import account_visitor, new_visitor
from cinema.accounts.staff import staff_sessions
from tests.cinema.accounts.codes import PASSWORD, code_of, give_code, recovery_codes, set_up, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 6, 10, 12, 0, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    """Stands still; `clock.shift` moves it."""
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


@pytest.fixture
def alice():
    return make_user("alice@example.com", staff=True)


@pytest.fixture
def secret(alice, clock):
    """Alice's second factor, set up half a minute ago in another browser."""
    client = Client()
    sign_in(client)
    secret = set_up(client)
    mail.outbox.clear()
    clock.shift(60)
    return secret


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_it_is_set_up_with_a_code_of_the_app_and_gives_ten_recovery_codes(alice, client):
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    assert "data:image/svg+xml;base64," in page and "otpauth://totp/alice%40example.com?secret=" in page
    assert "issuer=BookMySeat" in page
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")
    wrong = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret, steps=7)}).content.decode()
    assert "That is not the code" in wrong and read_secret_of(wrong) == secret, "the same key is shown again"
    client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert len(set(recovery_codes(client))) == 10
    assert mail.outbox[-1].subject == "BookMySeat: Your second factor is on"
    assert "10 left" in client.get(reverse("mfa_index")).content.decode()


def read_secret_of(page):
    return re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")


def test_setting_it_up_needs_the_password_again_and_a_confirmed_address(alice, client):
    sign_in(client)
    assert client.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))
    alice.emailaddress_set.create(email=alice.email, primary=True, verified=False)
    page = client.get(reverse("mfa_activate_totp"), follow=True).content.decode()
    assert "Confirm your e-mail address first" in page


def test_the_password_alone_signs_nobody_in(alice, secret, client):
    answer = sign_in(client)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.get("/staff/board/")["Location"].startswith("/accounts/login/")
    assert staff_sessions([client.session.session_key]) == set(), "nor is its socket one of staff"


def test_the_code_finishes_the_log_in_and_leads_where_it_began(alice, secret, client):
    sign_in(client, next="/bookings/")
    assert give_code(client, code_of(secret))["Location"] == "/bookings/"
    assert is_signed_in(client)
    assert staff_sessions([client.session.session_key]) == {client.session.session_key}


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_that_is_half_a_minute_off_is_borne(alice, secret, client, steps):
    sign_in(client)
    give_code(client, code_of(secret, steps=steps))
    assert is_signed_in(client)


@pytest.mark.parametrize("steps", [-2, 2])
def test_an_older_or_later_code_is_wrong(alice, secret, client, steps):
    sign_in(client)
    assert "That is not the code" in give_code(client, code_of(secret, steps=steps)).content.decode()
    assert not is_signed_in(client)


def test_a_code_is_taken_once_also_after_the_cache_is_gone(alice, secret, client, clock):
    from django.core.cache import cache

    code = code_of(secret)
    sign_in(client)
    give_code(client, code)
    for seconds in (0, 29):
        clock.shift(seconds)
        cache.clear()
        thief = Client()
        sign_in(thief)
        assert "has been used" in give_code(thief, code).content.decode()
        assert not is_signed_in(thief)


def test_after_a_code_the_one_before_it_is_not_taken_either(alice, secret, client):
    sign_in(client)
    give_code(client, code_of(secret, steps=1))
    thief = Client()
    sign_in(thief)
    give_code(thief, code_of(secret))
    assert not is_signed_in(thief)


def test_the_code_of_the_set_up_does_not_sign_in(alice, client):
    sign_in(client)
    code = code_of(set_up(client))
    thief = Client()
    sign_in(thief)
    assert "has been used" in give_code(thief, code).content.decode()


def test_guesses_are_counted_by_account_and_not_by_address(alice, secret):
    for n in range(5):
        client = Client(REMOTE_ADDR=f"198.51.100.{n}")
        sign_in(client)
        assert "That is not the code" in give_code(client, "000000").content.decode()
    client = Client(REMOTE_ADDR="198.51.100.99")
    sign_in(client)
    assert "wrong too often" in give_code(client, code_of(secret)).content.decode()
    assert not is_signed_in(client)


def test_twenty_codes_an_hour_can_be_guessed_at_most(alice, secret, clock):
    looked_at = 0
    for _ in range(10):
        client = Client()
        sign_in(client)
        for _ in range(6):
            looked_at += "That is not the code" in give_code(client, "000000").content.decode()
        clock.shift(301)
    assert looked_at == 20


def test_a_recovery_code_signs_in_once(alice, client, clock):
    sign_in(client)
    set_up(client)
    code = recovery_codes(client)[0]
    for expected in (True, False):
        other = Client()
        sign_in(other)
        give_code(other, code)
        assert is_signed_in(other) is expected
    assert len(recovery_codes(client)) == 9
    assert client.get(reverse("mfa_download_recovery_codes")).content.decode().count("\n") >= 9


def test_new_recovery_codes_void_the_old(alice, client):
    sign_in(client)
    set_up(client)
    old = recovery_codes(client)
    client.post(reverse("mfa_generate_recovery_codes"))
    assert not set(old) & set(recovery_codes(client))
    other = Client()
    sign_in(other)
    give_code(other, old[0])
    assert not is_signed_in(other)
    assert mail.outbox[-1].subject == "BookMySeat: You have new recovery codes"


@pytest.mark.parametrize(
    "name", ["mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "account_change_password"]
)
def test_a_stolen_session_and_a_known_password_do_not_change_the_factor(alice, secret, client, clock, name):
    sign_in(client)
    give_code(client, code_of(secret))
    clock.shift(301)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    if name != "account_change_password":  # it asks for the old password itself
        assert client.get(reverse(name))["Location"].startswith(reverse("mfa_reauthenticate"))
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=alice, type="totp").exists()


def test_it_is_turned_off_after_its_code_and_a_mail_says_so(alice, secret, client, clock):
    sign_in(client)
    give_code(client, code_of(secret))
    clock.shift(301)
    client.post(reverse("mfa_reauthenticate"), {"code": code_of(secret)})
    assert "Your second factor is off." in client.post(reverse("mfa_deactivate_totp"), follow=True).content.decode()
    assert not Authenticator.objects.filter(user=alice).exists(), "the recovery codes go with it"
    assert mail.outbox[-1].subject == "BookMySeat: Your second factor is off"
    other = Client()
    assert sign_in(other)["Location"] == "/bookings/"


def test_the_seats_of_a_guest_are_adopted_after_the_code_and_not_before(alice, secret, client):
    guest = new_visitor()
    showtime = make_showtime(starts_in=timedelta(hours=5))
    session = client.session
    session[VISITOR] = str(guest)
    session.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = session.session_key
    lock_seats(showtime_id=showtime.pk, visitor=guest, labels=["A1", "A2"], at=timezone.now())
    sign_in(client)
    assert Booking.objects.get().visitor == guest
    give_code(client, code_of(secret))
    assert Booking.objects.get().visitor == account_visitor(alice)
    assert client.session[VISITOR] == str(account_visitor(alice))


def test_a_browser_is_known_after_the_code_and_not_before(alice, secret, client):
    sign_in(client)
    assert django_settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies
    give_code(client, code_of(secret))
    assert client.cookies[django_settings.KNOWN_BROWSER_COOKIE_NAME].value


def test_a_new_password_by_mail_does_not_go_round_the_code(alice, secret, client):
    client.post(reverse("account_reset_password"), {"email": alice.email})
    form = client.get(re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[-1].body)[1], follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "another long 2", "password2": "another long 2"})
    assert not is_signed_in(client)
    data = {"login": alice.email, "password": "another long 2"}
    assert client.post(reverse("account_login"), data)["Location"] == reverse("mfa_authenticate")


def test_the_database_alone_does_not_tell_the_secrets(alice, secret, client):
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        stored = " ".join(str(row[0]) for row in cursor.fetchall())
    assert secret not in stored and stored.count("gAAAA") == 2


def test_a_rotated_secret_key_keeps_the_factor_and_a_log_in_encrypts_it_anew(alice, secret, client, settings, clock):
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key that is long enough to sign with"
    settings.SECRET_KEY_FALLBACKS = [old]
    sign_in(client)
    give_code(client, code_of(secret))
    assert is_signed_in(client)
    settings.SECRET_KEY_FALLBACKS = []
    clock.shift(60)
    other = Client()
    sign_in(other)
    give_code(other, code_of(secret))
    assert is_signed_in(other)
    other.post(reverse("mfa_reauthenticate"), {"code": code_of(secret, steps=1)})
    assert len(recovery_codes(other)) == 10, "they were encrypted anew too"


def test_a_lost_secret_key_is_said_and_lets_nobody_in(alice, secret, client, settings):
    settings.SECRET_KEY = "another key that is long enough to sign with"
    sign_in(client)
    answer = give_code(client, "000000")
    assert answer.status_code == 409 and "remove_second_factor" in answer.content.decode()
    assert not is_signed_in(client)


def test_the_command_removes_a_lost_factor(alice, secret, client, capsys):
    call_command("remove_second_factor", "Alice@example.com")
    assert "signs in with the password alone" in capsys.readouterr().out
    assert sign_in(client)["Location"] == "/bookings/"
    for email, words in (("alice@example.com", "has no second factor"), ("nobody@example.com", "No account")):
        with pytest.raises(CommandError, match=words):
            call_command("remove_second_factor", email)


def test_customers_may_have_one_too(client, clock):
    make_user("mira@example.com")
    sign_in(client, "mira@example.com")
    secret = set_up(client)
    clock.shift(60)
    other = Client()
    assert sign_in(other, "mira@example.com")["Location"] == reverse("mfa_authenticate")
    assert give_code(other, code_of(secret)).status_code == 302 and is_signed_in(other)


def test_a_half_finished_log_in_ends_after_a_quarter_of_an_hour(alice, secret, client, clock):
    sign_in(client)
    clock.shift(15 * 60 + 1)
    assert give_code(client, code_of(secret))["Location"] == reverse("account_login")
    assert not is_signed_in(client)


def test_the_page_of_the_code_without_a_password_leads_to_the_log_in(alice, secret, client):
    assert client.get(reverse("mfa_authenticate"))["Location"] == reverse("account_login")
