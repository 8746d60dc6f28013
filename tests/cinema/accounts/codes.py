"""An authenticator app, for tests: RFC 6238 by itself, and a person who uses it."""

import base64
import hashlib
import hmac
import re
import struct
import time

from django.urls import reverse

PASSWORD = "a long password 1"


def code_of(secret, *, steps=0):
    """The six digits of now, or of so many half minutes later."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def sign_in(client, email="alice@example.com", next="/bookings/"):
    return client.post(reverse("account_login"), {"login": email, "password": PASSWORD, "next": next})


def give_code(client, code):
    return client.post(reverse("mfa_authenticate"), {"code": code})


def read_secret(client):
    """The key that the page of the set-up shows."""
    page = client.get(reverse("mfa_activate_totp"), follow=True).content.decode()
    return re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")


def set_up(client):
    """Turn it on for the signed-in user, who says the password again; returns the secret."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = read_secret(client)
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert answer.status_code == 302 and answer["Location"] == reverse("mfa_view_recovery_codes")
    return secret


def recovery_codes(client):
    """Those that the page shows."""
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    return re.findall(r"<code>(\d{4} \d{4})</code>", page)
