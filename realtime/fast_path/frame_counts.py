"""Counts frames and bytes on the hottest path: an identity test and an addition for each frame.

The viewers of a room are sent the same text object one after the other, so a run of it is counted and looked at only
when another text comes. Written in the hub's loop alone; read from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator


class FrameCounts:
    """What was sent one way: frames and bytes by kind of frame."""

    __slots__ = ("_known", "_run", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._run = 0
        self._known: dict[str, tuple[int, int]] = {}

    def count(self, text: str, viewers: int = 1) -> None:
        """One frame with this text was sent to each of `viewers` viewers."""
        if text is self._text:
            self._run += viewers
        else:
            self._add_run()
            self._text, self._run = text, viewers

    def _add_run(self) -> None:
        if self._run:
            self._known = self._with_run()
            self._run = 0

    def _with_run(self) -> dict[str, tuple[int, int]]:
        text, run = self._text, self._run
        if not run:
            return self._known
        frames, size = self._known.get(kind_of(text), (0, 0))
        return {**self._known, kind_of(text): (frames + run, size + run * len(text))}

    def by_kind(self) -> Iterator[tuple[str, int, int]]:
        """(kind, frames, bytes); at most one run out of date when read from another thread."""
        for kind, (frames, size) in self._with_run().items():
            yield kind, frames, size


def kind_of(text: str) -> str:
    """`delta` of `{"type":"delta",…`: every frame of ours begins so, and is ASCII, one byte a character."""
    return text[9 : text.index('"', 9)]


DIRECT, VIA_ASGI = FrameCounts(), FrameCounts()  # written to the transport directly; sent through ASGI
