"""The account that a demo copy shows its visitors: staff, with a password that only this copy knows."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model

from cinema.environment import kept_secret

EMAIL = "staff@example.com"


def demo_staff_password() -> str:
    """The setting, else a random one made once and kept in DATA_DIR."""
    return settings.DEMO_STAFF_PASSWORD or kept_secret(settings.DATA_DIR / "demo_staff_password", length=9)


def ensure_demo_staff() -> bool:
    """Makes the account, or gives it the password of the setting. Only a demo has it: False elsewhere."""
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
