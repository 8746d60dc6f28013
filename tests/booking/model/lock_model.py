"""A small model of `booking.locks.decide`, and the situations to compare them on.

A `World` says in words what a situation is made of; it can be drawn from bytes, so that Hypothesis shrinks it well. The
model knows nothing of rows: it answers with the outcome in words.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from booking.lock_limits import ClientSeats, Holding
from booking.locks import Situation
from booking.models import Booking, ShowtimeSeat
from booking.refusals import LockChanged, PaymentOpen, Refusal, SeatsTaken, UnknownSeat
from booking.seats.lock_tags import tag_of
from booking.seats.row_locks import RequestedRow
from cinema.models import Showtime

AT = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)  # a minute before the clocks change in London
MINUTE = timedelta(minutes=1)
HASHES, OLD_HASHES = (5, 6), (3, 4)  # of the client that asks, and of the one that asked first
ME, OTHER, MY_BOOKING, OTHER_BOOKING = uuid.UUID(int=1), uuid.UUID(int=2), 11, 12
SALES = ("open", "open", "open", "upcoming", "closed", "cancelled")
OWN = (None, None, "locked", "locked", "lapsed", "lapsed", "checkout", "processing", "releasing")
SEATS = ("available", "available", "mine", "mine", "other", "lapsed", "being-released", "booked", "blocked", "missing")
# What other visitors of the client leave: room for any request, for two seats, for none; or, as they pay, for two.
OTHERS = ("room", "room", "room", "two chosen", "full", "two in all")
HOLDINGS = {
    "room": (),
    "two chosen": (Holding(18, 18), Holding(18, 18, 4)),
    "full": (Holding(0, 0), Holding(80, 80, 4)),
    "two in all": (Holding(0, 38),),
}
# The lock that the request names: any, the visitor's own as it is (also as one of two), none, or one that it is not.
EXPECTED = ("any", "any", "any", "own", "own or other", "none", "other")
N_SEATS = 6
N_BYTES = 6 + N_SEATS


@dataclass(frozen=True)
class World:
    sales: str
    own: str | None
    requested: tuple[int, ...]
    seats: tuple[str, ...]
    others: str = "room"
    expected: str = "any"
    has_such_seats: bool = True

    @classmethod
    def from_bytes(cls, drawn):
        sales, own = SALES[drawn[0] % len(SALES)], OWN[drawn[1] % len(OWN)]
        seats = [SEATS[byte % len(SEATS)] for byte in drawn[6:]]
        if own is None:
            seats = ["available" if seat == "mine" else seat for seat in seats]
        requested = tuple(i for i in range(N_SEATS) if drawn[2] >> i & 1)
        others, expected = OTHERS[drawn[3] % len(OTHERS)], EXPECTED[drawn[4] % len(EXPECTED)]
        return cls(sales, own, requested, tuple(seats), others, expected, drawn[5] % 8 > 0)

    @property
    def mine(self):
        return {i for i, seat in enumerate(self.seats) if seat == "mine"}


def expect(world):
    """(outcome, what it is about, {seat: new state}): the rule in the words of the contract."""
    mine, requested = world.mine, set(world.requested)
    has_lock = world.own not in (None, "lapsed")
    if world.expected == "other" or (world.expected == "none" and has_lock):
        return ("lock-changed", mine if has_lock else None, {})
    if not world.has_such_seats:
        return ("unknown-seat", None, {})
    end = {"locked": "released", "lapsed": "expired"}.get(world.own)
    grows = len(requested) > (0 if world.own == "lapsed" else len(mine))
    chosen_room = {"two chosen": 2, "full": 0}.get(world.others, N_SEATS)
    room = {"two in all": 2}.get(world.others, chosen_room) if grows else N_SEATS
    if world.own in ("checkout", "processing", "releasing"):
        if world.own != "releasing" and requested == mine:
            return ("kept", None, {})
        return ("payment-open" if len(requested) <= min(chosen_room, room) else "rate-limited", None, {})
    if not requested:
        return (end or "nothing", None, dict.fromkeys(mine, "available"))
    if world.sales != "open":
        return ("not-on-sale" if world.sales == "upcoming" else "sales-closed", None, {})
    lost = {i for i in requested if world.seats[i] not in ("available", "mine", "lapsed")}
    if taken := {i for i in lost if world.seats[i] != "being-released"}:
        return ("seats-taken", taken, {})
    if lost:
        return ("being-released", lost, {})
    if grows and len(requested) > room:
        return ("rate-limited", None, {})
    freed, locked = dict.fromkeys(mine - requested, "available"), dict.fromkeys(requested, "mine")
    return ("kept" if world.own == "locked" else "begun", end if world.own == "lapsed" else None, {**freed, **locked})


def situation_of(world):
    """The rows that PostgreSQL would answer with. A missing row is held by another transaction."""
    rows = [seat_of(index, state, world.own) for index, state in enumerate(world.seats)]
    found = {
        i: RequestedRow(rows[i], world.seats[i] == "being-released")
        for i in world.requested
        if world.seats[i] != "missing"
    }
    showtime = Showtime(pk=7, version=40, currency="GBP", starts_at=AT + 60 * MINUTE, ends_at=AT + 160 * MINUTE)
    showtime.sales_open_at = AT + MINUTE if world.sales == "upcoming" else None
    showtime.sales_close_at = AT if world.sales == "closed" else None
    showtime.cancelled_at = AT - MINUTE if world.sales == "cancelled" else None
    own_seats = [rows[i] for i in sorted(world.mine)]
    requested = {f"A{i}": i for i in world.requested} if world.has_such_seats else {}
    others = ClientSeats(80, HOLDINGS[world.others])  # 20 and 40 seats for one address
    own = own_of(world)
    about = (showtime, "layout", ME, own, own_seats, requested, found, HASHES, others)
    return Situation(*about, tags_of(world, own), None if world.has_such_seats else UnknownSeat(["Z9"]))


def tags_of(world, own):
    right = tag_of(own if world.own != "lapsed" else None, sorted(world.mine))
    return {
        "any": None,
        "own": frozenset({right}),
        "own or other": frozenset({"of another lock", right}),
        "none": frozenset({"none"}),
        "other": frozenset({"of another lock"}),
    }[world.expected]


def own_of(world):
    if world.own is None:
        return None
    status = "locked" if world.own == "lapsed" else world.own
    own = Booking(pk=MY_BOOKING, reference="BCD-FGH-JKM", showtime_id=7, visitor=ME, status=status, currency="GBP")
    own.network_hash, own.address_hash = OLD_HASHES
    own.locked_until, own.n_seats = AT if world.own == "lapsed" else AT + MINUTE, len(world.mine)
    return own


def seat_of(index, state, own):
    status, booking, until = {
        "mine": ("locked", MY_BOOKING, AT if own == "lapsed" else AT + MINUTE),
        "other": ("locked", OTHER_BOOKING, AT + MINUTE),
        "lapsed": ("locked", OTHER_BOOKING, AT),
        "being-released": ("locked", OTHER_BOOKING, AT + MINUTE),
        "missing": ("available", None, None),
        "booked": ("booked", OTHER_BOOKING, None),
    }.get(state, (state, None, None))
    version = 41 + index if state == "other" else 40
    return ShowtimeSeat(
        pk=100 + index, index=index, status=status, booking_id=booking, locked_until=until, version=version
    )


def outcome_of(decide, world):
    """What `decide` makes of this world, in the words of `expect`. A refusal names the version that shows it."""
    situation = situation_of(world)
    try:
        decision = decide(situation, AT)
    except PaymentOpen:
        return "payment-open", None, {}
    except LockChanged as refusal:
        assert (refusal.found.booking is None) == (world.own in (None, "lapsed"))
        return refusal.type, set(refusal.found.indices) if refusal.found.booking else None, {}
    except UnknownSeat:
        return "unknown-seat", None, {}
    except Refusal as refusal:
        lost = {int(label[1:]) for label in getattr(refusal, "seats", ())}
        if isinstance(refusal, SeatsTaken):
            versions = [41 + i for i in world.requested if world.seats[i] == "other"]
            assert refusal.extra["v"] == max([40, *versions])
        return refusal.type, lost or None, {}
    assert decision.showtime_id == 7
    written = [(seat.index, "available") for seat in decision.free] + [(seat.index, "mine") for seat in decision.take]
    assert len(written) == len(dict(written)), "no seat is written twice"
    after = {**dict.fromkeys(world.mine & set(world.requested), "mine"), **dict(written)}
    if decision.begins:
        assert (decision.begins.visitor, decision.begins.locked_until) == (ME, AT + 5 * MINUTE)
        assert decision.begins.n_seats == len(world.requested) == len(decision.take)
        assert decision.reason == "lock"
        assert (decision.begins.network_hash, decision.begins.address_hash) == HASHES
        return "begun", decision.end_status if decision.ends else None, after
    if decision.ends:
        assert decision.reason == decision.end_reason == {"released": "given-back"}.get(decision.end_status, "lapsed")
        return decision.end_status, None, after
    if decision.keeps:
        assert decision.n_seats == len(world.mine if world.own != "locked" else world.requested)
        if world.own == "locked":  # seats that are exchanged count for whom they counted
            assert decision.hashes == (HASHES if len(world.requested) > len(world.mine) else OLD_HASHES)
        return "kept", None, after if written or world.own == "locked" else {}
    return "nothing", None, after
