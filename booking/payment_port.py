"""What `booking` needs of whoever takes the money. `payments` stands above and installs its own at start."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class PaymentPort(Protocol):
    def end_payment(self, *, booking_id: int, reason: str, at: datetime) -> None:
        """Try for at most 3 s to end the open payment of a booking; never inside a transaction.

        Afterwards the booking's status tells the verdict: `locked`, `released` or `expired` when the payment is dead,
        `confirmed` when it was paid after all, `releasing` while nobody knows (the loop goes on asking).
        """


_installed: PaymentPort | None = None


def install(till: PaymentPort) -> None:
    global _installed
    _installed = till


def current() -> PaymentPort:
    assert _installed is not None, "payments installs its till when the apps are ready"
    return _installed
