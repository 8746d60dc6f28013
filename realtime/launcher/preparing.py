"""Prepares the database before a start: migrations, and the demo's schedule while there is no other cinema."""

from __future__ import annotations

import io
import os
import sys


def prepare(*, collect_static: bool = False) -> None:
    """Repeatable: a second call only adds the demo's showtimes of newly reached days."""
    from django.core.management import call_command

    from cinema.demo.catalogue import CINEMAS
    from cinema.models import Cinema

    call_command("migrate", verbosity=0, interactive=False)
    if not Cinema.objects.exclude(name__in=CINEMAS).exists():
        call_command("load_demo", stdout=io.StringIO())
    if collect_static:
        call_command("collectstatic", verbosity=0, interactive=False)


def main() -> int:
    """`python -m realtime.launcher.preparing`, for the cluster's owner, which uses no database itself."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cinema.settings")
    import django
    from django.db import OperationalError

    django.setup()
    try:
        prepare(collect_static=True)
    except OperationalError as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
