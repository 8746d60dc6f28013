"""Streets: a wall of windows at night, a blind with a face behind it."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import GENTLEMAN, WOMAN
from cinema.artwork.shapes import blend, cut, disc, glow, gradient, n, path, rect
from cinema.artwork.sheet import Sheet, Template

BUST = "M-3 6Q-3 2.4 -.9 1.6L-.8 .9Q-1.5 .2 -1.4 -.9Q-1.3 -2.2 0 -2.2Q1.3 -2.2 1.4 -.9Q1.5 .2 .8 .9L.9 1.6Q3 2.4 3 6Z"
BRIM = "M-2.6 -1.2Q0 -2 2.6 -1.2Q0 -.7 -2.6 -1.2ZM-1.4 -1.4L-1.2 -3Q0 -2.5 1.2 -3L1.4 -1.4Z"
WAVES = "M-1.5 1Q-2.3 -2.7 0 -2.7Q2.3 -2.7 1.5 1Q1.7 -1 .6 -1.5Q-.6 -1 -1.2 -.9Q-1.4 0 -1.5 1Z"


def windows(sheet: Sheet) -> None:
    wall, blind, lit, figure, paper = sheet.colors
    sheet.ground((0, wall))
    columns, rows = (4, 4) if sheet.poster else (8, 4)
    top, foot = (34, 618) if sheet.poster else (-20, 920)
    pitch, tall = sheet.w / columns, (foot - top) / rows
    star = (1 + sheet.kind % 2, 1 + sheet.kind // 3 % 2) if sheet.poster else (5 + sheet.kind % 2, 1)
    for row in range(rows):
        for column in range(columns):
            x, y = column * pitch + pitch * 0.13, top + row * tall + tall * 0.1
            w, h = pitch * 0.74, tall * 0.8
            if (column, row) == star:
                _lit_window(sheet, x, y, w, h)
                continue
            dim = sheet.rng.random()
            shade = blend(wall, blind, 0.5 + 0.5 * dim) if dim < 0.84 else blend(blind, lit, 0.4)
            drawn = sheet.rng.choice([0.15, 0.3, 0.55, 0.8])
            sheet.add(rect(x, y, w, h, shade), rect(x, y, w, h * drawn, blend(shade, paper, 0.14)))
            sheet.add(
                path(
                    f"M{n(x + w / 2, y)}v{n(h)}M{n(x, y + h * drawn)}h{n(w)}",
                    "none",
                    f' stroke="{wall}" stroke-width="4"',
                )
            )
            sheet.add(rect(x - 5, y + h, w + 10, 5, blend(wall, blind, 0.75)))
    if sheet.poster:
        title = sheet.layout(Style("gothic", 0.01), (44, 652, 512, 172), anchor="start", stand="bottom")
        sheet.add(rect(0, 634, 600, 266, wall), title.svg(paper, lit))
        sheet.billing(paper, x=44, anchor="start")


def _lit_window(sheet: Sheet, x: float, y: float, w: float, h: float) -> None:
    wall, _, lit, figure, _ = sheet.colors
    sheet.define(glow("spill", [(0, lit, 0.6), (1, lit, 0)]))
    sheet.add(
        disc(x + w / 2, y + h / 2, h * 1.25, "url(#spill)"),
        rect(x - 5, y - 5, w + 10, h + 10, wall),
        rect(x, y, w, h, lit),
    )
    cx, unit = x + w * (0.36 if sheet.kind % 2 else 0.64), w * 0.075
    sheet.add(f'<clipPath id="pane"><path d="M{n(x, y)}h{n(w)}v{n(h)}h{n(-w)}Z"/></clipPath><g clip-path="url(#pane)">')
    sheet.add(
        cut(BUST + (BRIM, WAVES, "")[sheet.kind // 2 % 3], figure, cx, y + h - 5.2 * unit, unit, extra=""), "</g>"
    )
    sheet.add(
        path(f"M{n(x + w / 2, y)}v{n(h)}M{n(x, y + h * 0.3)}h{n(w)}", "none", f' stroke="{wall}" stroke-width="4"')
    )


def slats(sheet: Sheet) -> None:
    black, wine, ivory, crimson, _ = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.34, 0.225), (0.66, 0.5, 0.35))
    step = sheet.h / (24 if sheet.poster else 19)
    tilt = (-5, 0, 0, 5)[sheet.kind // 3 % 4]
    gaps = "".join(
        f"M{n(-200, k * step)}H{n(sheet.w + 200)}v{n(step * 0.64)}H-200Z" for k in range(-3, int(sheet.h / step) + 4)
    )
    sheet.ground((0, black))
    sheet.define(
        gradient("dusk", [(0, wine, 1), (1, black, 1)]),
        f'<clipPath id="gaps"><path transform="rotate({tilt} {n(cx, cy)})" d="{gaps}"/></clipPath>',
    )
    sheet.add('<g clip-path="url(#gaps)">', rect(0, 0, sheet.w, sheet.h, "url(#dusk)"), disc(cx, cy, r * 1.28, crimson))
    (_profile, _stranger, _keyhole)[sheet.kind % 3](sheet, cx, cy, r)
    sheet.add(
        "</g>",
        path(f"M{n(sheet.w * 0.9)} 0v{n(sheet.h)}", "none", f' stroke="{ivory}" stroke-width="1.5" opacity=".35"'),
    )
    if sheet.poster:
        style = (Style("moda", 0, upper=False, leading=0.98), Style("deco", 0.01, leading=0.94))[sheet.kind // 12 % 2]
        sheet.add(rect(0, 604, 600, 296, black))
        sheet.add(sheet.layout(style, (44, 632, 512, 190), anchor="start", stand="bottom").svg(ivory, crimson))
        sheet.billing(ivory, 866, x=44, anchor="start")


def _profile(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    """A head with bobbed hair, in profile."""
    black, _, ivory, crimson, _ = sheet.colors
    flip = sheet.kind // 6 % 2 == 0
    face = (
        "M-.62 .72C-.98 -.2 -.7 -.98 0 -.98C.5 -.98 .78 -.6 .74 -.22L.62 -.18L.74 .14L.6 "
        ".2L.62 .34L.5 .42C.54 .66 .36 .7 .14 .62"
        "L.2 1.05L.9 1.5V5H-1.3V1.5L-.3 1.1Z"
    )
    hair = (
        "M.72 -.26C.86 -1.06 -.1 -1.3 -.66 -.78C-1.08 -.3 -.9 .5 -.74 .86L-.2 .8C.1 .62 .34 "
        ".36 .3 .16C0 .2 -.08 -.12 .02 -.3Z"
    )
    sheet.add(cut(face, ivory, cx, cy, r, flip=flip), cut(hair, black, cx, cy, r, flip=flip))
    sheet.add(cut("M.44 -.12q.1 -.07 .2 -.01q-.1 .06 -.2 .01Z", black, cx, cy, r, flip=flip))
    sheet.add(cut("M.46 .28q.06 -.03 .14 0q-.06 .05 -.14 0Z", crimson, cx, cy, r, flip=flip))


def _stranger(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    """A hat, a collar, and half a face."""
    black, wine, ivory, crimson, _ = sheet.colors
    sheet.add(
        cut("M-.55 -.5H.55V.25Q.5 .9 0 1Q-.5 .9 -.55 .25Z", ivory, cx, cy, r),
        cut("M0 -.5H.55V.25Q.5 .9 0 1Z", blend(ivory, black, 0.75), cx, cy, r),
    )
    sheet.add(
        cut(
            (
                "M-1.2 -.42Q0 -.85 1.2 -.42Q.6 -.16 0 -.2Q-.6 -.16 -1.2 -.42ZM-.66 -.55L-.55 "
                "-1.15Q-.2 -1.35 0 -1.18Q.2 -1.35 .55 -1.15L.66 -.55Z"
            ),
            black,
            cx,
            cy,
            r,
        )
    )
    sheet.add(cut("M-.64 -.66Q0 -.9 .64 -.66L.66 -.54Q0 -.78 -.66 -.54Z", crimson, cx, cy, r))
    sheet.add(
        cut("M-.7 .5L-.35 .75L0 1.25L.35 .75L.7 .5L.85 1L2 1.5V5H-2V1.5L-.85 1Z", black, cx, cy, r),
        cut("M-.42 .08q.14 -.1 .28 0q-.14 .07 -.28 0Z", black, cx, cy, r),
    )


def _keyhole(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    """A person seen through a keyhole."""
    black, _, ivory, crimson, _ = sheet.colors
    sheet.add(
        path(
            (
                f"M{n(cx - r * 0.32, cy + r * 0.1)}A{n(r * 0.62, r * 0.62)} 0 1 1 "
                f"{n(cx + r * 0.32, cy + r * 0.1)}L{n(cx + r * 0.62, cy + r * 1.2)}H{n(cx - r * 0.62)}"
                "Z"
            ),
            ivory,
        )
    )
    sheet.add(cut(WOMAN if sheet.kind // 6 % 2 else GENTLEMAN, black, cx, cy + r * 1.1, r * 0.125))


WINDOWS = Template(
    windows,
    [
        ("#141b2d", "#3d4f75", "#ffc94d", "#3a1d12", "#f3ead8"),
        ("#2a1420", "#74405a", "#ff9b54", "#2a0d10", "#f7e6d3"),
        ("#10231f", "#3b6657", "#e9e27a", "#14201a", "#eef0dc"),
        ("#24221f", "#645e52", "#f25f3a", "#1b0f0c", "#efe7da"),
    ],
)
SLATS = Template(
    slats,
    [
        ("#12080b", "#8e1230", "#f4e9df", "#d4264b", "#2b0d15"),
        ("#0a0f14", "#1f4a63", "#f3ecd8", "#e0a12e", "#0d1c26"),
        ("#0d0d0d", "#4a4740", "#f1eadb", "#d8402a", "#1a1a1a"),
        ("#0b120e", "#1d5a45", "#f0efd9", "#6fbf8f", "#0d1f18"),
    ],
)
