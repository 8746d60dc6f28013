"""The wire protocol `bms.v1`: every frame that is sent or accepted. Pure. Described in docs/live-map.md."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

SUBPROTOCOL = "bms.v1"
LONGEST_INBOUND = 1024  # bytes
LARGEST_MESSAGE = 64 * 1024  # bytes; a longer one from a client is not read to its end
HIGHEST_VERSION = 2**63 - 1
FAILURE_RETRY = 5000  # ms


class Close(IntEnum):
    """Why the server closes a socket. 4000-4499: the client reconnects; 4500-4999: it does not."""

    TOO_LARGE = 1009  # the WebSocket protocol's own code
    SLOW = 4001
    DRAINING = 4003
    NO_ACK = 4004
    OVERLOAD = 4005
    SERVER_ERROR = 4006
    SESSION_ENDED = 4501
    FORBIDDEN = 4502
    GONE = 4504
    PROTOCOL = 4505
    BAD_MESSAGE = 4508


class BadMessage(Exception):
    """A client sent a frame that is not in the protocol; its socket is closed with `code`."""

    code, retry = Close.BAD_MESSAGE, 0


class TooLarge(BadMessage):
    """It is larger than LARGEST_MESSAGE: from a server that reads more than ours do, which close by themselves."""

    code, retry = Close.TOO_LARGE, FAILURE_RETRY


@dataclass(frozen=True, slots=True)
class Sync:
    """The version that the client has; answered with a delta from there or a snapshot. `v` -1: a snapshot."""

    epoch: str | None
    v: int


@dataclass(frozen=True, slots=True)
class Ack:
    """The client has read everything up to version `v`."""

    v: int


def parse(message: str | bytes | None) -> Sync | Ack:
    """A frame of a client. Raises BadMessage when it is binary, too long, unreadable or unknown."""
    size = len(message.encode("utf-8", "replace") if isinstance(message, str) else message or b"")
    if size > LARGEST_MESSAGE:
        raise TooLarge("it is too large")
    if not isinstance(message, str) or size > LONGEST_INBOUND:
        raise BadMessage("too long, or not text")
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        raise BadMessage("not JSON") from None
    if not isinstance(frame, dict) or not is_version(frame.get("v")):
        raise BadMessage("no frame with a version")
    if frame.get("type") == "ack":
        return Ack(frame["v"])
    epoch = frame.get("epoch")
    if frame.get("type") == "sync" and (epoch is None or isinstance(epoch, str)):
        return Sync(epoch, frame["v"])
    raise BadMessage("unknown type")


def is_version(value: object) -> bool:
    """A version, or -1 for none. (In Python `True` is an integer, on the wire it is not.)"""
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= HIGHEST_VERSION


def digest_of(state: bytes | bytearray) -> int:
    """CRC-32 of the ASCII letters, unsigned."""
    return zlib.crc32(state)


_compact = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make an encoder for each frame


def encode(kind: str, fields: Mapping[str, Any]) -> str:
    return _compact({"type": kind, **fields})


@lru_cache(maxsize=64)
def hello(*, epoch: str, v: int, n: int, layout: str, node: str, heartbeat: int, spread: int) -> str:
    """The first frame. `heartbeat` and `spread` in milliseconds. Cached: it is the same until something changes."""
    return encode(
        "hello",
        {"epoch": epoch, "v": v, "n": n, "layout": layout, "node": node, "heartbeat": heartbeat, "spread": spread},
    )


def snapshot(*, epoch: str, v: int, state: str, digest: int) -> str:
    return encode("snapshot", {"epoch": epoch, "v": v, "state": state, "digest": digest})


def delta(*, since: int, v: int, seats: Mapping[str, Sequence[int]]) -> str:
    """Absolute states of every seat changed in (`since`, `v`], indices by letter."""
    return encode("delta", {"from": since, "v": v, "seats": seats})


def board_hello(*, epoch: str, v: int, node: str, heartbeat: int, spread: int) -> str:
    """The first frame of a board; `v` is the version of this process's board, within `epoch`."""
    return encode("hello", {"epoch": epoch, "v": v, "node": node, "heartbeat": heartbeat, "spread": spread})


def board(*, epoch: str, v: int, rows: Sequence[Mapping[str, int]]) -> str:
    """All rows, or those that changed; of two rows for one showtime the one with the greater `v` is newer."""
    return encode("board", {"epoch": epoch, "v": v, "rows": rows})


def heartbeat(*, v: int, digest: int | None, age: int, ok: bool) -> str:
    """`v` and `digest` of the newest state sent on this socket; `age` in ms since the database last answered.

    A board has no digest.
    """
    state = {"v": v} if digest is None else {"v": v, "digest": digest}
    return encode("heartbeat", {**state, "age": age, "ok": ok})


def bye(*, code: Close, retry: int, reason: str) -> str:
    """Sent before every close by the server. `retry`: milliseconds to wait before reconnecting."""
    return encode("bye", {"code": int(code), "retry": retry, "reason": reason})


def failure_bye(code: int) -> str:
    """The bye of a server that ends a socket by itself: 1009 too large, 1007 no UTF-8, 1002 no WebSocket frame."""
    reason = "message too large" if code == Close.TOO_LARGE else "that is not the WebSocket protocol"
    return encode("bye", {"code": code, "retry": FAILURE_RETRY, "reason": reason})
