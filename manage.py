#!/usr/bin/env python
"""Django's command line for BookMySeat."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cinema.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        # The cluster has settings of its own, and they are read once; on Windows it says that it cannot run.
        if sys.argv[1:2] == ["cluster"] and os.name == "posix":
            from realtime.launcher.production import prepare_environment

            prepare_environment()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"The settings do not hold: {error}")


if __name__ == "__main__":
    main()
