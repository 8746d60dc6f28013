"""Romance: a low sun over the sea, and a title in handwriting."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import GENTLEMAN, LADY, SAIL, WOMAN
from cinema.artwork.shapes import blend, cut, disc, fade, gradient, n, path, rect
from cinema.artwork.sheet import Sheet, Template


def horizon(sheet: Sheet) -> None:
    plum, rose, orange, gold, deep = sheet.colors
    side = (0.5, 0.38, 0.62)[sheet.kind % 3]
    cx, level, r = sheet.focus((side, 0.60, 0.2), (0.66, 0.64, 0.34))
    sheet.define(
        gradient("sky", [(0, plum, 1), (0.42, rose, 1), (0.76, orange, 1), (1, gold, 1)]),
        gradient("sun", [(0, blend(gold, "#ffffff", 0.75), 1), (1, orange, 1)]),
        gradient("sea", [(0, rose, 1), (1, plum, 1)]),
        f'<clipPath id="above"><path d="M0 0H{sheet.w}V{n(level)}H0Z"/></clipPath>',
    )
    sheet.add(rect(0, 0, sheet.w, level, "url(#sky)"), '<g clip-path="url(#above)">')
    high = r * (0.18, 0.3 if sheet.poster else 0.7, -0.25)[sheet.kind // 3 % 3]
    sheet.add(*(disc(cx, level - high, r * (1 + 0.24 * k), gold, fade(0.15 - 0.02 * k)) for k in range(5, 0, -1)))
    sheet.add(disc(cx, level - high, r, "url(#sun)"), "</g>")
    cloud = "M-1 0H1a.1 .1 0 0 0 0 -.2H.5a.14 .14 0 0 0 -.2 -.16H-.3a.12 .12 0 0 0 -.1 .16H-1a.1 .1 0 0 0 0 .2Z"
    for dx, up, wide in ((-1.25, 1.3, 0.5), (0.75, 1.65, 0.42), (1.45, 0.62, 0.6), (-1.7, 0.42, 0.4)):
        sheet.add(
            cut(cloud, gold, cx + (dx + sheet.rng.uniform(-0.3, 0.3)) * r, level - up * r, wide * r, extra=fade(0.34))
        )
    sheet.add(rect(0, level, sheet.w, sheet.h - level, "url(#sea)"))
    _glitter(sheet, cx, level, r)
    _meeting(sheet, cx, level, r)
    if sheet.poster:
        style = (Style("italic", 0, upper=False, leading=0.98), Style("moda", 0, upper=False, leading=0.98))[
            sheet.kind // 27 % 2
        ]
        sheet.add(sheet.layout(style, (50, 66, 500, 220)).svg(blend(gold, "#ffffff", 0.65)))
        sheet.billing(gold)


def _glitter(sheet: Sheet, cx: float, level: float, r: float) -> None:
    gold, y, end = sheet.colors[3], level + 4, 822 if sheet.poster else sheet.h
    while y < end:
        t = (y - level) / (sheet.h - level)
        wide, thick = r * (1.9 - 1.25 * t) * sheet.rng.uniform(0.75, 1.12), 3 + 9 * t
        x = cx - wide / 2 + sheet.rng.uniform(-0.06, 0.06) * r
        sheet.add(rect(x, y, wide, thick, gold, f' rx="{n(thick / 2)}"{fade(0.95 - 0.7 * t)}'))
        y += thick * 1.9 + 2 + 10 * t


def _meeting(sheet: Sheet, cx: float, level: float, r: float) -> None:
    """A sail, two people on a jetty, or two sails."""
    deep, light = sheet.colors[4], blend(sheet.colors[3], "#ffffff", 0.6)
    coast = (
        f"M0 {n(level + 1)}c{n(sheet.w * 0.12, -sheet.h * 0.06)} "
        f"{n(sheet.w * 0.2, -sheet.h * 0.012)} {n(sheet.w * 0.33, 0)}Z"
    )
    kind = sheet.kind // 9 % 3
    if kind == 1:
        y, size = level + r * 0.62, r * 0.075
        legs = "".join(
            f"M{n(cx - r * 1.25 + k * r * 0.5, y)}v{n(r * 0.34)}h{n(r * 0.06)}v{n(-r * 0.34)}Z" for k in range(5)
        )
        jetty = f"M{n(-10, y)}H{n(cx + r * 1.1)}v{n(r * 0.08)}H-10Z"
        sheet.add(
            path(jetty + legs, deep),
            cut(GENTLEMAN, deep, cx - r * 0.16, y + 1, size),
            cut(WOMAN if sheet.kind % 2 else LADY, deep, cx + r * 0.16, y + 1, size * 0.93),
        )
        return
    sheet.add(path(coast, deep, fade(0.85)), cut(SAIL, light, cx - r * 0.6, level + r * 0.2, r * 0.15))
    if kind == 2:
        sheet.add(cut(SAIL, deep, cx + r * 0.5, level + r * 0.4, r * 0.2, flip=True))


HORIZON = Template(
    horizon,
    [
        ("#2b0f2f", "#c2405b", "#f58d5a", "#ffd79a", "#4a1942"),
        ("#0f2340", "#3a6a9c", "#e9a08a", "#ffe2b0", "#0d1a30"),
        ("#14302e", "#3f8f80", "#e8c06a", "#fff0bd", "#0c2220"),
        ("#3a1140", "#8c3a8f", "#f07fa8", "#ffdCd2".lower(), "#2a0b33"),
        ("#40120f", "#b5382a", "#ef8a2f", "#ffdf8a", "#2e0b0b"),
    ],
)
