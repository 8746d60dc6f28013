"""The reference client: what a viewer of a seat map does with each frame, pure, without socket or clock.

The browser's `static/js/seat-state.js` obeys the same golden vectors (`vectors.json`). The rules:

hello      other epoch, or `v` below mine: drop my state. Same epoch and same `v`: live (nothing more follows).
snapshot   wrong digest: not live, ask for another (`sync` with v -1). Same epoch and older than mine: ignore.
           Else it is my state, and I am live.
delta      `v` <= mine: ignore. `from` <= mine < `v`: set the absolute states, live. `from` > mine, or I have no
           state: not live, `sync` once (v -1 without state).
heartbeat  `v` above mine: a frame is missing: not live, `sync`. Same `v`, other digest: not live, `sync` with v -1.
           Same `v` and digest: live exactly when `ok` and `age` <= 10 s. `v` below mine: nothing.
bye        not live.
anything else is ignored.

After a wrong digest only a snapshot (or an equal digest) makes it live again. One `sync` is sent, then none until its
answer has come, except one for a snapshot (v -1). The layer around it repeats a `sync` without an answer.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]
OLDEST_AGE = 10_000  # ms since the server asked its database


def digest_of(state: str) -> int:
    return zlib.crc32(state.encode("ascii"))


@dataclass
class ReferenceClient:
    epoch: str | None = None
    v: int = -1
    state: str | None = None
    live: bool = False
    send: list[Frame] = field(default_factory=list)
    acks: list[Frame] = field(default_factory=list)
    asked: int | None = None  # the v of the sync without an answer so far
    frames: int = 0

    def receive(self, frame: Frame) -> None:
        getattr(self, f"on_{frame['type']}", lambda frame: None)(frame)
        self.frames += 1
        if frame["type"] == "heartbeat" or self.frames % 64 == 0:
            self.acks.append({"type": "ack", "v": self.v})

    def on_hello(self, frame: Frame) -> None:
        self.asked = None
        if self.epoch != frame["epoch"] or frame["v"] < self.v:
            self.epoch, self.v, self.state = frame["epoch"], -1, None
        self.live = self.state is not None and self.v == frame["v"]

    def on_snapshot(self, frame: Frame) -> None:
        if digest_of(frame["state"]) != frame["digest"]:
            return self.ask(-1)
        if frame["epoch"] == self.epoch and frame["v"] < self.v:
            return None
        self.epoch, self.v, self.state = frame["epoch"], frame["v"], frame["state"]
        self.live, self.asked = True, None

    def on_delta(self, frame: Frame) -> None:
        if self.state is None:
            return self.ask(-1)
        if frame["v"] <= self.v:
            return None
        if frame["from"] > self.v:
            return self.ask(self.v)
        letters = list(self.state)
        for letter, seats in frame["seats"].items():
            for seat in seats:
                letters[seat] = letter
        self.state, self.v = "".join(letters), frame["v"]
        if self.asked != -1:
            self.live, self.asked = True, None

    def on_heartbeat(self, frame: Frame) -> None:
        if self.state is None or frame["v"] > self.v:
            return self.ask(-1 if self.state is None else self.v)
        if frame["v"] == self.v:
            if frame["digest"] != digest_of(self.state):
                return self.ask(-1)
            self.live, self.asked = bool(frame["ok"]) and frame["age"] <= OLDEST_AGE, None

    def on_bye(self, frame: Frame) -> None:
        self.live = False

    def ask(self, v: int) -> None:
        self.live = False
        if self.asked is None or (v == -1 and self.asked != -1):
            self.asked = v
            self.send.append({"type": "sync", "epoch": self.epoch, "v": v})
