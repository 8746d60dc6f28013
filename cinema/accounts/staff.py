"""Access control of staff pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from cinema.accounts.second_factor import lead_to_second_factor
from cinema.web.problems import Forbidden, is_api

P = ParamSpec("P")


def staff_page(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A view for staff only: anonymous users are redirected to sign in, other users get 403; in the API both do."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_staff and is_api(request):
            raise Forbidden("For staff only.")
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_staff:
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        response.setdefault("Cache-Control", "private, no-store")
        return response

    return guarded


def money_page(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A `staff_page` that moves money: where a second factor is a duty, whoever has not given it is led to it."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return lead_to_second_factor(request) or view(request, *args, **kwargs)

    return staff_page(guarded)


def staff_sessions(keys: Iterable[str]) -> set[str]:
    """The session keys that belong to signed-in staff now. Two queries, whatever their number.

    For long connections such as sockets: a user who signs out, loses the role or changes the password is not included.
    """
    signed_in: dict[str, dict[str, Any]] = {}
    for session in Session.objects.filter(session_key__in=set(keys), expire_date__gt=timezone.now()):
        signed_in[session.session_key] = session.get_decoded()
    ids = {data[SESSION_KEY] for data in signed_in.values() if SESSION_KEY in data}
    staff = {str(user.pk): user for user in User.objects.filter(pk__in=ids, is_staff=True, is_active=True)}
    return {
        key
        for key, data in signed_in.items()
        if (user := staff.get(data.get(SESSION_KEY, ""))) and _is_of_password(data.get(HASH_SESSION_KEY, ""), user)
    }


def _is_of_password(session_hash: str, user: User) -> bool:
    """Whether the session began with the user's password of now, under SECRET_KEY or one of its fallbacks."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, each) for each in hashes)
