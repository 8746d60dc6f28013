"""The staff account of a demo; each installation has a password of its own."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model

from cinema.environment import kept_secret

EMAIL = "staff@example.com"


def demo_staff_password() -> str:
    """DEMO_STAFF_PASSWORD, or else a random one that is created once and stored in DATA_DIR."""
    return settings.DEMO_STAFF_PASSWORD or kept_secret(settings.DATA_DIR / "demo_staff_password", length=9)


def ensure_demo_staff() -> bool:
    """Create the account, or update its password. Only with DEBUG or demo payments; elsewhere it returns False."""
    if not (settings.DEBUG or settings.DEMO_PAYMENTS):
        return False
    password = demo_staff_password()
    user, _ = get_user_model().objects.get_or_create(username="staff", defaults={"email": EMAIL})
    if not (user.is_staff and user.is_superuser and user.check_password(password)):
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
    EmailAddress.objects.update_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    return True
