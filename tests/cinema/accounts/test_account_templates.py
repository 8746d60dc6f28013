"""Every page, message and mail of allauth has a template of our own."""

from pathlib import Path

import allauth
import pytest
from allauth.account.views import EmailVerificationSentView
from django.conf import settings
from django.template.loader import get_template
from django.urls import URLPattern, get_resolver

LIBRARY = Path(allauth.__file__).parent / "templates"
# Sign-in methods that are switched off: codes by phone or mail, passkeys and other security keys.
ELSEWHERE = ("phone", "login_code", "password_reset_code", "code_sent", "passkey", "webauthn")
SHELLS = ("base_",)  # base templates of the library; ours extend `sign_in_base.html`


def views():
    """{name: view class} of all URLs of allauth."""
    return {
        pattern.name: getattr(pattern.callback, "view_class", EmailVerificationSentView)
        for pattern in patterns_of(get_resolver("allauth.urls"))
    }


def patterns_of(group):
    for each in group.url_patterns:
        yield from [each] if isinstance(each, URLPattern) else patterns_of(each)


def templates_of(view):
    return {value for name in dir(view) if name.startswith("template_name") and (value := getattr(view, name))}


def is_ours(name):
    return Path(get_template(name).origin.name).is_relative_to(settings.BASE_DIR / "templates")


def is_used(name):
    return not any(word in name for word in ELSEWHERE) and not name.startswith(SHELLS)


def test_the_list_of_pages_is_not_empty():
    assert {"account_login", "account_signup", "account_email", "account_reauthenticate"} <= set(views())
    assert {"mfa_index", "mfa_authenticate", "mfa_activate_totp", "mfa_view_recovery_codes"} <= set(views())
    assert len(views()) >= 22


@pytest.mark.parametrize("name", sorted(set(views()) - {"account_confirm_login_code"}))
def test_the_template_of_each_page_is_ours(name):
    wanted = templates_of(views()[name])
    assert wanted and all(is_ours(template) for template in wanted), wanted


@pytest.mark.parametrize(
    ("folder", "least"), [("account/messages", 10), ("account/email", 10), ("mfa/messages", 3), ("mfa/email", 6)]
)
def test_the_template_of_each_message_and_mail_is_ours(folder, least):
    names = [file.name for file in (LIBRARY / folder).glob("*.txt") if is_used(file.name)]
    assert len(names) >= least
    assert [name for name in names if not is_ours(f"{folder}/{name}")] == []


def test_the_template_of_a_reached_limit_is_ours():
    assert is_ours("429.html")


FILES = [file for folder in ("account", "mfa") for file in (settings.BASE_DIR / "templates" / folder).rglob("*.*")]


@pytest.mark.parametrize("file", sorted(FILES), ids=lambda file: "-".join(file.parts[-2:]))
def test_texts_have_no_exclamation_marks_and_no_phrases_of_the_library(file):
    text = file.read_text()
    for word in ("!<", "!\n", "! ", "Oops", "Successfully", "Thank you for using", "allauth/"):
        assert word not in text, word
