"""The one signal of the product, by which `realtime` learns of seat changes: `booking` imports no WebSocket code."""

from django.dispatch import Signal

# Sent with `send_robust` after the commit of every transaction that changed seats, from one place
# (`booking.seats.rows`). Arguments: showtime_id: int, epoch: str, before: int, version: int,
# seats: dict[str, list[int]] (letter of the map -> indices), absolute states of every seat of the version,
# stamp: int (`booking.seats.stamps`).
seats_changed = Signal()
