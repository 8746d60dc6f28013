"""Comedy: huge words over a thing that has had enough; a table seen from above; a crowd of umbrellas."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import MAN
from cinema.artwork.shapes import blend, cut, disc, fade, n, path, polar, poly, rect, ring
from cinema.artwork.sheet import Sheet, Template


def stack(sheet: Sheet) -> None:
    sun, ink, cream, tomato, light = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.65, 0.215), (0.66, 0.52, 0.36))
    sheet.ground((0, sun))
    rays = 16 + 4 * (sheet.kind % 4)
    sheet.add(
        *(
            poly([(cx, cy), polar(cx, cy, 1500, a), polar(cx, cy, 1500, a + 180 / rays)], light)
            for a in (k * 360 / rays for k in range(rays))
        )
    )
    (_clock, _bowler, _shade, _pie, _cup)[sheet.kind // 4 % 5](sheet, cx, cy, r)
    if sheet.poster:
        sheet.add(
            sheet.layout(Style("black", 0, leading=0.86), (40, 40, 520, 330), anchor="start", block=True).svg(
                ink, tomato
            )
        )
        sheet.billing(ink, opacity=1)


def _clock(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    sun, ink, cream, tomato, _ = sheet.colors
    sheet.add(
        disc(cx + r * 0.07, cy + r * 0.09, r * 1.06, ink, fade(0.22)),
        disc(cx, cy, r * 1.06, ink),
        disc(cx, cy, r * 0.97, cream),
    )
    for k in range(12):
        (x0, y0), (x1, y1) = polar(cx, cy, r * 0.8, k * 30), polar(cx, cy, r * 0.92, k * 30)
        sheet.add(
            path(
                f"M{n(x0, y0)}L{n(x1, y1)}",
                "none",
                f' stroke="{ink}" stroke-width="{n(r * (0.07 if k % 3 == 0 else 0.03))}"',
            )
        )
    minute, hour = sheet.kind * 7 % 360, sheet.kind * 31 % 360
    sheet.add(cut("M-.09 .15L-.05 -.8L0 -.92L.05 -.8L.09 .15Z", tomato, cx, cy, r, turn=minute))
    sheet.add(cut("M-.11 .15L-.06 -.5L0 -.6L.06 -.5L.11 .15Z", ink, cx, cy, r, turn=hour), disc(cx, cy, r * 0.09, ink))
    x, y = polar(cx, cy, r * 0.84, minute - 90)
    sheet.add(
        cut(
            (
                "M-.5 .2L-.2 -.1L.2 -.1L.5 .2L.5 1.6L.9 3L.5 3.1L0 1.9L-.3 3.3L-.7 3.2L-.4 1.5ZM-.3 "
                "-.5a.4 .4 0 1 1 .8 0a.4 .4 0 1 1 -.8 0Z"
            ),
            ink,
            x,
            y + r * 0.02,
            r * 0.12,
        )
    )


def _bowler(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, cream, tomato, _ = sheet.colors
    sheet.add(
        cut(
            (
                "M-1.15 -.18Q0 .14 1.15 -.18Q1.3 -.05 1.05 .06Q0 .36 -1.05 .06Q-1.3 -.05 -1.15 "
                "-.18ZM-.72 -.22C-.82 -1.25 .82 -1.25 .72 -.22Q0 .05 -.72 -.22Z"
            ),
            ink,
            cx,
            cy - r * 0.12,
            r * 1.02,
        )
    )
    sheet.add(cut("M-.735 -.4Q0 -.12 .735 -.4L.725 -.22Q0 .05 -.725 -.22Z", tomato, cx, cy - r * 0.12, r * 1.02))
    sheet.add(
        cut(
            (
                "M0 .1C.16 -.12 .5 -.08 .66 .12C.75 .22 .9 .2 .98 .06C1 .42 .66 .54 .42 .44C.24 .38 "
                ".1 .3 0 .22C-.1 .3 -.24 .38 -.42 .44C-.66 .54 -1 .42 -.98 .06C-.9 .2 -.75 .22 -.66 "
                ".12C-.5 -.08 -.16 -.12 0 .1Z"
            ),
            ink,
            cx,
            cy + r * 0.42,
            r * 0.72,
        )
    )


def _shade(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, cream, tomato, _ = sheet.colors
    tilt = -14 if sheet.kind % 2 else 14
    canopy = "M-1.1 .1A1.1 1.05 0 0 1 1.1 .1Q.83 -.12 .55 .1Q.28 -.12 0 .1Q-.28 -.12 -.55 .1Q-.83 -.12 -1.1 .1Z"
    sheet.add(
        cut(
            "M-.04 -1.15H.04V.95Q.04 1.2 .26 1.2Q.45 1.2 .45 .98L.53 .98Q.53 1.28 .26 1.28Q-.04 1.28 -.04 .95Z",
            ink,
            cx,
            cy - r * 0.1,
            r,
            turn=tilt,
        )
    )
    sheet.add(
        cut(canopy, tomato, cx, cy - r * 0.1, r, turn=tilt),
        cut(
            "M-.55 .1Q-.5 -.6 0 -.95Q.5 -.6 .55 .1Q.28 -.12 0 .1Q-.28 -.12 -.55 .1Z",
            cream,
            cx,
            cy - r * 0.1,
            r,
            turn=tilt,
        ),
    )
    for k in range(13):
        x, y = cx + (k - 6) * r * 0.34, cy - r * (1.0 if k % 2 else 1.3) + abs(k - 6) * r * 0.2
        sheet.add(cut("M0 -1Q.5 0 .5 .35A.5 .5 0 0 1 -.5 .35Q-.5 0 0 -1Z", ink, x, y, r * 0.085))


def _pie(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, cream, tomato, light = sheet.colors
    sheet.add(disc(cx + r * 0.05, cy + r * 0.07, r, ink, fade(0.22)), disc(cx, cy, r, ink))
    blobs = "".join(disc(*polar(cx, cy, r * 0.74, k * 30), r * 0.22, cream) for k in range(12))
    sheet.add(
        blobs,
        disc(cx, cy, r * 0.74, cream),
        disc(cx, cy, r * 0.5, "none", f' stroke="{light}" stroke-width="{n(r * 0.06)}"'),
    )
    eyes = [(-0.24, -0.12), (0.24, -0.12)]
    sheet.add(
        *(cut("M-.11 0L0 -.1L.11 0L.05 .05L0 0L-.05 .05Z", ink, cx + dx * r, cy + dy * r, r * 1.1) for dx, dy in eyes)
    )
    sheet.add(
        cut("M-.4 0Q0 .42 .4 0Q0 .2 -.4 0Z", ink, cx, cy + r * 0.16, r), disc(cx, cy + r * 0.02, r * 0.13, tomato)
    )


def _cup(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    _, ink, cream, tomato, _ = sheet.colors
    sheet.add(cut("M-1.1 .82H1.1L.8 1H-.8Z", ink, cx, cy, r), ring(cx + r * 0.78, cy + r * 0.1, r * 0.26, ink, r * 0.1))
    sheet.add(
        cut("M-.8 -.3H.8Q.8 .8 0 .8Q-.8 .8 -.8 -.3Z", tomato, cx, cy, r),
        cut("M-.8 -.3H.8L.78 -.1H-.78Z", cream, cx, cy, r),
    )
    for k in (-1, 0, 1):
        sheet.add(
            path(
                f"M{n(cx + k * r * 0.36, cy - r * 0.4)}q{n(-r * 0.2, -r * 0.15)} 0 {n(-r * 0.27)}t0 {n(-r * 0.27)}",
                "none",
                f' stroke="{ink}" stroke-width="{n(r * 0.07)}" stroke-linecap="round"',
            )
        )


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
    elif kind == 3:  # somebody very small
        sheet.add(disc(cx, cy, r * 0.62, dish), cut(MAN, ink, cx, cy + r * 0.42, r * 0.085))
    else:  # a slice gone
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


STACK = Template(
    stack,
    [
        ("#f5b921", "#141414", "#fff3d6", "#d8402a", "#fbd465"),
        ("#ef6a4c", "#1d1a2b", "#fff0dc", "#fdd35b", "#f58a6c"),
        ("#7fc6c0", "#17313a", "#fdf4e0", "#e8503a", "#9bd6cf"),
        ("#f2a7b5", "#3a1230", "#fff4ee", "#c8264c", "#f7bec8"),
        ("#a9c653", "#1d2b14", "#fbf6dc", "#dd4b2c", "#bdd670"),
    ],
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
