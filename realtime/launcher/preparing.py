"""What a copy needs before it may serve: tables, and the demo programme as long as nobody has a house of their own."""

from __future__ import annotations

import io
import os
import sys


def prepare(*, collect_static: bool = False) -> None:
    """Repeatable: the second time changes nothing but rolls the demo's week ahead, and takes a moment."""
    from django.core.management import call_command

    from cinema.demo.catalogue import CINEMAS
    from cinema.models import Cinema

    call_command("migrate", verbosity=0, interactive=False)
    if not Cinema.objects.exclude(name__in=CINEMAS).exists():
        call_command("load_demo", stdout=io.StringIO())
    if collect_static:
        call_command("collectstatic", verbosity=0, interactive=False)


def main() -> int:
    """As a program, for an owner that keeps out of the database itself: `python -m realtime.launcher.preparing`."""
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
