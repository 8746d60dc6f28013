"""The style of a hall whose screen is not at the top: the picture, its light and its name at another side. Pure.

These rules are part of the layout's own style sheet, so that a hall with its screen at the top loads none of them. They
override those of `.screen`, `.hall__light` and `.chair` in `static/css/seat-map.css`. Numbers and signs of the chairs
stay upright.
"""

from __future__ import annotations

from collections.abc import Callable

from cinema.plans.geometry import Point
from cinema.plans.stage import TURNS

STEPS = 8
ROOM = "calc((var(--screen-room, 3.9) - 1.18) * var(--u))"
EDGE, NAME = "calc(.3 * var(--u))", "calc(100% - .22 * var(--u))"
BEAM = "linear-gradient({}, transparent, var(--mask-solid) 36% 64%, transparent)"
# From a point of the screen at the top to that of the screen at another side, both in parts of its box.
MOVED: dict[str, Callable[[float, float], Point]] = {
    "bottom": lambda x, y: (x, 1 - y),
    "left": lambda x, y: (y, x),
    "right": lambda x, y: (1 - y, x),
}
RIM = {
    "bottom": "matrix(1, 0, 0, -1, 0, 100)",
    "left": "matrix(0, 1, 1, 0, 0, 0)",
    "right": "matrix(0, 1, -1, 0, 100, 0)",
}


def stage_css(stage: str) -> list[str]:
    """Lines of CSS, none for a stage at the top."""
    if stage == "top":
        return []
    place = _below() if stage == "bottom" else _beside(stage)
    return [
        *place,
        f"  .seat .chair > :is(i, .chair__sign) {{ rotate: {-TURNS[stage]}deg; }}",
        f"  .screen__picture {{ clip-path: polygon({_shape(stage)}); }}",
        f"  .screen__rim path {{ transform: {RIM[stage]}; }}",
    ]


def _below() -> list[str]:
    return [
        f"  .screen {{ top: auto; bottom: {EDGE}; }}",
        "  .screen__glow { top: auto; bottom: 12%;"
        " mask-image: radial-gradient(50% 50% at 50% 60%, var(--mask-solid) 20%, transparent); }",
        f"  .screen__name {{ top: auto; bottom: {NAME}; }}",
        "  .hall__light { scale: 1 -1; }",
    ]


def _beside(stage: str) -> list[str]:
    away = "right" if stage == "left" else "left"
    middle = "40% 50%" if stage == "left" else "60% 50%"
    return [
        f"  .screen {{ {stage}: {EDGE}; {away}: auto; top: 14.5%; width: {ROOM}; height: 71%; }}",
        f"  .screen__glow {{ {stage}: 12%; {away}: auto; top: -7%; width: 190%; height: 114%;"
        f" mask-image: radial-gradient(50% 50% at {middle}, var(--mask-solid) 20%, transparent); }}",
        f"  .screen__name {{ {stage}: {NAME}; {away}: auto; top: 0; bottom: 0; writing-mode: vertical-rl; }}",
        "  .hall__light { background: radial-gradient(46% 66% at 10% 50%, var(--screen-light),"
        f" var(--screen-light-far) 52%, transparent 80%); {'scale: -1 1;' if stage == 'right' else ''} }}",
        "  .hall__light::before { inset: 0 24% 0 13%;"
        " background: linear-gradient(90deg, var(--screen-beam), transparent);"
        f" clip-path: polygon(0 19%, 100% 0, 100% 100%, 0 81%); mask-image: {BEAM.format('180deg')}; }}",
    ]


def _shape(stage: str) -> str:
    """The outline of `#screen-shape` in `templates/booking/showtime.html` at another side, as corners of a polygon."""
    far = [(t, 0.26 * t * (1 - t)) for t in (n / STEPS for n in range(STEPS + 1))]
    near = [(0.985 - 0.97 * t, 1 - 0.36 * t * (1 - t)) for t in (n / STEPS for n in range(STEPS + 1))]
    corners = (MOVED[stage](x, y) for x, y in (*far, *near))
    return ", ".join(f"{100 * x:.2f}% {100 * y:.2f}%" for x, y in corners)
