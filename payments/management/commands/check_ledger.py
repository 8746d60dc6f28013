"""`manage.py check_ledger`: check the sums of all money, tickets and seats, and name every difference."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from booking.models import Booking
from payments.ledger_audit import find_differences
from payments.models import LedgerEntry, Payment, Refund


class Command(BaseCommand):
    help = "Adds up ledger, payments, refunds, bookings, tickets and seats. Ends with 1 and names each difference."

    def handle(self, *args: Any, **options: Any) -> None:
        differences = find_differences()
        for difference in differences:
            self.stdout.write(difference)
        if differences:
            raise CommandError(f"{len(differences)} differences. Nothing was changed.", returncode=1)
        counted = {
            "bookings": Booking.objects.count(),
            "payments": Payment.objects.count(),
            "refunds": Refund.objects.count(),
            "lines": LedgerEntry.objects.count(),
        }
        self.stdout.write("No difference: " + ", ".join(f"{n} {what}" for what, n in counted.items()) + ".")
