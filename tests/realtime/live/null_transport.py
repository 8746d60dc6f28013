"""Loses everything: what is left is the poll. For tests of the promise that it alone keeps the map true."""

from __future__ import annotations

from realtime.change import Change
from realtime.transports.local import LocalTransport


class NullTransport(LocalTransport):
    def publish(self, change: Change) -> None:
        pass
