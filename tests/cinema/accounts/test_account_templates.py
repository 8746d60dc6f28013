"""Every page, message and mail that allauth can bring up is the house's own; none of the library's shows through."""

from pathlib import Path

import allauth
import pytest
from allauth.account.views import EmailVerificationSentView
from django.conf import settings
from django.template.loader import get_template
from django.urls import URLPattern, get_resolver

LIBRARY = Path(allauth.__file__).parent / "templates" / "account"
# Ways in that are turned off here: a code by telephone or mail, a key of the device.
ELSEWHERE = ("phone", "code", "passkey")
SHELLS = ("base_",)  # frames of the library's own pages; ours have `door.html`


def views():
    """{name: view class} of everything under /accounts/ that is allauth's."""
    found = {}
    for group in get_resolver("allauth.urls").url_patterns:
        for pattern in getattr(group, "url_patterns", [group]):
            if isinstance(pattern, URLPattern):
                found[pattern.name] = getattr(pattern.callback, "view_class", EmailVerificationSentView)
    return found


def templates_of(view):
    return {value for name in dir(view) if name.startswith("template_name") and (value := getattr(view, name))}


def is_ours(name):
    return Path(get_template(name).origin.name).is_relative_to(settings.BASE_DIR / "templates")


def is_used(name):
    return not any(word in name for word in ELSEWHERE) and not name.startswith(SHELLS)


def test_the_resolver_lists_the_pages_that_this_test_is_about():
    assert {"account_login", "account_signup", "account_email", "account_reauthenticate"} <= set(views())
    assert len(views()) >= 14


@pytest.mark.parametrize("name", sorted(set(views()) - {"account_confirm_login_code"}))
def test_the_page_of_each_address_is_ours(name):
    wanted = templates_of(views()[name])
    assert wanted and all(is_ours(template) for template in wanted), wanted


@pytest.mark.parametrize("folder", ["messages", "email"])
def test_each_message_and_each_mail_is_ours(folder):
    names = [file.name for file in (LIBRARY / folder).glob("*.txt") if is_used(file.name)]
    assert len(names) > 10
    assert [name for name in names if not is_ours(f"account/{folder}/{name}")] == []


def test_a_limit_that_is_reached_is_told_by_our_page():
    assert is_ours("429.html")


@pytest.mark.parametrize(
    "file", sorted((settings.BASE_DIR / "templates" / "account").rglob("*.*")), ids=lambda f: f.name
)
def test_no_text_of_ours_shouts_or_thanks_for_using_it(file):
    text = file.read_text()
    for word in ("!<", "!\n", "! ", "Oops", "Successfully", "Thank you for using", "allauth/"):
        assert word not in text, word
