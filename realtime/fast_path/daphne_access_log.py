"""daphne: clean lines in the access log of its command, which it writes past the logging module.

Relies on daphne 4.2, undocumented: `AccessLogGenerator.write_entry` with its argument `request`. It is checked when
`clean_access_log` is called, once, in a serving process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from daphne.access import AccessLogGenerator

log = logging.getLogger(__name__)


def clean_access_log(clean: Callable[[str], str]) -> None:
    """Have the access log of the `daphne` command written with what `clean` makes of each request."""
    write = getattr(AccessLogGenerator, "write_entry", None)
    if write is None:
        log.warning("daphne's access log has no write_entry: it shows addresses as they were asked for")
        return

    @wraps(write)
    def write_entry(self: Any, host: str, date: Any, request: str, *args: Any, **options: Any) -> None:
        write(self, host, date, clean(request), *args, **options)

    AccessLogGenerator.write_entry = write_entry
