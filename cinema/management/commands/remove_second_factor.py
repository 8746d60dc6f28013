"""`manage.py remove_second_factor EMAIL`: for somebody who has lost the phone and the recovery codes."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.utils import filter_users_by_email
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cinema.accounts.second_factor import remove_second_factor

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Remove the second factor of an account, so that its password alone signs in. Make sure who is asking."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the address that the account signs in with")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        users = filter_users_by_email(email, prefer_verified=True)
        if not users:
            raise CommandError(f"No account signs in with {email}.")
        if not sum(remove_second_factor(user) for user in users):
            raise CommandError(f"The account of {email} has no second factor.")
        log.warning("accounts: the second factor of account %s was removed", ", ".join(str(user.pk) for user in users))
        self.stdout.write(f"{email} signs in with the password alone now, until a new second factor is set up.")
