"""`manage.py reconcile_after_restore --since INSTANT`: what the gateway knows and the restored database does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from booking.models import Booking
from cinema.database import clock
from payments.gateways.factory import gateway
from payments.gateways.interface import GatewayRefused, GatewayUnavailable
from payments.management.commands.reconcile_payments import table
from payments.models import Payment
from payments.reconciliation import NO_ANSWER, Finding, current_provider, reconcile_all
from payments.unknown_payments.finding import UnknownPayment, unknown_among
from payments.unknown_payments.giving_back import adopt_sessions, settle_unknown
from payments.unknown_payments.sent_mails import mails_without_booking

MARGIN = timedelta(hours=1)  # clocks differ, and a backup takes time


class Command(BaseCommand):
    help = (
        "After a restored backup: end and refund what buyers paid since it was made, record refunds made since, and "
        "name who has mails of bookings that are lost. Safe at any time, also twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            required=True,
            type=read_instant,
            help="when the backup was made, such as 2026-11-30T03:00 (in TIME_ZONE) or 2026-11-30T03:00Z",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, since: datetime, dry_run: bool, **options: Any) -> None:
        if since > clock.now():
            raise CommandError("--since lies in the future.")
        if "*" in settings.ALLOWED_HOSTS and not dry_run:
            raise CommandError(
                "ALLOWED_HOSTS=* names no host, so nothing tells this shop's payments from those of another shop in"
                " the same account, which must not be refunded. Name the hosts, such as"
                " ALLOWED_HOSTS=tickets.example.com python manage.py reconcile_after_restore …"
            )
        provider, at = current_provider(), clock.now()
        if provider == Payment.Provider.DEMO:
            self.stdout.write("Demo payments are kept in the same database: nobody else knows of any.")
        try:
            sessions = gateway(provider).recent_sessions(since - MARGIN, most=None)
        except (GatewayUnavailable, GatewayRefused) as error:
            raise CommandError(f"The gateway does not list its sessions: {error}. Nothing was changed.") from error
        findings = [] if dry_run else _reconcile(sessions, provider, since - MARGIN, at)
        unknown = unknown_among(sessions, provider=provider)
        for each in unknown:
            before = "paid" if each.session.is_paid else each.session.status
            after = "nothing was done" if dry_run else _settle(each, provider, at)
            findings.append(Finding(f"payment of {each.session.reference}, {each.sum}", f"unknown, {before}", after))
        for line in table(findings):
            self.stdout.write(line)
        self.stdout.write(f"{len(sessions)} sessions at the gateway, {len(unknown)} of them not in the database")
        self._name_buyers(unknown, findings)
        self._name_mails(since - MARGIN)
        if any(NO_ANSWER in found.after for found in findings):
            raise CommandError("Some questions got no answer. Run this again.")

    def _name_buyers(self, unknown: list[UnknownPayment], findings: list[Finding]) -> None:
        """Whom a person must write to: their mails and tickets are worth nothing any more."""
        if paid := [each for each in unknown if each.session.status == "complete"]:
            self.stdout.write("These buyers have tickets that open no door, and their seats are on sale again:")
        for each in paid:
            self.stdout.write(f"  {each.session.reference}  {each.email or 'address unknown'}  {each.sum}")
        references = {found.subject.rpartition(" ")[2] for found in findings if found.after in ("paid", "confirmed")}
        again = Booking.objects.filter(reference__in=references, status=Booking.Status.CONFIRMED).order_by("pk")
        if again:
            self.stdout.write("These are confirmed anew and get a new mail; the codes of an earlier one open no door:")
        for booking in again:
            self.stdout.write(f"  {booking.reference}  {booking.email}")

    def _name_mails(self, since: datetime) -> None:
        if settings.EMAIL_HOST:
            return
        if mails := mails_without_booking(settings.DATA_DIR / "mail", since=since):
            self.stdout.write("These mails tell of bookings that are not in the database:")
        for mail in mails:
            self.stdout.write(f"  {mail.reference}  {mail.to}  {mail.subject}")


def read_instant(text: str) -> datetime:
    """An ISO 8601 date and time; without an offset in TIME_ZONE. Raises ValueError."""
    found = parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _reconcile(sessions: list[dict[str, Any]], provider: str, since: datetime, at: datetime) -> list[Finding]:
    """What the database knows is brought to the gateway's state, with all refunds since then."""
    adopted = [
        Finding(f"payment of {payment.booking.reference}", "without a session", outcome)
        for payment, outcome in adopt_sessions(sessions, provider=provider, at=at)
    ]
    return adopted + reconcile_all(at=at, since=since).findings


def _settle(unknown: UnknownPayment, provider: str, at: datetime) -> str:
    try:
        return settle_unknown(unknown, provider=provider, at=at)
    except (GatewayUnavailable, GatewayRefused) as error:
        return f"{NO_ANSWER}: {error}"
