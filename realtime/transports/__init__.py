"""How a seat change reaches the hubs. A transport carries hints that make the map fast; the database is the truth."""

from realtime.transports.interface import Receive, Transport
from realtime.transports.local import LocalTransport

__all__ = ["LocalTransport", "Receive", "Transport"]
