"""Loses every change, so that only the poll keeps the map current."""

from __future__ import annotations

from realtime.change import Change
from realtime.transports.local import LocalTransport


class NullTransport(LocalTransport):
    def publish(self, change: Change) -> None:
        pass
