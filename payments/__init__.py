"""Who pays: payments, refunds, disputes, their ledger, and the staff's pages of money.

Where a transaction ends is written at each function that writes:

- `atomic(durable=True)`: it is the outermost transaction, committed on return; inside another it raises RuntimeError.
- `@transaction.atomic`: a transaction of its own, or part of its caller's, which then commits.
- `assert connection.in_atomic_block`: part of its caller's transaction.

No gateway is called inside a transaction (`gateways.interface`). Row locks are taken in the order booking, payment,
refund, seats, showtime; seats are row-locked by `booking`'s functions only. The gateway's verdict on a payment is its
final answer how the session ended; until then the seats stay locked.
"""
