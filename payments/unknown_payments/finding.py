"""Which sessions at the gateway are of this shop and not in its database, and the alerts of those that were paid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http.request import split_domain_port, validate_host
from django.urls import NoReverseMatch, reverse

from cinema.currencies import format_money
from payments.gateways.interface import Session, read_session
from payments.ledger import raise_alert
from payments.models import MoneyAlert, Payment

KEY = re.compile(r"pay_[0-9a-f]{32}")  # of `Payment.idempotency_key`


@dataclass(frozen=True)
class UnknownPayment:
    """A session of this shop; `email` is the address that its buyer gave."""

    session: Session
    email: str

    @property
    def sum(self) -> str:
        """What was to be paid, in words."""
        return format_money(self.session.amount, self.session.currency)


def unknown_among(sessions: Iterable[Mapping[str, Any]], *, provider: str) -> list[UnknownPayment]:
    """Those of these sessions (the gateway's snapshots) that are this shop's and not in the database.

    List the sessions first, then call this: a payment's row is committed before its session is created.
    """
    own = {str(found["id"]): found for found in sessions if is_own(found)}
    here = Payment.objects.filter(provider=provider)
    known = set(here.filter(session_id__in=own).values_list("session_id", flat=True))
    waiting = payments_without_id(own.values(), provider=provider)
    return [
        _read(found) for name, found in own.items() if name not in known and found["metadata"]["payment"] not in waiting
    ]


def payments_without_id(sessions: Iterable[Mapping[str, Any]], *, provider: str) -> dict[str, Payment]:
    """The payments of these sessions whose session's id was never stored, by idempotency key.

    A process that died before it had stored the id leaves one, and so does a backup that was made at that moment.
    """
    keys = {str(found["metadata"]["payment"]) for found in sessions if is_own(found)}
    payments = Payment.objects.filter(provider=provider, session_id=None, idempotency_key__in=keys)
    return {payment.idempotency_key: payment for payment in payments.select_related("booking")}


def is_own(found: Mapping[str, Any]) -> bool:
    """Whether this shop created the session: by its metadata, and by the address to which the buyer returns.

    Another shop of the same account, such as one for tests, has other hosts.
    """
    metadata = found.get("metadata")
    if not isinstance(metadata, Mapping) or not KEY.fullmatch(str(metadata.get("payment"))):
        return False
    reference = str(metadata.get("reference"))
    try:
        page = urlsplit(str(found.get("success_url") or ""))
        path = reverse("payments:return", args=[reference])
    except (ValueError, NoReverseMatch):
        return False
    host, _port = split_domain_port(page.netloc)
    return page.path == path and validate_host(host, settings.ALLOWED_HOSTS)


def alert_if_unknown(found: Mapping[str, Any], *, provider: str, at: datetime) -> bool:
    """Raise an alert, in the caller's transaction, for a paid session that the database does not know.

    Returns:
        Whether it is one. Its money is given back by `reconcile_after_restore`, which a person starts.

    Raises:
        KeyError, TypeError, ValueError: `found` is no session.
    """
    unknown = [each for each in unknown_among([found], provider=provider) if each.session.is_paid]
    for each in unknown:
        alert_unknown(each, at=at)
    return bool(unknown)


def without_alert(unknown: Sequence[UnknownPayment]) -> list[UnknownPayment]:
    """Those for which no alert was raised yet, closed or not, by their discovery or by their end. One query."""
    subjects = [subject for each in unknown for subject in (subject_of(each), subject_of(each, "-settled"))]
    raised = set(MoneyAlert.objects.filter(subject__in=subjects).values_list("subject", flat=True))
    return [each for each in unknown if not {subject_of(each), subject_of(each, "-settled")} & raised]


def subject_of(unknown: UnknownPayment, end: str = "") -> str:
    """The subject of its alert."""
    return f"unknown-payment{end}:{unknown.session.id}"[:120]


@transaction.atomic
def alert_unknown(unknown: UnknownPayment, *, at: datetime) -> None:
    """Raise an alert, once for each session."""
    session = unknown.session
    raise_alert(
        subject=subject_of(unknown),
        kind="unknown-payment",
        text=f"{unknown.sum} was paid for {session.reference}, a booking that is not in the database "
        f"({session.payment_intent}). Was a backup restored? Run manage.py reconcile_after_restore: it refunds this.",
        at=at,
    )


def _read(found: Mapping[str, Any]) -> UnknownPayment:
    details = found.get("customer_details") or {}
    return UnknownPayment(read_session(found), str(details.get("email") or found.get("customer_email") or ""))
