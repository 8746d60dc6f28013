"""Who is asking: a random id in the session, or the account's own once somebody is logged in."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.http import HttpRequest

from booking.models import AccountVisitor

SESSION_KEY = "visitor"


def new_visitor() -> uuid.UUID:
    return uuid.uuid4()


def visitor_of(request: HttpRequest) -> uuid.UUID | None:
    """The visitor behind this request, or None for somebody who never chose a seat. Writes nothing."""
    value = request.session.get(SESSION_KEY)
    return uuid.UUID(value) if value else None


def ensure_visitor(request: HttpRequest) -> uuid.UUID:
    """The visitor behind this request; made, and kept in the session, if there was none."""
    visitor = visitor_of(request)
    if visitor is None:
        user = request.user
        visitor = account_visitor(user) if user.is_authenticated else new_visitor()
        request.session[SESSION_KEY] = str(visitor)
    return visitor


def account_visitor(user: User) -> uuid.UUID:
    """The visitor an account is in every browser; made at the first call. Two at once get the same one."""
    row, _ = AccountVisitor.objects.get_or_create(user=user, defaults={"visitor": new_visitor()})
    return row.visitor
