"""The limit of open files of a process. Needs no settings: the clients of the benchmarks raise theirs too."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger(__name__)

MOST_SOCKETS = 20_000  # no more than a process can send a frame to in half a second


def allow_files() -> int:
    """Raise this process's limit of open files as far as allowed; returns the limit."""
    if sys.platform == "win32":
        return 2 * MOST_SOCKETS  # no such limit there
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_SOCKETS * 5 // 4
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        except (OSError, ValueError) as error:  # some systems allow less than their hard limit
            log.warning("the limit of open files stays at %s: %s", soft, error)
    return wanted if soft == resource.RLIM_INFINITY else soft
