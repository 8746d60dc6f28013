"""The link that confirms an address confirms that address and no other, also when a primary key is used again."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.urls import reverse

from bench.support.factories import make_user

pytestmark = pytest.mark.django_db


def test_after_a_restore_an_older_link_confirms_nobody_elses_address(client, mailoutbox):
    client.post(reverse("account_signup"), {"email": "alice@example.com", "password1": "a long password 1"})
    link = re.search(r"http://[^/]+(/accounts/confirm-email/\S+)", mailoutbox[0].body)[1]
    number = EmailAddress.objects.get().pk
    EmailAddress.objects.all().delete()  # rows put back by hand: what a restored backup leaves
    bob = EmailAddress.objects.create(pk=number, user=make_user("bob@example.com"), email="bob@example.com")
    client.post(link)
    bob.refresh_from_db()
    assert not bob.verified


def test_the_admin_shows_no_keys_of_such_links():
    assert "emailconfirmation" not in {model._meta.model_name for model in admin.site._registry}
