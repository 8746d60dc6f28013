"""What a copy needs before it may serve: tables, the demo programme, somebody who may look behind the scenes."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.management import call_command

from cinema.demo_staff import ensure_demo_staff
from cinema.models import Showtime


def prepare(*, collect_static: bool = False) -> None:
    """Repeatable: the second time changes nothing and takes a moment."""
    call_command("migrate", verbosity=0, interactive=False)
    if not Showtime.objects.exists():
        call_command("load_demo", verbosity=0)
    ensure_demo_staff()
    if collect_static:
        call_command("collectstatic", verbosity=0, interactive=False)


def main() -> int:
    """As a program, for a starter that keeps out of the database itself: `python -m realtime.launcher.preparing`."""
    import django
    from django.db import OperationalError

    django.setup()
    try:
        prepare(collect_static=not settings.DEBUG)
    except OperationalError as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
