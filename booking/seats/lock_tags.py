"""The tag of a lock: a short text that changes with its reference, its status and its seats, and with nothing else.

A request names the tags of the lock that it was made for (`If-Match`), so that a wish that was made in one tab of the
browser never undoes what another tab has done since. `booking.locks.decide` compares them while the lock is row-locked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

from booking.models import Booking

Tags = frozenset[str]

NO_LOCK = "none"
# With or without the quotes and the W/ of an entity tag: a client may also send the `tag` of the JSON as it is.
TAG = re.compile(r'(?:W/)?"([^"]*)"|([^\s",]+)')


def tag_of(booking: Booking | None, indices: Iterable[int]) -> str:
    """The tag of a live booking with these seats, in ascending order; `none` without one."""
    if booking is None:
        return NO_LOCK
    text = f"{booking.reference} {booking.status} {','.join(map(str, indices))}"
    return blake2b(text.encode(), digest_size=9).hexdigest()


def read_tags(header: str | None) -> Tags | None:
    """The tags in an `If-Match`, weak or strong; None if the request takes any lock: without the header, or for `*`.

    `*` is any, because there is always an answer to GET. A header without a tag names no lock, and nothing matches it.
    """
    if header is None or header.strip() == "*":
        return None
    return frozenset(quoted or bare for quoted, bare in TAG.findall(header))
