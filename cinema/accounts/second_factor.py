"""The second factor of an account: whose duty it is, whether a session has given it, and codes that are taken once."""

from __future__ import annotations

import base64
import hmac
import re
import time
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from cinema.web.problems import Forbidden

LAST_STEP = "last_step"  # in the data of an authenticator: the half minute of the last code that was taken
STEP = 30  # seconds that a code is shown
GO_ON = "after_second_factor"  # in the session: the page that led to the set-up


def connect() -> None:
    authenticator_added.connect(on_added, dispatch_uid="cinema.accounts.second_factor")


def may_refund(user: User | AnonymousUser) -> bool:
    """Whether this person may give money back."""
    return user.is_active and user.is_staff


def is_duty_of(user: User | AnonymousUser) -> bool:
    return settings.STAFF_SECOND_FACTOR == "refunds" and may_refund(user)


def has_given(request: HttpRequest) -> bool:
    """Whether this session has given a second factor that the account still has. One query, if it ever gave one."""
    records = get_authentication_records(request, request.user)
    given = {record.get("id") for record in records if record.get("method") == "mfa"}
    return bool(given) and Authenticator.objects.filter(user=request.user, pk__in=given).exists()


def lead_to_second_factor(request: HttpRequest) -> HttpResponse | None:
    """A redirect to the step that this session lacks before it may move money; None if it lacks nothing."""
    if not is_duty_of(request.user) or has_given(request):
        return None
    page = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("account")
    if get_adapter().is_mfa_enabled(request.user):
        messages.info(request, _("Pages that move money ask for your code, once each time you sign in."))
        return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': page})}")
    messages.info(request, _("Pages that move money need a second factor. Setting it up takes two minutes."))
    request.session[GO_ON] = page
    return HttpResponseRedirect(reverse("mfa_activate_totp"))


def require_second_factor(request: HttpRequest) -> None:
    """The same for the API. Raises Forbidden."""
    if is_duty_of(request.user) and not has_given(request):
        raise Forbidden(_("Moving money needs your second factor in this session. Give it at /accounts/2fa/."))


def is_spent(user: User, code: str) -> bool:
    """Whether this is the code of a half minute whose code has been taken, or of one before it."""
    one = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    step = one and _step_of(one, code)
    return step is not None and one is not None and step <= one.data.get(LAST_STEP, -1)


def spend_code(authenticator: Authenticator, code: str) -> bool:
    """Take the code; False if it was taken before. Of two at once, one gets True.

    The row is the record, not the cache: a restart or a full cache does not make a code right again. The secrets of the
    account are encrypted anew by today's SECRET_KEY, so that a key of SECRET_KEY_FALLBACKS can be taken away some day.
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        step = _step_of(row, code)
        if step is None or step <= row.data.get(LAST_STEP, -1):
            return False
        row.data = _encrypted_anew(row.data) | {LAST_STEP: step}
        row.save(update_fields=["data"])
        authenticator.data = row.data
        recovery = Authenticator.objects.select_for_update().filter(user_id=row.user_id, type="recovery_codes").first()
        if recovery is not None:
            recovery.data = _encrypted_anew(recovery.data)
            recovery.save(update_fields=["data"])
    return True


def on_added(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """The code of the set-up counts as given by this session, and is taken."""
    if authenticator.type == Authenticator.Type.TOTP:
        spend_code(authenticator, request.POST.get("code", ""))
        record = {"method": "mfa", "at": time.time(), "id": authenticator.pk, "type": authenticator.type}
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [*get_authentication_records(request, user), record]


def remove_second_factor(user: User) -> int:
    """Remove every factor of the account; its sessions have given none from now on. Returns how many there were."""
    removed, _by_model = Authenticator.objects.filter(user=user).delete()
    return int(removed)


def _step_of(authenticator: Authenticator, code: str) -> int | None:
    """The half minute whose code this is, of those that are right now."""
    secret = get_adapter().decrypt(authenticator.data["secret"])
    digits, now = re.sub(r"[^0-9]", "", code), int(time.time()) // STEP
    steps = range(now - settings.MFA_TOTP_TOLERANCE, now + settings.MFA_TOTP_TOLERANCE + 1)
    return next((step for step in steps if constant_time_compare(digits, code_of(secret, step))), None)


def code_of(secret: str, step: int) -> str:
    """The six digits of this half minute since 1970 (RFC 6238 with SHA-1, as every app has it)."""
    digest = hmac.digest(base64.b32decode(secret, casefold=True), step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def _encrypted_anew(data: dict[str, Any]) -> dict[str, Any]:
    adapter = get_adapter()
    names = {"secret", "seed"} & data.keys()
    return data | {name: adapter.encrypt(adapter.decrypt(data[name])) for name in names}
