"""The product's own seat colours. A plan's colour, from a file, only selects one of these and is never shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

# As `--seat-colour-…` in static/css/tokens.css. Distinguishable on the dark floor, also for colour-blind people.
SEAT_COLOURS = {
    "ice": "#6b97de",
    "plum": "#cba6f0",
    "rose": "#e87f98",
    "sea": "#6fd0c2",
    "moss": "#8db664",
    "sand": "#e2c598",
}
Lab = tuple[float, float, float]


def match_seat_colours(colors: Sequence[str]) -> list[str]:
    """The name of the nearest seat colour for each `#rrggbb`; none is used twice while another one is unused.

    The closest pairs are matched first, so a colour that equals a seat colour keeps it.
    """
    matched: dict[int, str] = {}
    while len(matched) < len(colors):
        pairs = sorted(
            (math.dist(lab_of(color), lab_of(own)), index, name)
            for index, color in enumerate(colors)
            for name, own in SEAT_COLOURS.items()
        )
        taken: set[str] = set()
        for _, index, name in pairs:
            if index not in matched and name not in taken:
                matched[index] = name
                taken.add(name)
    return [matched[index] for index in range(len(colors))]


@lru_cache(maxsize=512)
def lab_of(color: str) -> Lab:
    """CIE L*a*b* (D65) of `#rrggbb`: distances in it are close to perceived differences."""
    r, g, b = (_linear(int(color[i : i + 2], 16) / 255) for i in (1, 3, 5))
    x = _curve((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047)
    y = _curve(0.2126 * r + 0.7152 * g + 0.0722 * b)
    z = _curve((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _curve(value: float) -> float:
    return float(value ** (1 / 3)) if value > 0.008856 else 7.787 * value + 16 / 116
