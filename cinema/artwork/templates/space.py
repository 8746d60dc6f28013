"""Science fiction: a light behind a stepped skyline; a planet and its rings."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.shapes import (
    blend,
    cut,
    disc,
    fade,
    glow,
    gradient,
    group,
    n,
    path,
    polar,
    poly,
    rect,
    ring,
)
from cinema.artwork.sheet import Sheet, Template

ROCKET = (
    "M0 -3C1 -1.9 1.1 -.5 .85 1.3H-.85C-1.1 -.5 -1 -1.9 0 -3ZM-.85 .2L-1.7 1.8L-.8 "
    "1.5ZM.85 .2L1.7 1.8L.8 1.5ZM-.4 1.5H.4L0 3.2Z"
)


def beam(sheet: Sheet) -> None:
    night, blue, brass, cream, sky = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.5, 0.05), (0.66, 0.54, 0.06))
    reach = sheet.w + sheet.h
    sheet.ground((0, night), (0.62, blue), (1, night))
    ends = f'gradientUnits="userSpaceOnUse" x1="{n(cx)}" y1="{n(cy)}" x2="{n(cx)}" y2="{n(cy - sheet.h * 0.8)}"'
    sheet.define(
        glow("halo", [(0, cream, 0.95), (0.16, brass, 0.75), (0.5, sky, 0.28), (1, sky, 0)]),
        gradient("ray", [(0, cream, 0.5), (1, sky, 0)], ends),
    )
    turn = sheet.kind % 8
    rays = [
        ((cx, cy), polar(cx, cy, reach, a), polar(cx, cy, reach, a + (4.6 if k % 2 else 1.6)))
        for k in range(-13, 14)
        for a in [k * 8.2 - 90 + turn]
    ]
    sheet.add(
        group([poly(ray, "url(#ray)") for ray in rays], extra=fade(0.55)), disc(cx, cy, sheet.h * 0.42, "url(#halo)")
    )
    for k in range(7):
        sheet.add(ring(cx, cy, sheet.h * (0.085 + 0.052 * k), brass, 3.2 - k * 0.36, fade(0.95 - 0.11 * k)))
    sheet.add(_light_source(sheet.kind // 8 % 3, cx, cy, r, cream, night, brass))
    _skyline(sheet, cx, sheet.h * (0.87 if sheet.poster else 1))
    if sheet.poster:
        sheet.add(rect(0, 765, 600, 135, night), rect(48, 782, 504, 1.5, brass))
        sheet.add(sheet.layout(Style("gothic", 0.015, 1.1), (44, 44, 512, 230)).svg(cream, brass))
        sheet.billing(brass, 842)


def _light_source(kind: int, cx: float, cy: float, r: float, cream: str, night: str, brass: str) -> str:
    """The source of the light: a sun, an eclipse or a monolith."""
    if kind == 0:
        return disc(cx, cy, r, cream)
    if kind == 1:
        return disc(cx, cy, r * 1.75, cream) + disc(cx, cy, r * 1.62, night)
    return rect(cx - r * 0.62, cy - r * 2.3, r * 1.24, r * 6, night) + rect(
        cx + r * 0.5, cy - r * 2.3, r * 0.12, r * 6, brass
    )


def _skyline(sheet: Sheet, cx: float, base: float) -> None:
    night, blue, brass, _, _ = sheet.colors
    w, h, rng, unit = sheet.w, sheet.h, sheet.rng, sheet.h * 0.056
    for layer, shade in enumerate((blend(blue, night, 0.3), blend(blue, night, 0.62), blend(night, "#000000", 0.35))):
        x = -20.0
        while x < w + 20:
            wide = unit * rng.choice([0.9, 1.2, 1.6])
            away = min(1, abs(x + wide / 2 - cx) / (w / 2))
            tall = h * (0.15 + 0.30 * away**0.9 + rng.uniform(-0.05, 0.07)) * (1 - 0.22 * layer)
            for step in range(rng.choice([1, 2, 3])):
                inset = wide * 0.16 * step
                top = base - tall * (1 + 0.13 * step)
                sheet.add(rect(x + inset, top, wide - 2 * inset, base - top + 4, shade))
            if layer == 2 and rng.random() < 0.7:
                sheet.add(
                    rect(x + wide * 0.3, base - tall * 0.84, wide * 0.1, h * 0.012, brass),
                    rect(x + wide * 0.58, base - tall * 0.84 + h * 0.03, wide * 0.1, h * 0.012, brass),
                )
            elif rng.random() < 0.4:
                sheet.add(rect(x + wide / 2 - 1, base - tall * 1.5, 2, tall * 0.5, shade))
            x += wide + unit * rng.uniform(0.02, 0.3)


def orbit(sheet: Sheet) -> None:
    deep, body, light, accent, paper = sheet.colors
    left = sheet.kind % 2 == 0
    cx, cy, r = sheet.focus((0.22 if left else 0.78, 0.42, 0.3), (0.72, 0.52, 0.36))
    sheet.ground((0, blend(deep, "#000000", 0.35)), (1, deep))
    for _ in range(46 if sheet.poster else 90):
        x, y = sheet.rng.uniform(0, sheet.w), sheet.rng.uniform(0, sheet.h)
        sheet.add(disc(x, y, sheet.rng.choice([1, 1.4, 2.2]), paper, fade(sheet.rng.uniform(0.3, 0.9))))
    sheet.define(f'<clipPath id="globe"><circle cx="{n(cx)}" cy="{n(cy)}" r="{n(r)}"/></clipPath>')
    _globe(sheet, cx, cy, r, (-24 if left else 24) + sheet.kind // 2 % 9)
    mx, my = polar(cx, cy, r * 1.35, -58 if left else -122)
    sheet.add(disc(mx, my, r * 0.17, accent), disc(mx + r * 0.05, my + r * 0.04, r * 0.12, blend(accent, deep, 0.25)))
    fx, fy = (sheet.w * (0.8 if left else 0.2), sheet.h * 0.62) if sheet.poster else (sheet.w * 0.47, sheet.h * 0.7)
    sheet.add(
        path(
            f"M{n(fx, fy)}Q{n((fx + cx) / 2, fy + r * 0.7)} {n(cx, cy + r * 1.7)}",
            "none",
            f' stroke="{paper}" stroke-width="1.5" stroke-dasharray="2 9"',
        )
    )
    sheet.add(cut(ROCKET, paper, fx, fy, r * 0.055, turn=-32 if left else 32))
    if sheet.poster:
        style = Style("wide", 0.02) if sheet.kind // 16 % 2 else Style("plain", 0.06, leading=1.05)
        sheet.add(
            sheet.layout(style, (44, 640, 512, 180), anchor="start", stand="bottom", block=sheet.kind % 3 == 0).svg(
                paper, accent
            )
        )
        sheet.billing(light, x=44, anchor="start")


def _globe(sheet: Sheet, cx: float, cy: float, r: float, tilt: float) -> None:
    """A banded globe, half in shade, with up to three rings behind and in front of it."""
    deep, body, light, accent, paper = sheet.colors
    turn = f"rotate({tilt} {n(cx, cy)})"
    count = sheet.kind // 4 % 3
    rings = list(enumerate((light, accent, paper)[: count + 1 if count else 0]))
    for sweep in (0, 1):
        half = [
            path(
                f"M{n(cx - r * a, cy)}A{n(r * a, r * b)} 0 0 {1 - sweep} {n(cx + r * a, cy)}",
                "none",
                f' stroke="{color}" stroke-width="{n(r * 0.07)}"',
            )
            for k, color in rings
            for a, b in [(1.75 - 0.17 * k, 0.42 - 0.045 * k)]
        ]
        if sweep:
            sheet.add(_bands(sheet, cx, cy, r, turn))
        sheet.add(group(half, turn))


def _bands(sheet: Sheet, cx: float, cy: float, r: float, turn: str) -> str:
    deep, body, light, _, _ = sheet.colors
    left, wide = cx - r * 1.5, r * 3
    bands = []
    for k in range(9):
        high = r * sheet.rng.uniform(0.08, 0.2)
        bands.append(rect(left, cy - r + 2 * r * k / 9, wide, high, blend(body, light, sheet.rng.uniform(0.15, 0.8))))
    night = ring(cx - r * 0.5, cy - r * 0.45, r * 1.42, deep, r * 0.9, fade(0.55))
    whole = [rect(left, cy - r * 1.5, wide, wide, body), group(bands, turn), night]
    return group(whole, extra=' clip-path="url(#globe)"')


BEAM = Template(
    beam,
    [
        ("#0a1024", "#1d3a6e", "#e0b469", "#f7ead0", "#3f7fc4"),
        ("#160a1e", "#57235f", "#ff9a62", "#ffe9cf", "#c2578f"),
        ("#04140f", "#0f4a43", "#cfe27a", "#f4f6d8", "#3fae94"),
        ("#1a0808", "#7a1f1c", "#ffb13d", "#fff0cf", "#d95d2b"),
    ],
)
ORBIT = Template(
    orbit,
    [
        ("#121a3a", "#d9573b", "#f6a868", "#f2d15c", "#f5ecd9"),
        ("#0d2b2e", "#2f8f86", "#a8dcc0", "#f08a4b", "#f3efdf"),
        ("#231433", "#7b4bb0", "#d9a4e8", "#ffcf5e", "#f6ecf5"),
        ("#1b1b1b", "#b9b2a3", "#eee6d4", "#e1462c", "#f4efe4"),
    ],
)
