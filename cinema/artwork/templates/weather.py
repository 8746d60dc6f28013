"""Drama: one or two people in the rain."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import GENTLEMAN, MAN, STROLLER, UMBRELLA, WOMAN
from cinema.artwork.shapes import blend, clearest, cut, disc, fade, glow, gradient, n, oval, path, poly, rect
from cinema.artwork.sheet import Sheet, Template


def rain(sheet: Sheet) -> None:
    sky, far, light, figure, paper = sheet.colors
    cx, foot, r = sheet.focus(((0.5, 0.36, 0.64)[sheet.kind % 3], 0.78, 0.03), (0.67, 0.84, 0.045))
    sheet.ground((0, sky), (1, far))
    sheet.define(
        glow("lamp", [(0, light, 0.95), (0.4, light, 0.35), (1, light, 0)]),
        gradient("wet", [(0, light, 0.75), (1, light, 0)]),
    )
    kind = sheet.kind // 3 % 3
    lx = cx + r * (3.4 if sheet.kind % 2 else -3.4)
    if kind == 0:
        sheet.add(
            disc(lx, foot - r * 14.6, r * 9, "url(#lamp)"),
            poly([(lx, foot - r * 14.6), (lx - r * 7, foot), (lx + r * 7, foot)], "url(#wet)", fade(0.5)),
        )
        sheet.add(
            rect(lx - r * 0.14, foot - r * 14.4, r * 0.28, r * 14.4, figure),
            cut("M-1 0L-.5 -1H.5L1 0Z", figure, lx, foot - r * 14.3, r * 0.9),
        )
    elif kind == 1:
        sheet.add(disc(cx, foot - r * 7.2, r * 6.8, light))
    else:
        sheet.add(rect(cx - r * 4.2, foot - r * 15, r * 8.4, r * 15, light))
    sheet.add(
        rect(0, foot, sheet.w, sheet.h, blend(far, figure, 0.45)),
        oval(cx, foot + r * 1.1, r * 6, r * 0.75, light, fade(0.4)),
    )
    slant = (-0.22, 0.16, 0.3)[sheet.kind // 9 % 3]
    for thick, seen in ((1.2, 0.35), (2.2, 0.55)):
        drops = []
        for _ in range(44 if sheet.poster else 80):
            x, y, long = sheet.rng.uniform(-80, sheet.w + 80), sheet.rng.uniform(-60, foot), sheet.rng.uniform(24, 74)
            drops.append(f"M{n(x, y)}l{n(long * slant, long)}")
        sheet.add(
            path("".join(drops), "none", f' stroke="{paper}" stroke-width="{thick}" stroke-linecap="round"{fade(seen)}')
        )
    _walkers(sheet, cx, foot, r)
    if sheet.poster:
        style = (
            Style("plain", 0.08, leading=1.08),
            Style("gothic", 0.02),
            Style("moda", 0, upper=False, leading=0.98),
        )[sheet.kind // 27 % 3]
        sheet.add(sheet.layout(style, (48, 60, 504, 190)).svg(paper, light))
        sheet.billing(clearest(blend(far, figure, 0.45), paper, sky, figure))


def _walkers(sheet: Sheet, cx: float, foot: float, r: float) -> None:
    figure, base, shade = sheet.colors[3], foot + r * 0.9, fade(0.3)
    kind, main = sheet.kind // 81 % 4, (GENTLEMAN, WOMAN, STROLLER, MAN)[sheet.kind // 324 % 4]
    crowd = [(main, 0.0, 1.0)]
    if kind == 1:
        crowd.append((MAN, 2.6, 0.6))
    elif kind == 2:
        crowd = [(main, -1.5, 1.0), (WOMAN, 1.5, 0.95)]
    elif kind == 3:
        sheet.add(cut(UMBRELLA, figure, cx, base, r))
    for who, dx, size in crowd:
        sheet.add(cut(who, figure, cx + dx * r, base, r * size))
        sheet.add(
            f'<path transform="translate({n(cx + dx * r, base)}) scale({r * size:.2f} '
            f'{-r * size * 0.62:.2f})" d="{who}" fill="{figure}"{shade}/>'
        )


RAIN = Template(
    rain,
    [
        ("#3f5a70", "#8fa3a8", "#f4d58a", "#17222c", "#f5efe0"),
        ("#7b2f33", "#c9725a", "#ffd9a0", "#2a0f14", "#fdf0df"),
        ("#2d3b36", "#7c8f7c", "#e9e3b4", "#121b17", "#f3f2e2"),
        ("#c9bfae", "#e6decf", "#d8492f", "#26221e", "#3a332c"),
        ("#2c2850", "#6a5c94", "#f7b7a3", "#141029", "#f6eef6"),
    ],
)
