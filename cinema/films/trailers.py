"""Players of trailers, loaded only on request, from hosts that set no cookies before that."""

from __future__ import annotations

import re

# The hosts must be in `frame-src` of the content security policy.
PLAYERS = (
    (
        re.compile(r"https?://(?:www\.|m\.)?youtube\.com/watch\?(?:.*&)?v=([\w-]{6,20})(?:&.*)?"),
        "https://www.youtube-nocookie.com/embed/{}",
    ),
    (re.compile(r"https?://youtu\.be/([\w-]{6,20})(?:\?.*)?"), "https://www.youtube-nocookie.com/embed/{}"),
    (re.compile(r"https?://(?:www\.)?vimeo\.com/(\d{4,12})(?:\?.*)?"), "https://player.vimeo.com/video/{}?dnt=1"),
)


def player_of(address: str) -> str:
    """The address of an embedded player for this trailer; "" for a host without one."""
    for pattern, player in PLAYERS:
        if found := pattern.fullmatch(address):
            return player.format(found[1])
    return ""
