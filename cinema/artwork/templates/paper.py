"""Fantasy and animation: layers of cut paper under a moon; a paper boat on a paper sea."""

from __future__ import annotations

import math

from cinema.artwork.lettering import Style
from cinema.artwork.shapes import blend, cut, disc, fade, glow, n, path, poly, rect
from cinema.artwork.sheet import Sheet, Template

DOMES = (
    "M-.5 .8V-.9H-.56C-.72 -1.4 -.16 -1.5 0 -2C.16 -1.5 .72 -1.4 .56 -.9H.5V.8ZM-.95 "
    ".8V-1.7H-1C-.95 -1.95 -.9 -2 -.86 -2.2"
    "C-.82 -2 -.77 -1.95 -.72 -1.7H-.77V.8ZM.77 .8V-1.7H.72C.77 -1.95 .82 -2 .86 -2.2C.9 -2 .95 -1.95 1 -1.7H.95V.8Z"
)
CASTLE = (
    "M-1 .8V-1H-.9V-1.15H-.75V-1H-.6V-1.15H-.5V-.5H-.25V-1.7L0 -2.5L.25 "
    "-1.7V-.5H.5V-1.3L.75 -2L1 -1.3V.8ZM-.06 -2.45H.4L.3 -2.32L.4 -2.2H-.06Z"
)
PALM = (
    "M-.08 .8Q.1 -.4 .02 -1.3L.14 -1.3Q.24 -.3 .12 .8ZM.06 -1.3C-.3 -1.8 -.8 -1.7 -1.05 "
    "-1.2C-.7 -1.4 -.3 -1.4 .06 -1.25C-.35 -1.2 -.7 -.9 -.75 -.4"
    "C-.5 -.8 -.2 -1.05 .08 -1.22C.4 -1.05 .7 -.8 .9 -.4C.85 -.9 .5 -1.2 .1 -1.25C.5 "
    "-1.45 .85 -1.4 1.2 -1.2C.95 -1.7 .4 -1.8 .08 -1.3C.2 -1.7 .1 -2.1 -.25 -2.3C-.2 "
    "-1.9 -.1 -1.6 .06 -1.3Z"
)
PINE = "M0 -2.2L.5 -1.3H.25L.7 -.5H.35L.85 .4H.1V.8H-.1V.4H-.85L-.35 -.5H-.7L-.25 -1.3H-.5Z"
TOWER = "M-.3 .8L-.2 -1.3H-.34V-1.5H-.16L0 -1.9L.16 -1.5H.34V-1.3H.2L.3 .8Z"
BALLOON = "M0 1C-.2 .6 -.9 .1 -.9 -.5A.9 .9 0 1 1 .9 -.5C.9 .1 .2 .6 0 1ZM-.2 1.15H.2V1.45H-.2Z"
DRAGON = (
    "M-2.4 .3Q-1.5 -.4 -.8 -.1L-1.3 -1.5Q-.3 -1.2 .1 -.3Q.5 -1.3 1.4 -1.6L.9 -.1Q1.3 -.3 "
    "1.6 -.7L1.7 -1.05L1.9 -.75L2.6 -.5L2 -.35Q1.6 .4 .8 .5Q-.2 .6 -1 .3Q-1.7 .2 -2 "
    ".7L-2.5 .75Z"
)
ROCKET = (
    "M0 -1.6C.6 -1 .6 -.1 .45 .7H-.45C-.6 -.1 -.6 -1 0 -1.6ZM-.45 .1L-.9 1L-.4 .85ZM.45 "
    ".1L.9 1L.4 .85ZM-.2 .85H.2L0 1.6Z"
)
GROWN = (DOMES, CASTLE, PALM, PINE, TOWER)
FLYERS = ("", BALLOON, DRAGON, ROCKET)


