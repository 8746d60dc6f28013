"""The basic shapes of every drawing, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float]


def n(*values: float) -> str:
    return " ".join(f"{round(value, 1):g}" for value in values)


def rect(x: float, y: float, w: float, h: float, fill: str, extra: str = "") -> str:
    return f'<rect x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" fill="{fill}"{extra}/>'


def disc(x: float, y: float, r: float, fill: str, extra: str = "") -> str:
    return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="{fill}"{extra}/>'


def ring(x: float, y: float, r: float, stroke: str, width: float, extra: str = "") -> str:
    return (
        f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(r)}" fill="none" stroke="{stroke}" stroke-width="{n(width)}"{extra}/>'
    )


def oval(x: float, y: float, rx: float, ry: float, fill: str, extra: str = "") -> str:
    return f'<ellipse cx="{n(x)}" cy="{n(y)}" rx="{n(rx)}" ry="{n(ry)}" fill="{fill}"{extra}/>'


def poly(points: Iterable[Point], fill: str, extra: str = "") -> str:
    return f'<path d="M{"L".join(n(*point) for point in points)}Z" fill="{fill}"{extra}/>'


def path(d: str, fill: str = "none", extra: str = "") -> str:
    return f'<path d="{d}" fill="{fill}"{extra}/>'


def stroke(d: str, color: str, width: float, extra: str = "") -> str:
    return f'<path d="{d}" fill="none" stroke="{color}" stroke-width="{n(width)}"{extra}/>'


def group(parts: Iterable[str], transform: str = "", extra: str = "") -> str:
    moved = f' transform="{transform}"' if transform else ""
    return f"<g{moved}{extra}>{''.join(parts)}</g>"


def fade(opacity: float) -> str:
    return f' opacity="{opacity:.2f}"'


def polar(x: float, y: float, r: float, degrees: float) -> Point:
    angle = math.radians(degrees)
    return x + r * math.cos(angle), y + r * math.sin(angle)


def gradient(name: str, stops: Sequence[tuple[float, str, float]], attributes: str = 'x2="0" y2="1"') -> str:
    return f'<linearGradient id="{name}" {attributes}>{_stops(stops)}</linearGradient>'


def glow(name: str, stops: Sequence[tuple[float, str, float]]) -> str:
    return f'<radialGradient id="{name}">{_stops(stops)}</radialGradient>'


def _stops(stops: Sequence[tuple[float, str, float]]) -> str:
    return "".join(
        f'<stop offset="{at:g}" stop-color="{color}"' + (f' stop-opacity="{seen:g}"/>' if seen != 1 else "/>")
        for at, color, seen in stops
    )


def blend(first: str, second: str, share: float) -> str:
    """The mix of two `#rrggbb` colours; `share` of the second, 0 to 1."""
    a, b = ([int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in (first, second))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in zip(a, b, strict=True))


def cut(
    d: str, fill: str, x: float, y: float, scale: float, *, flip: bool = False, turn: float = 0, extra: str = ""
) -> str:
    """The path `d`, scaled and moved to (x, y); `flip` mirrors it, `turn` rotates it clockwise, in degrees."""
    turned = f" rotate({n(turn)})" if turn else ""
    sides = f"{-scale if flip else scale:.3f} {scale:.3f}"
    return f'<path transform="translate({n(x, y)}){turned} scale({sides})" d="{d}" fill="{fill}"{extra}/>'


def clearest(ground: str, *colors: str) -> str:
    """The one of `colors` with the highest contrast to `ground`."""
    here = _light(ground)
    return max(colors, key=lambda color: abs(math.log((_light(color) + 0.05) / (here + 0.05))))


def _light(color: str) -> float:
    """Relative luminance as WCAG 2 defines it, 0 to 1."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
