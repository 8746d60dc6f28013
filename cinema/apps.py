from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class CinemaConfig(AppConfig):
    name = "cinema"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cinema.accounts import known_browsers, second_factor, sign_in_limits
        from cinema.web import converters

        known_browsers.connect()
        sign_in_limits.connect()
        second_factor.connect()
        converters.register()
        post_migrate.connect(make_cache_table, sender=self, dispatch_uid="cinema.cache_table")


def make_cache_table(using: str, **kwargs: Any) -> None:
    """Let `migrate` create the table of the rate limits that several processes share, if it does not exist."""
    from django.core.management import call_command

    call_command("createcachetable", database=using, verbosity=0)


class BackOfficeConfig(AdminConfig):
    default_site = "cinema.accounts.admin_site.BackOffice"
