"""Western, history and adventure: a dotted sun behind mountains; a row of arches."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import GENTLEMAN, LADY, RIDER, STROLLER, WOMAN
from cinema.artwork.shapes import blend, cut, disc, fade, gradient, n, path, poly, rect, ring
from cinema.artwork.sheet import Sheet, Template

MESA = "M-1.5 1.2L-1.1 .4H-.95L-.8 -.55H-.7L-.66 -.62H.5L.56 -.5H.66L.85 .4H1.05L1.5 1.2Z"
SPIRE = "M-.6 1.2L-.3 .5L-.22 -.9L-.1 -1H.12L.2 -.86L.3 .5L.62 1.2Z"
PEAK = "M-1.1 1.2L-.42 .52L-.3 .4L0 0L.22 .3L.36 .36L1.15 1.2Z"
SNOW = "M-.42 .52L-.3 .4L0 0L.22 .3L.36 .36L.2 .5L.06 .4L-.1 .62L-.24 .46Z"
PYRAMID = "M-1.3 1.2L0 -.1L1.3 1.2Z"
CACTUS = "M-.12 1V.2H-.45Q-.6 .2 -.6 .05V-.4H-.36V-.05H-.12V-.9Q0 -1.1 .12 -.9V.15H.34V-.5H.58V.25Q.58 .4 .42 .4H.12V1Z"


def halftone(sheet: Sheet) -> None:
    snow, ink, gold, slate, white = sheet.colors
    side = (0.5, 0.62, 0.38)[sheet.kind % 3]
    cx, cy, r = sheet.focus((side, 0.53, 0.22), (0.66, 0.44, 0.33))
    sheet.ground((0, snow))
    step = r / 11
    for k in range(10):  # each ring of dots is one circle, dashed with round caps
        away, dot = r + step * (0.8 + k * 1.05), step * 0.86 * (1 - k / 10.5)
        pitch = away * 6.2832 / round(away * 6.2832 / (step * 1.12))
        sheet.add(ring(cx, cy, away, gold, dot, f' stroke-linecap="round" stroke-dasharray="0 {pitch:.3f}"'))
    sheet.add(disc(cx, cy, r, gold))
    land = (_mountains, _mesas, _pyramids)[sheet.kind // 3 % 3]
    land(sheet, cx, cy, r)
    base = cy + r * 1.24
    dune = (
        f"M0 {n(base + r * 0.1)}C{n(sheet.w * 0.3, base - r * 0.2)} "
        f"{n(sheet.w * 0.6, base + r * 0.25)} {n(sheet.w, base - r * 0.05)}V{n(sheet.h)}H0Z"
    )
    sheet.add(path(dune, white if land is _mountains else blend(gold, ink, 0.18)))
    who = sheet.kind // 9 % 3
    if who == 0:
        sheet.add(cut(RIDER, ink, cx - r * 0.3, base + r * 0.4, r * 0.046, flip=sheet.kind % 2 == 0))
    elif who == 1:  # seven small walkers in a line
        for k in range(7):
            sheet.add(
                cut(
                    (GENTLEMAN, STROLLER, WOMAN)[k % 3],
                    ink,
                    cx - r * 0.7 + k * r * 0.22,
                    base + r * 0.13,
                    r * 0.026 * sheet.rng.uniform(0.9, 1.1),
                )
            )
    else:
        sheet.add(
            cut(
                CACTUS if land is _mesas else STROLLER,
                ink,
                cx + r * 0.75,
                base + r * 0.1,
                r * (0.3 if land is _mesas else 0.05),
            )
        )
    if sheet.poster:
        sheet.add(rect(0, 836, 600, 64, white if land is _mountains else blend(gold, ink, 0.18)))
        style = (Style("slab", 0.01, leading=0.95), Style("fat", 0.03, leading=0.95))[sheet.kind // 27 % 2]
        sheet.add(sheet.layout(style, (52, 48, 496, 186)).svg(ink, slate))
        sheet.billing(ink, 868, opacity=1)


def _mountains(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, _, slate, white = sheet.colors
    for dx, dy, size, color in ((-1.0, 0.05, 1.5, slate), (1.15, 0.2, 1.3, slate), (0.1, 0.35, 1.5, ink)):
        size *= sheet.rng.uniform(0.88, 1.12)
        sheet.add(
            cut(PEAK, color, cx + dx * r, cy + dy * r, size * r), cut(SNOW, white, cx + dx * r, cy + dy * r, size * r)
        )


def _mesas(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, gold, slate, _ = sheet.colors
    far = blend(slate, gold, 0.35)
    for shape, dx, dy, size, color in (
        (MESA, -1.25, 0.5, 0.8, far),
        (SPIRE, 0.2, 0.6, 0.62, far),
        (MESA, 1.2, 0.35, 0.9, slate),
        (SPIRE, -0.55, 0.55, 0.75, ink),
    ):
        sheet.add(cut(shape, color, cx + dx * r + sheet.rng.uniform(-0.2, 0.2) * r, cy + dy * r, size * r))
    sheet.add(rect(0, cy + r * 1.12, sheet.w, r, slate))


def _pyramids(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, _, slate, white = sheet.colors
    for dx, size in ((-0.9, 0.8), (0.95, 0.62), (0.15, 1.0)):
        x, y = cx + dx * r, cy + r * (1.2 - 1.1 * size)
        sheet.add(cut(PYRAMID, slate, x, y, size * r), cut("M0 -.1L1.3 1.2H.35Z", ink, x, y, size * r))


def arches(sheet: Sheet) -> None:
    sky, _, shade, floor, ink = sheet.colors
    cx, foot, r = sheet.focus((0.5, 0.72, 0.06), (0.66, 0.76, 0.08))
    sheet.ground((0, shade))
    lean = (-0.35, 0, 0.35)[sheet.kind % 3]
    _openings(sheet, cx, foot, r, lean)
    _light_and_walker(sheet, cx + lean * r * 2.5, foot, r)
    if sheet.poster:
        style = (
            Style("fat", 0.02, leading=0.95),
            Style("italic", 0, upper=False, leading=0.98),
            Style("deco", 0, leading=0.95),
        )[sheet.kind // 108 % 3]
        title = sheet.layout(style, (52, 44, 496, 150))
        sheet.add(rect(0, 0, 600, title.box.bottom + 44, ink), title.svg(sky, floor), rect(0, 826, 600, 74, ink))
        sheet.billing(sky, 869)


def _openings(sheet: Sheet, cx: float, foot: float, r: float, lean: float) -> None:
    """Six openings, one inside the other: round, square or pointed."""
    sky, wall, shade, _, _ = sheet.colors
    depth = 6
    for k in range(depth, 0, -1):  # from the nearest opening to the farthest
        t = k / depth
        half, top, base = r * (0.9 + 4.6 * t**1.6), foot - r * (3.4 + 7.4 * t**1.5), foot + r * 3.2 * t**1.6
        x = cx + lean * r * (1 - t) * 3
        opening = f"M{n(x - half, base)}V{n(top + half)}A{n(half, half)} 0 0 1 {n(x + half, top + half)}V{n(base)}Z"
        if sheet.kind // 3 % 3 == 1:
            opening = f"M{n(x - half, base)}V{n(top + half * 0.3)}H{n(x + half)}V{n(base)}Z"
        elif sheet.kind // 3 % 3 == 2:
            opening = (
                f"M{n(x - half, base)}V{n(top + half * 1.3)}Q{n(x - half, top + half * 0.4)} "
                f"{n(x, top - half * 0.2)}Q{n(x + half, top + half * 0.4)} "
                f"{n(x + half, top + half * 1.3)}V{n(base)}Z"
            )
        sheet.add(path(opening, sky if k == 1 else blend(wall, shade, t * (0.95 if k % 2 else 0.75))))


def _light_and_walker(sheet: Sheet, x: float, foot: float, r: float) -> None:
    """The light that falls through the last opening, and a person with a long shadow in it."""
    floor, ink = sheet.colors[3:]
    sheet.define(gradient("fall", [(0, floor, 1), (1, floor, 0.1)]))
    sheet.add(
        poly(
            [
                (x - r * 0.95, foot + r * 0.2),
                (x + r * 0.95, foot + r * 0.2),
                (x + r * 3.2, foot + r * 4.6),
                (x - r * 3.8, foot + r * 4.6),
            ],
            "url(#fall)",
            fade(0.8),
        )
    )
    who = (GENTLEMAN, LADY, STROLLER, WOMAN)[sheet.kind // 9 % 4]
    y, size = foot + r * 0.5, r * 0.2
    sheet.add(
        (
            f'<path transform="translate({n(x, y)}) skewX({(-20, 0, 20)[sheet.kind // 36 % 3]}) '
            f'scale({size:.2f} {-size * 1.9:.2f})" d="{who}" fill="{ink}" opacity=".55"/>'
        ),
        cut(who, ink, x, y, size),
    )


HALFTONE = Template(
    halftone,
    [
        ("#e9eef0", "#1b2a36", "#e5a823", "#5c7787", "#ffffff"),
        ("#f6e3c3", "#3a1712", "#e2672f", "#a4472a", "#fff3df"),
        ("#f3d9a4", "#2b1c2e", "#d8472f", "#7d4a5c", "#fff0d0"),
        ("#dfe6d2", "#1e2b20", "#e9b52f", "#5f7a55", "#fbfaf0"),
        ("#f2cfc0", "#2a1631", "#f2a03d", "#80507a", "#fff1e8"),
    ],
)
ARCHES = Template(
    arches,
    [
        ("#f6d68a", "#c97a4a", "#5a2a22", "#f3c27a", "#1f0f10"),
        ("#cfe6e8", "#7fa0a8", "#23404c", "#e8e2c4", "#0e1a20"),
        ("#f5c6a8", "#a25a78", "#3a1c40", "#f7dcb6", "#170b1c"),
        ("#f0ead2", "#a9a67f", "#3d4230", "#e9d98f", "#151810"),
        ("#fbe7c0", "#d14b3a", "#5e1420", "#f4b45f", "#1c070c"),
    ],
)
