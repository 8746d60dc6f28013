"""`manage.py reconcile_payments`: query the gateway about everything that may have changed, and print the results."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cinema.database import clock
from payments.reconciliation import Finding, reconcile_all


class Command(BaseCommand):
    help = "Compare payments and refunds with the gateway and mend the difference. Safe at any time, also twice."

    def handle(self, *args: Any, **options: Any) -> None:
        report = reconcile_all(at=clock.read())
        for line in table(report.findings):
            self.stdout.write(line)
        n_queried, n_changed, n_unanswered = len(report.findings), len(report.changes), len(report.unanswered)
        self.stdout.write(f"{n_queried} asked about, {n_changed} changed, {n_unanswered} without an answer")
        if n_unanswered:
            raise CommandError("Some questions got no answer. The loop goes on asking; or try again later.")


def table(findings: list[Finding]) -> list[str]:
    """A line per finding, in columns; nothing without findings."""
    rows = [("what", "here", "now"), *((found.subject, found.before, found.after) for found in findings)]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return [f"{what:<{widths[0]}}  {here:<{widths[1]}}  {now}" for what, here, now in rows] if findings else []
