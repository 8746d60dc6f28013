"""Action and war: iron on rails, a road into the distance, searchlights."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import BIRD, GENTLEMAN, MAN, PLANE
from cinema.artwork.shapes import blend, cut, disc, fade, gradient, group, n, path, polar, poly, rect, ring
from cinema.artwork.sheet import Sheet, Template


def wheels(sheet: Sheet) -> None:
    green, dark, cream, fire, mid = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.58, 0.25), (0.66, 0.56, 0.36))
    sheet.ground((0, mid), (0.7, green), (1, dark))
    for x, y, s in (
        (0.2, -0.98, 0.5),
        (0.42, -1.25, 0.62),
        (0.75, -1.5, 0.78),
        (1.25, -1.62, 0.9),
        (-0.02, -0.8, 0.34),
    ):
        sheet.add(
            disc(cx + (x - 0.9) * r, cy + y * r, s * r * 0.62, cream, fade(0.16)),
            disc(cx + (x - 0.84) * r, cy + (y + 0.06) * r, s * r * 0.44, cream, fade(0.2)),
        )
    spokes = 12 + 2 * (sheet.kind % 3)
    for dx, size in ((-1.5, 0.94), (1.5, 0.94), (0, 1)):
        sheet.add(_wheel(sheet, cx + dx * r, cy + (1 - size) * r, r * size, spokes))
    rod = [
        rect(cx - r * 1.75, cy + r * 0.3, r * 3.5, r * 0.16, cream),
        rect(cx - r * 1.75, cy + r * 0.43, r * 3.5, r * 0.05, blend(cream, dark, 0.35)),
    ]
    sheet.add(
        group(
            [*rod, *(disc(cx + dx * r, cy + r * 0.38, r * 0.13, dark) for dx in (-1.5, 0, 1.5))],
            f"rotate({(-4, 3, -7)[sheet.kind // 3 % 3]} {n(cx, cy)})",
        )
    )
    sheet.add(rect(0, cy + r * 1.02, sheet.w, r * 0.05, cream), rect(0, cy + r * 1.09, sheet.w, sheet.h, dark))
    if sheet.poster:
        sheet.add(
            sheet.layout(Style("wide", -0.01, leading=0.92), (44, 52, 512, 210), anchor="start", block=True).svg(
                cream, fire
            )
        )
        sheet.billing(cream, x=44, anchor="start")


def _wheel(sheet: Sheet, x: float, y: float, s: float, spokes: int) -> str:
    _, dark, cream, fire, _ = sheet.colors
    star = "".join(f"M{n(x, y)}L{n(*polar(x, y, s * 0.8, k * 360 / spokes + 8))}" for k in range(spokes))
    rims = disc(x, y, s, dark) + ring(x, y, s * 0.93, fire, s * 0.09) + ring(x, y, s * 0.8, cream, s * 0.025)
    return (
        rims
        + path(star, "none", f' stroke="{cream}" stroke-width="{n(s * 0.045)}"')
        + disc(x, y, s * 0.22, fire)
        + disc(x, y, s * 0.1, cream)
    )


def road(sheet: Sheet) -> None:
    sky, sun, land, tar, paint = sheet.colors
    cx, level, r = sheet.focus(((0.5, 0.4, 0.6)[sheet.kind % 3], 0.57, 0.175), (0.66, 0.5, 0.3))
    sheet.ground((0, sky), (0.62, blend(sky, sun, 0.55)))
    up = r * (0.35, 0.55, -0.1)[sheet.kind // 3 % 3]
    sheet.add(disc(cx, level - up, r, sun))
    for k in range(4):  # the sun through haze
        sheet.add(
            rect(
                cx - r * 1.1, level - up + r * (0.15 + 0.22 * k), r * 2.2, r * (0.03 + 0.025 * k), blend(sky, sun, 0.55)
            )
        )
    for layer in range(2):
        x, ridge = -20.0, [(-20.0, level + 30)]
        while x < sheet.w + 40:
            ridge.append((x, level - sheet.rng.uniform(0.02, 0.36 - 0.16 * layer) * r))
            x += sheet.rng.uniform(0.3, 0.8) * r
        sheet.add(poly([*ridge, (sheet.w + 60, level + 30)], blend(land, sky, 0.5 - 0.3 * layer)))
    sheet.add(rect(0, level, sheet.w, sheet.h - level, land))
    _lane(sheet, cx, level)
    _traffic(sheet, cx, level, r)
    if sheet.poster:
        style = (Style("black", 0, leading=0.86), Style("gothic", 0.01, leading=0.86))[sheet.kind // 27 % 2]
        sheet.add(sheet.layout(style, (44, 48, 512, 206), block=True).svg(paint, sun))
        sheet.add(rect(0, 824, 600, 76, tar))
        sheet.billing(paint, 868, opacity=1)


def _lane(sheet: Sheet, cx: float, level: float) -> None:
    """The road, its edges and its broken line, all from one point on the horizon."""
    _, _, _, tar, paint = sheet.colors
    wide = sheet.w * (0.62 if sheet.poster else 0.42)
    sheet.add(poly([(cx - 3, level), (cx + 3, level), (cx + wide, sheet.h), (cx - wide, sheet.h)], tar))
    for side in (-1, 1):
        sheet.add(
            poly(
                [
                    (cx + side * 2, level),
                    (cx + side * 3, level),
                    (cx + side * wide * 0.93, sheet.h),
                    (cx + side * wide * 0.87, sheet.h),
                ],
                paint,
            )
        )
    for k in range(6):
        y0, y1 = (level + (sheet.h - level) * t**2.4 for t in ((k + 0.2) / 7, (k + 0.72) / 7))
        s0, s1 = ((y - level) / (sheet.h - level) * wide * 0.03 + 0.6 for y in (y0, y1))
        sheet.add(poly([(cx - s0, y0), (cx + s0, y0), (cx + s1, y1), (cx - s1, y1)], paint))


def _traffic(sheet: Sheet, cx: float, level: float, r: float) -> None:
    """A car, a walker, or birds."""
    _, sun, _, tar, _ = sheet.colors
    y = level + (sheet.h - level) * (0.36 if sheet.poster else 0.4)
    kind = sheet.kind // 9 % 3
    if kind == 0:
        sheet.add(
            cut(
                (
                    "M-2 0V-1.3Q-1.9 -1.8 -1.5 -1.9L-1.1 -3Q0 -3.3 1.1 -3L1.5 -1.9Q1.9 -1.8 2 "
                    "-1.3V0H1.5V.4H1V0H-1V.4H-1.5V0Z"
                ),
                blend(tar, "#000000", 0.6),
                cx - r * 0.22,
                y,
                r * 0.15,
            )
        )
        sheet.add(*(disc(cx - r * 0.22 + dx * r * 0.15, y - r * 0.15, r * 0.06, sun) for dx in (-1.4, 1.4)))
    elif kind == 1:
        sheet.add(cut(MAN if sheet.kind % 2 else GENTLEMAN, blend(tar, "#000000", 0.6), cx, level + r * 0.2, r * 0.085))
    else:
        for dx, dy, size in ((-0.9, -1.0, 0.13), (-0.5, -1.25, 0.09), (0.8, -0.85, 0.1)):
            sheet.add(cut(BIRD, tar, cx + dx * r, level + dy * r, size * r))


def searchlights(sheet: Sheet) -> None:
    night, sky, beam, earth, paper = sheet.colors
    cx, level, r = sheet.focus((0.5, 0.74, 0.1), (0.66, 0.8, 0.11))
    sheet.ground((0, night), (0.8, sky), (1, earth))
    along = f'gradientUnits="userSpaceOnUse" x1="0" y1="{n(level)}" x2="0" y2="{n(sheet.h * 0.1)}"'
    sheet.define(gradient("beam", [(0, beam, 0.85), (1, beam, 0)], along))
    aims = [-128, -104, -84, -58] if sheet.poster else [-140, -118, -96, -72, -48]
    for k, aim in enumerate(aims):
        x, a = cx + (k - 1.6) * r * 1.5, aim + sheet.rng.uniform(-9, 9)
        sheet.add(
            poly(
                [(x - 4, level), (x + 4, level), polar(x, level, sheet.h, a + 4.5), polar(x, level, sheet.h, a - 4.5)],
                "url(#beam)",
                fade(0.8),
            )
        )
    for dx, dy, size in ((0.5, -3.35, 0.26), (-1.3, -2.7, 0.2), (1.8, -2.8, 0.17))[: 1 + sheet.kind % 3]:
        sheet.add(cut(PLANE, earth, cx + dx * r, level + dy * r, size * r, turn=(-30, 30, 0)[sheet.kind // 3 % 3]))
    ridge = [(sheet.w * k / 16, level + sheet.rng.uniform(-0.2, 0.25) * r) for k in range(17)]
    sheet.add(poly([(0, sheet.h), *ridge, (sheet.w, sheet.h)], earth))
    kind = sheet.kind // 9 % 2
    count = 3 + sheet.kind // 18 % 4
    for k in range(count):
        x = cx + (k - (count - 1) / 2) * r * 0.62
        y = min(ridge, key=lambda point: abs(point[0] - x))[1] + r * 0.14
        sheet.add(
            cut(MAN if k % 2 or kind else GENTLEMAN, earth, x, y, r * 0.1),
            path(
                f"M{n(x + r * 0.1, y - r * 0.4)}l{n(r * 0.13, -r * 0.85)}",
                "none",
                f' stroke="{earth}" stroke-width="{n(r * 0.05)}"',
            ),
        )
    wires = "".join(
        (
            f"M{n(-20, level + r * (0.9 + 0.4 * k))}"
            f"Q{n(sheet.w / 2, level + r * (0.75 + 0.5 * k))} "
            f"{n(sheet.w + 20, level + r * (0.9 + 0.3 * k))}"
        )
        for k in range(2)
    )
    sheet.add(path(wires, "none", f' stroke="{blend(earth, sky, 0.55)}" stroke-width="2"'))
    if sheet.poster:
        style = (Style("slab", 0, leading=0.95), Style("gothic", 0.02))[sheet.kind // 6 % 2]
        sheet.add(sheet.layout(style, (44, 56, 512, 200)).svg(paper, beam))
        sheet.billing(paper)


WHEELS = Template(
    wheels,
    [
        ("#113a36", "#0a201e", "#f3dfb0", "#e2672f", "#2c6a5f"),
        ("#3a1616", "#1d0a0a", "#f5e0c0", "#f0a42b", "#7a2f26"),
        ("#1a2740", "#0c1424", "#eee3cb", "#d8402a", "#3c567f"),
        ("#2f2a22", "#17140f", "#f1e6cf", "#c98b2b", "#5d5443"),
    ],
)
ROAD = Template(
    road,
    [
        ("#7a2038", "#ffb24d", "#c0532f", "#2b1220", "#fff0cf"),
        ("#163a52", "#f6c85a", "#2f6f73", "#10222e", "#fbf3da"),
        ("#d9482f", "#ffe08a", "#8c2a22", "#2a1014", "#fff3dc"),
        ("#27204a", "#ff7d6b", "#46306e", "#151028", "#f7e9f2"),
        ("#3b5a3a", "#f2d873", "#6f7d3a", "#1b2417", "#f6f0d6"),
    ],
)
SEARCHLIGHTS = Template(
    searchlights,
    [
        ("#0d1420", "#3d5369", "#f3e6bd", "#0a0e14", "#f2ead6"),
        ("#1a0d0b", "#8a3a24", "#ffd79a", "#150a08", "#f9e8cf"),
        ("#141a10", "#5c6638", "#eff0c0", "#0d1109", "#f1efd9"),
        ("#17171b", "#6d6a66", "#f4efe2", "#101012", "#f2ede2"),
    ],
)