def papercut(sheet: Sheet) -> None:
    night, dusk, moon, mid, warm = sheet.colors
    side = (0.5, 0.36, 0.66)[sheet.kind % 3]
    cx, cy, r = sheet.focus((side, 0.525, 0.165), (0.68, 0.40, 0.28))
    sheet.ground((0, night), (0.55, dusk), (1, mid))
    sheet.define(glow("halo", [(0, moon, 0.6), (0.45, moon, 0.16), (1, moon, 0)]))
    for _ in range(60 if sheet.poster else 110):
        x, y = sheet.rng.uniform(0, sheet.w), sheet.rng.uniform(0, sheet.h * 0.62)
        sheet.add(disc(x, y, sheet.rng.choice([1, 1.2, 1.6, 2.4]), moon, fade(sheet.rng.uniform(0.35, 0.95))))
    sheet.add(disc(cx, cy, r * 2.5, "url(#halo)"), disc(cx, cy, r, moon))
    if sheet.kind // 3 % 3 == 0:
        sheet.add(disc(cx + r * 0.34, cy - r * 0.16, r * 0.92, blend(dusk, night, 0.3)))
    if flyer := FLYERS[sheet.kind // 9 % 4]:
        sheet.add(
            cut(
                flyer,
                warm,
                cx + r * 0.1,
                cy + r * 0.06,
                r * 0.42,
                turn=(-18, 0, 24)[sheet.kind // 36 % 3] if flyer != BALLOON else 0,
            )
        )
    _sheets(sheet, cx)
    if sheet.poster:
        sheet.add(sheet.layout(Style("fat", 0, upper=False, leading=0.95), (44, 52, 512, 236)).svg(moon, warm))
        sheet.billing(moon)


def _sheets(sheet: Sheet, cx: float) -> None:
    night, _, moon, mid, warm = sheet.colors
    grown = GROWN[sheet.kind // 108 % 5]
    for k in range(5):
        base = sheet.h * ((0.60 + 0.078 * k) if sheet.poster else (0.64 + 0.088 * k))
        amp, phase = sheet.h * (0.05 - 0.005 * k), sheet.rng.uniform(0, 6)
        ridge = [
            (
                x,
                base
                + amp * math.sin(x / sheet.w * (4 + k) + phase)
                + amp * 0.4 * math.sin(x / sheet.w * 13 + phase * 2),
            )
            for x in (sheet.w * i / 24 for i in range(25))
        ]
        shade = blend(mid, night, 0.25 * k)
        if k in (1, 2, 3):
            spots = (0.1, 0.27, 0.78, 0.93) if sheet.poster else (0.12, 0.3, 0.46, 0.86, 0.95)
            for at in sheet.rng.sample(spots, 3 if grown in (PINE, PALM) else 2):
                x = sheet.w * (at + sheet.rng.uniform(-0.05, 0.05))
                y = min(ridge, key=lambda point: abs(point[0] - x))[1]
                size = sheet.h * (0.042 + 0.016 * k) * sheet.rng.uniform(0.8, 1.15)
                sheet.add(cut(grown, shade, x, y - size * 0.2, size, flip=sheet.rng.random() < 0.5))
                if grown in (DOMES, CASTLE, TOWER):
                    sheet.add(rect(x - size * 0.09, y - size * 0.75, size * 0.18, size * 0.3, warm if k == 1 else moon))
        sheet.add(poly([(0, sheet.h), *ridge, (sheet.w, sheet.h)], shade))


def boat(sheet: Sheet) -> None:
    sky, sun, sail, sea, deep = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.56, 0.1), (0.67, 0.56, 0.14))
    sheet.ground((0, sky))
    kind = sheet.kind % 3
    sx, sy, sr = cx + (-1.4, 0.9, 0)[kind] * r, cy - (2.0, 1.9, 1.2)[kind] * r, r * (0.9, 0.7, 2.3)[kind]
    sheet.add(disc(sx, sy, sr, sun))
    rows = 8
    for k in range(rows):
        if k == 2:
            tilt = (-9, 6, 12)[sheet.kind // 3 % 3]
            sheet.add(cut("M-2.2 -.9L-1.2 .9H1.2L2.2 -.9L.95 -.42L0 -1.9L-.95 -.42Z", sail, cx, cy, r, turn=tilt))
            sheet.add(
                cut("M0 -1.9L.95 -.42L0 .1L-.95 -.42Z", blend(sail, deep, 0.16), cx, cy, r, turn=tilt),
                cut("M0 -1.9V.1L-.95 -.42Z", blend(sail, deep, 0.3), cx, cy, r, turn=tilt),
            )
            sheet.add(cut("M2.2 -.9L1.2 .9H0V.1L.95 -.42Z", blend(sail, deep, 0.1), cx, cy, r, turn=tilt))
        y = cy + r * (-0.15 + 0.62 * k)
        length, rise = r * (1.9 + 0.35 * k), r * (0.3 + 0.05 * k)
        x = -length * sheet.rng.uniform(0.1, 1)
        wave = f"M{n(x, y)}" + "".join(
            f"q{n(length / 4, -rise)} {n(length / 2, 0)}t{n(length / 2, 0)}"
            for _ in range(int((sheet.w + length) / length) + 2)
        )
        sheet.add(path(f"{wave}V{n(sheet.h)}H0Z", blend(sea, deep, k / (rows - 1))))
    if sheet.poster:
        style = (
            Style("plain", 0.05, leading=1.05),
            Style("fat", 0, upper=False, leading=0.96),
            Style("moda", 0, upper=False, leading=0.98),
        )[sheet.kind // 9 % 3]
        sheet.add(sheet.layout(style, (48, 56, 504, 210)).svg(deep, blend(deep, sea, 0.3)))
        sheet.billing(sky)


PAPERCUT = Template(
    papercut,
    [
        ("#0d1b2a", "#1b3a4b", "#f6e7b4", "#2f6f73", "#e46f4a"),
        ("#1c0f33", "#4b1d63", "#ffcf7a", "#8c2f6b", "#f2705c"),
        ("#06201a", "#0e4033", "#f3e3a1", "#1f6a4a", "#e8853d"),
        ("#2b0f14", "#8a2b2b", "#ffe3ad", "#c9543a", "#f7a24e"),
        ("#10204a", "#3f6fb0", "#fff3d0", "#79a7c9", "#ef6d5b"),
    ],
)
BOAT = Template(
    boat,
    [
        ("#f2e6cf", "#e8563f", "#ffffff", "#5fa0a8", "#153545"),
        ("#f6c9a8", "#f7ebcf", "#fff8ee", "#d4675a", "#43172f"),
        ("#cfe3df", "#f3c34f", "#fffdf5", "#3f7f8c", "#0f2c3d"),
        ("#e6e2da", "#c9b68c", "#ffffff", "#8a8f95", "#23282e"),
    ],
)
