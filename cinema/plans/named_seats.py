"""The seats that a plan file names for other seats, as indices: halves of sofas, places of companions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cinema.imports.bad_rows import BadRow
from cinema.plans.belonging import Links
from cinema.plans.file import FileSeat
from cinema.plans.json_reader import BadPlan


class NamedSeat(Protocol):
    """What these rules need of a drawn seat."""

    @property
    def label(self) -> str: ...
    @property
    def guid(self) -> str: ...
    @property
    def segment(self) -> int: ...
    @property
    def kind(self) -> str: ...


def read_links(seats: Sequence[NamedSeat], files: Sequence[FileSeat]) -> tuple[Links, Links]:
    """Sofas and wheelchair places that the file names; `files` are the seats of the file in the order of `seats`.

    A pair may be named by one of its halves; the answer has both.

    Raises:
        BadPlan: with every reference to a seat that does not exist or cannot be meant.
    """
    reading = _Reading(seats, files)
    sofas, companions = reading.sofas(), reading.companions()
    if reading.problems:
        raise BadPlan(reading.problems)
    return sofas, companions


class _Reading:
    def __init__(self, seats: Sequence[NamedSeat], files: Sequence[FileSeat]) -> None:
        self.seats, self.files = seats, files
        self.problems: list[BadRow] = []
        self.index_of = {seat.label: index for index, seat in enumerate(seats)}
        self.index_of |= {seat.guid: index for index, seat in enumerate(seats)}

    def sofas(self) -> Links:
        named = self._named("sofa", [file.sofa for file in self.files])
        pairs: dict[int, int | None] = {}
        for index, other in named.items():
            if other is None:
                pairs.setdefault(index, None)
            elif reason := self._no_pair(index, other, named):
                self._refuse(index, "sofa", reason)
            else:
                pairs[index], pairs[other] = other, index
        return pairs

    def _no_pair(self, index: int, other: int, named: Links) -> str:
        label = self.seats[other].label
        if abs(index - other) != 1 or self.seats[index].segment != self.seats[other].segment:
            return f"{label} is not beside this seat"
        others = [i for i, half in named.items() if half == other and i != index]
        if named.get(other, index) != index or others:
            return f"{label} cannot be the other half: the plan says otherwise at another seat"
        return ""

    def companions(self) -> Links:
        named = self._named("companion_of", [file.companion_of for file in self.files])
        for index, place in named.items():
            if self.seats[index].kind != "companion":
                self._refuse(index, "companion_of", "this seat is no companion seat")
            elif place is not None and self.seats[place].kind != "wheelchair":
                self._refuse(index, "companion_of", f"{self.seats[place].label} is no wheelchair place")
        return named

    def _named(self, field: str, references: Sequence[str | None]) -> Links:
        found: dict[int, int | None] = {}
        for index, reference in enumerate(references):
            if reference is None:
                continue
            if reference and reference not in self.index_of:
                self._refuse(index, field, f"“{reference}” is neither the seat_guid nor the label of a seat")
            else:
                found[index] = self.index_of[reference] if reference else None
        return found

    def _refuse(self, index: int, field: str, reason: str) -> None:
        self.problems.append(BadRow(f"{self.files[index].path}.bookmyseat", field, reason))
