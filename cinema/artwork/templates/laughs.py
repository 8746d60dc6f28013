"""Comedy: a large title over one comic object."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.shapes import cut, disc, fade, n, path, polar, poly, ring
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
