"""Visitors: a random id in the session of a guest; after log-in the id of the account."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.http import HttpRequest

from booking.models import AccountVisitor

SESSION_KEY = "visitor"


def new_visitor() -> uuid.UUID:
    """A random id."""
    return uuid.uuid4()


def visitor_of(request: HttpRequest) -> uuid.UUID | None:
    """The visitor of this session; None if it never had one. Writes nothing."""
    value = request.session.get(SESSION_KEY)
    return uuid.UUID(value) if value else None


def visitor_or_new(request: HttpRequest) -> uuid.UUID:
    """The visitor of this session; without one the account's, or a new one.

    Nothing is stored: `remember_visitor` when seats were locked. So a refused request leaves no session, and two first
    requests of one browser at once are two visitors.
    """
    visitor = visitor_of(request)
    if visitor is None:
        user = request.user
        visitor = account_visitor(user) if user.is_authenticated else new_visitor()
    return visitor


def remember_visitor(request: HttpRequest, visitor: uuid.UUID) -> None:
    """Make this the visitor of the session, which begins if there is none."""
    if visitor_of(request) != visitor:
        request.session[SESSION_KEY] = str(visitor)


def is_staff(request: HttpRequest) -> bool:
    """Whether staff are asking. A query for whoever is signed in, at the first call of a request."""
    return bool(getattr(request.user, "is_staff", False))


def account_visitor(user: User) -> uuid.UUID:
    """The visitor of an account, the same in every browser. Created at the first call; two calls at once get one id."""
    row, _ = AccountVisitor.objects.get_or_create(user=user, defaults={"visitor": new_visitor()})
    return row.visitor
