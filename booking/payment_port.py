"""What `booking` asks of `payments`, which may import `booking` but not the reverse: it installs its port at start."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class PaymentPort(Protocol):
    """The calls from `booking` to `payments`."""

    def end_payment(self, *, booking_id: int, reason: str, at: datetime) -> None:
        """Try for at most 3 s to end the open payment of a booking; never inside a transaction.

        Afterwards the booking's status is the verdict: `locked`, `released` or `expired` if the payment has ended,
        `confirmed` if it had succeeded, `releasing` if the result is unknown (the loop asks again).
        """


_installed: PaymentPort | None = None


def install(port: PaymentPort) -> None:
    """Set the port of this process; `payments` calls it in `ready()`."""
    global _installed
    _installed = port


def current() -> PaymentPort:
    """The installed port."""
    assert _installed is not None, "payments installs its port when the apps are ready"
    return _installed
