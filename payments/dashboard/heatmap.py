"""The seats of one screen that sell most: the plan as drawn, each seat coloured by how often it was sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from booking.pages.hall_drawing import HallDrawing, minimap_of
from cinema.models import Screen
from cinema.plans.layouts import layout_of
from payments.dashboard.occupancy import WantedSeats
from payments.dashboard.texts import HEAT_LEVELS, heat_level

SHOWN = 10


@dataclass(frozen=True)
class SeatHeat:
    """`levels`: (level, SVG path), level 0 for seats that nobody bought; `best`: (label, tickets), most sold first."""

    screen: Screen
    sketch: HallDrawing
    levels: Sequence[tuple[int, str]]
    best: Sequence[tuple[str, int]]

    @property
    def names(self) -> str:
        """The labels of the three seats that sold most."""
        return ", ".join(label for label, _ in self.best[:3])


def choose_screen(screens: Sequence[Screen], wanted: Mapping[int, WantedSeats], key: str) -> Screen | None:
    """The screen whose key is `key`; else the one that sold most; else the first; None where there is no screen."""
    by_id = {str(screen.pk): screen for screen in screens}
    if key in by_id:
        return by_id[key]
    busy = [screen for screen in screens if screen.pk in wanted]
    return max(busy or screens[:1], key=lambda screen: _tickets(wanted, screen), default=None)


def draw_seats(screen: Screen, wanted: Mapping[int, WantedSeats]) -> SeatHeat | None:
    """The heat map of a screen; None when no seat of it was sold."""
    if screen.pk not in wanted:
        return None
    sold = wanted[screen.pk]
    sketch, outlines = minimap_of(sold.plan_hash)
    most = max(sold.tickets.values())
    paths = [""] * (HEAT_LEVELS + 1)
    for index, outline in enumerate(outlines):
        paths[heat_level(sold.tickets.get(index, 0), most)] += outline
    seats = layout_of(sold.plan_hash).seats
    best = sorted(sold.tickets.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    return SeatHeat(screen, sketch, list(enumerate(paths)), [(seats[index].label, n) for index, n in best])


def _tickets(wanted: Mapping[int, WantedSeats], screen: Screen) -> int:
    return sum(wanted[screen.pk].tickets.values()) if screen.pk in wanted else 0
