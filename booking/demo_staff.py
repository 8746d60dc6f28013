"""The demo's member of staff, who opens the board, the doors and the back office."""

from __future__ import annotations

import secrets

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model

EMAIL = "staff@example.com"
KEPT = "demo_staff_password"


def ensure_demo_staff() -> tuple[str, str]:
    """Make the demo's staff account if there is none.

    The password is DEMO_STAFF_PASSWORD when that is set, and else a random one, kept in DATA_DIR. A password that
    somebody has changed by hand is left alone unless DEMO_STAFF_PASSWORD says otherwise.

    Returns:
        The e-mail address to log in with, and the password; "" when it is one that only its owner knows.
    """
    users = get_user_model().objects
    wanted = settings.DEMO_STAFF_PASSWORD or _kept_password()
    user = users.filter(email__iexact=EMAIL).first()
    if user is None:
        wanted = wanted or _keep(secrets.token_urlsafe(9))
        user = users.create_superuser(username=EMAIL, email=EMAIL, password=wanted)
    elif not (wanted and user.check_password(wanted)):
        if not settings.DEMO_STAFF_PASSWORD:
            return EMAIL, ""
        user.set_password(wanted)
        user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    return EMAIL, wanted


def _kept_password() -> str:
    file = settings.DATA_DIR / KEPT
    return file.read_text().strip() if file.exists() else ""


def _keep(password: str) -> str:
    file = settings.DATA_DIR / KEPT
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(password + "\n")
    return password
