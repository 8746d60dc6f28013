"""Trailers: shown in our page only when somebody asks, from hosts that set no cookies before."""

from __future__ import annotations

import re

# As the content policy allows them to be framed.
PLAYERS = (
    (
        re.compile(r"https?://(?:www\.|m\.)?youtube\.com/watch\?(?:.*&)?v=([\w-]{6,20})(?:&.*)?"),
        "https://www.youtube-nocookie.com/embed/{}",
    ),
    (re.compile(r"https?://youtu\.be/([\w-]{6,20})(?:\?.*)?"), "https://www.youtube-nocookie.com/embed/{}"),
    (re.compile(r"https?://(?:www\.)?vimeo\.com/(\d{4,12})(?:\?.*)?"), "https://player.vimeo.com/video/{}?dnt=1"),
)


def player_of(address: str) -> str:
    """The address of a player for this trailer; "" for one that we cannot show in our page."""
    for pattern, player in PLAYERS:
        if found := pattern.fullmatch(address):
            return player.format(found[1])
    return ""
