"""A hall at one moment, as one visitor sees it: what is free, what is mine, which seating rules apply. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from booking.seats.choice.hall import NOBODY, Hall, mask_of

ONLY_AVAILABLE = bytes(letter == ord("A") for letter in range(256))


@dataclass(frozen=True)
class Rules:
    """What the cinema refuses at checkout. `places`: wheelchair places in confirmed bookings of the visitor."""

    single_seats: bool = True  # none may be left behind
    companions: bool = True  # only beside their wheelchair place
    places: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Seating:
    """`state` has a letter a seat; `since[i]` is the version with which the holder of seat `i` took it.

    `mine` is what the visitor has locked. A selection replaces it, so those seats are free for another one. `away` are
    seats that somebody is taking at this moment, whatever their letters say.
    """

    hall: Hall
    state: str
    since: Sequence[int]
    mine: frozenset[int] = frozenset()
    rules: Rules = Rules()
    away: frozenset[int] = frozenset()

    def is_free(self, index: int) -> bool:
        """Whether the visitor may take it: available, or his own."""
        return (self.state[index] == "A" or index in self.mine) and index not in self.away

    @cached_property
    def free(self) -> int:
        """All free seats, as a mask (`booking.seats.choice.hall.mask_of`)."""
        available = int.from_bytes(self.state.encode("ascii").translate(ONLY_AVAILABLE), "little")
        return (available | mask_of(self.mine)) & ~mask_of(self.away)

    def lone_companions(self, selection: Collection[int]) -> list[int]:
        """Companion places of the selection without their wheelchair place."""
        if not self.rules.companions:
            return []
        places = self.hall.places
        owners = {index: places[index].companion_of for index in selection if places[index].kind == "companion"}
        return sorted(i for i, owner in owners.items() if owner not in (None, *selection, *self.rules.places))

    def half_sofas(self, selection: Collection[int]) -> list[int]:
        """Seats of the selection whose other half would be free."""
        others = {index: self.hall.places[index].sofa for index in selection}
        return sorted(
            i for i, other in others.items() if other is not None and other not in selection and self.is_free(other)
        )

    def singles(self, selection: Collection[int]) -> list[int]:
        """Free seats that this selection would leave alone: on one side the selection, on the other nobody who is free.

        Whoever took the seat on the other side after the visitor took his was the last to choose: it counts as free.
        Wheelchair and companion places may be left alone.
        """
        if not self.rules.single_seats:
            return []
        neighbours, places = self.hall.neighbours, self.hall.places
        found = set()
        for index in selection:
            for side in (0, 1):
                seat = neighbours[index][side]
                if seat == NOBODY or seat in selection or places[seat].kind != "seat" or not self.is_free(seat):
                    continue
                beyond = neighbours[seat][side]
                if (
                    beyond == NOBODY
                    or beyond in selection
                    or not (self.is_free(beyond) or self._came_later(beyond, index))
                ):
                    found.add(seat)
        return sorted(found)

    def _came_later(self, other: int, index: int) -> bool:
        return index in self.mine and self.since[other] > self.since[index]

    def is_clean(self, selection: Collection[int]) -> bool:
        """Whether the selection leaves no seat alone, takes no half of a free sofa, and no companion place alone."""
        return not (self.half_sofas(selection) or self.lone_companions(selection) or self.singles(selection))
