"""Comedy, family and drama, seen from above: a laid table; a crowd of umbrellas."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import MAN
from cinema.artwork.shapes import blend, cut, disc, fade, n, path, polar, poly, rect, ring
from cinema.artwork.sheet import Sheet, Template


def table(sheet: Sheet) -> None:
    cloth, check, plate, dish, ink = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.6, 0.19), (0.67, 0.5, 0.3))
    sheet.ground((0, cloth))
    step = 75 if sheet.poster else 100
    if sheet.kind % 3 == 0:
        sheet.add(*(rect(x * step, 0, step / 2, sheet.h, check, fade(0.5)) for x in range(int(sheet.w / step) + 1)))
        sheet.add(*(rect(0, y * step, sheet.w, step / 2, check, fade(0.5)) for y in range(int(sheet.h / step) + 1)))
    elif sheet.kind % 3 == 1:
        sheet.add(*(rect(x * step, 0, step / 2, sheet.h, check) for x in range(int(sheet.w / step) + 1)))
    else:
        sheet.add(disc(cx, cy, r * 1.75, check))
    sheet.add(
        disc(cx + r * 0.05, cy + r * 0.06, r, ink, fade(0.25)),
        disc(cx, cy, r, plate),
        ring(cx, cy, r * 0.7, blend(plate, ink, 0.18), r * 0.018),
    )
    fork = "M-.05 1V-.3Q-.16 -.4 -.16 -.55V-1H-.1V-.6H-.03V-1H.03V-.6H.1V-1H.16V-.55Q.16 -.4 .05 -.3V1Z"
    sheet.add(
        cut(fork, ink, cx - r * 1.28, cy, r * 0.85),
        cut("M-.05 1V.1H-.09V-.8Q-.02 -1.05 .08 -1V1Z", ink, cx + r * 1.28, cy, r * 0.85),
    )
    _dish(sheet, cx, cy, r)
    gx, gy = cx + r * 1.1, cy - r * 1.12
    sheet.add(disc(gx, gy, r * 0.26, plate, fade(0.55)), disc(gx, gy, r * 0.2, dish))
    if sheet.poster:
        style = (Style("fat", 0, upper=False, leading=0.98), Style("deco", 0.01, leading=0.95))[sheet.kind // 32 % 2]
        sheet.add(
            rect(0, 0, 600, 280, cloth),
            rect(0, 280, 600, 6, ink),
            sheet.layout(style, (44, 48, 512, 196), stand="middle").svg(ink, dish),
        )
        sheet.add(rect(0, 822, 600, 78, cloth))
        sheet.billing(ink, 868, opacity=1)


def _dish(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, _, plate, dish, ink = sheet.colors
    kind = sheet.kind // 3 % 5
    if kind == 0:  # a fish
        sheet.add(
            cut("M-.62 0Q-.2 -.42 .3 -.08L.62 -.28Q.54 0 .62 .28L.3 .08Q-.2 .42 -.62 0Z", dish, cx, cy, r),
            disc(cx - r * 0.4, cy - r * 0.05, r * 0.045, ink),
        )
        sheet.add(
            path(
                "".join(
                    f"M{n(cx + k * r * 0.13 - r * 0.12, cy - r * 0.13)}q{n(r * 0.07, r * 0.13)} 0 {n(r * 0.26)}"
                    for k in range(3)
                ),
                "none",
                f' stroke="{plate}" stroke-width="{n(r * 0.025)}"',
            )
        )
    elif kind == 1:  # an egg
        sheet.add(
            cut(
                "M-.5 .1C-.55 -.4 -.1 -.6 .2 -.42C.5 -.3 .62 .05 .42 .3C.2 .6 -.45 .55 -.5 .1Z",
                blend(plate, "#ffffff", 0.85),
                cx,
                cy,
                r,
            ),
            disc(cx, cy, r * 0.24, dish),
        )
    elif kind == 2:  # a heart
        sheet.add(
            cut("M0 .5C-.8 0 -.5 -.55 -.16 -.45Q-.04 -.42 0 -.25Q.04 -.42 .16 -.45C.5 -.55 .8 0 0 .5Z", dish, cx, cy, r)
        )
    elif kind == 3:  # a very small person
        sheet.add(disc(cx, cy, r * 0.62, dish), cut(MAN, ink, cx, cy + r * 0.42, r * 0.085))
    else:  # a cake without a slice
        sheet.add(
            disc(cx, cy, r * 0.6, dish),
            poly([(cx, cy), polar(cx, cy, r * 0.7, -70), polar(cx, cy, r * 0.7, -20)], plate),
        )
        sheet.add(*(disc(*polar(cx, cy, r * 0.38, a), r * 0.06, ink) for a in (20, 80, 140, 200, 255)))


def umbrellas(sheet: Sheet) -> None:
    ground, first, second, accent, paper = sheet.colors
    sheet.ground((0, ground))
    r = 82 if sheet.poster else 118
    star = (300, 560) if sheet.poster else (1080, 470)
    spots = [(x * r * 1.95 + (y % 2) * r * 0.98, y * r * 1.68) for y in range(13) for x in range(-1, 10)]
    spots = [(x + sheet.rng.uniform(-12, 12), y + sheet.rng.uniform(-12, 12)) for x, y in spots]
    near = min(spots, key=lambda spot: (spot[0] - star[0]) ** 2 + (spot[1] - star[1]) ** 2)
    for x, y in spots:
        if x > sheet.w + r or y > sheet.h + r or (sheet.poster and not 120 < y < 900):
            continue
        color = accent if (x, y) == near else sheet.rng.choice([first, first, second])
        sheet.add(
            _canopy(
                x,
                y,
                r * (1.08 if (x, y) == near else sheet.rng.uniform(0.82, 1)),
                color,
                ground,
                sheet.rng.uniform(0, 45),
            )
        )
    if sheet.poster:
        style = (Style("black", 0.0), Style("italic", 0, upper=False, leading=1.0))[sheet.kind % 2]
        title = sheet.layout(style, (44, 66, 512, 230), stand="middle")
        sheet.add(
            rect(0, 0, 600, title.box.bottom + 56, paper), title.svg(ground, accent), rect(0, 820, 600, 80, paper)
        )
        sheet.billing(ground, 866, opacity=1)


def _canopy(x: float, y: float, r: float, color: str, shade: str, turn: float) -> str:
    corners = [polar(x, y, r, turn + 45 * k) for k in range(8)]
    rim = "".join(f"Q{n(*polar(x, y, r * 0.86, turn + 45 * k + 22.5))} {n(*corners[(k + 1) % 8])}" for k in range(8))
    dark = "".join(
        f"M{n(x, y)}L{n(*corners[k])}Q{n(*polar(x, y, r * 0.86, turn + 45 * k + 22.5))} {n(*corners[(k + 1) % 8])}Z"
        for k in range(0, 8, 2)
    )
    back = f'<circle cx="{n(x + r * 0.1)}" cy="{n(y + r * 0.14)}" r="{n(r * 0.93)}" fill="#000" opacity=".16"/>'
    return (
        back
        + path(f"M{n(*corners[0])}{rim}Z", color)
        + path(dark, blend(color, shade, 0.22))
        + disc(x, y, r * 0.06, shade)
    )


TABLE = Template(
    table,
    [
        ("#f4e9d6", "#d8503c", "#ffffff", "#e9a23b", "#26201c"),
        ("#bfe0dc", "#5fa8a3", "#fffaf0", "#ef6f4c", "#17343a"),
        ("#f7d154", "#eeb62b", "#fff8e6", "#d8402a", "#2b1d10"),
        ("#e9d3e2", "#b978a4", "#fff9f6", "#7b2d5b", "#2b1224"),
    ],
)
UMBRELLAS = Template(
    umbrellas,
    [
        ("#1b2430", "#3e5873", "#6d8aa5", "#f2b632", "#f3ecdd"),
        ("#2a1524", "#7d2f52", "#b3577a", "#f7d77a", "#f8ead9"),
        ("#12302c", "#2f6f66", "#79a897", "#ef5b3c", "#f3efdf"),
        ("#2b2b2b", "#565656", "#8d8a83", "#dc2f2f", "#f0ece4"),
    ],
)
