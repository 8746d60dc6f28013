"""The adapter of allauth's second factor: encrypted secrets, the QR code, texts of errors."""

from __future__ import annotations

import base64
import io
from typing import ClassVar

import segno
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cinema.web.problems import Refusal


class UnreadableFactor(Refusal):
    """The secret was encrypted by a SECRET_KEY that is no longer known."""

    status, title = 409, "This second factor cannot be read any more"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    error_messages: ClassVar[dict[str, str | Promise]] = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": gettext_lazy("This second factor cannot be turned off."),
        "cannot_generate_recovery_codes": gettext_lazy("Set up the app first; its recovery codes come with it."),
        "incorrect_code": gettext_lazy(
            "That is not the code. Look whether it has changed, and type the one shown now."
        ),
        "used_code": gettext_lazy("That code has been used. Wait for the next one; it comes within half a minute."),
        "unverified_email": gettext_lazy("Confirm your e-mail address first: it is the way back into your account."),
    }

    def build_totp_svg(self, url: str) -> str:
        """The QR code, dark on white with its quiet zone, by the library that draws the tickets."""
        drawn = io.BytesIO()
        segno.make(url, error="m", micro=False).save(
            drawn, kind="svg", xmldecl=False, omitsize=True, border=4, dark="#141414", light="#ffffff"
        )
        return drawn.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return secret_box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises UnreadableFactor if no key of today or of SECRET_KEY_FALLBACKS wrote it."""
        try:
            return secret_box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            words = _("The shop's key has changed. Ask whoever runs it to remove the factor: remove_second_factor.")
            raise UnreadableFactor(words) from None


def secret_box() -> MultiFernet:
    """Encrypts with a key derived from SECRET_KEY; decrypts with those of SECRET_KEY_FALLBACKS too."""
    return MultiFernet([Fernet(_derive(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derive(key: str | bytes) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cinema.accounts.second_factor")
    return base64.urlsafe_b64encode(derived.derive(force_bytes(key)))
