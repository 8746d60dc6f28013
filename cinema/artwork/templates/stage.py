"""Music, the stage and the screen: a curtain that opens, a record, a wall of quarter circles."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import GENTLEMAN, LADY, STROLLER
from cinema.artwork.shapes import blend, cut, disc, fade, gradient, n, oval, path, poly, rect, ring
from cinema.artwork.sheet import Sheet, Template

MICROPHONE = (
    "M-.12 0V-5.6H.12V0ZM-1.4 0Q0 -.6 1.4 0ZM-.55 -5.7V-7.2A.55 .55 0 0 1 .55 -7.2V-5.7A.55 .55 0 0 1 -.55 -5.7Z"
)
CHAIR = "M-1.2 0L-.95 -6H-.75L-.82 -3.2H.9L1.2 0H1L.75 -2.8H-.85L-1 0Z"
GUITAR = (
    "M-.12 -9.6H.12V-5.2C.9 -5.1 1 -4.2 .7 -3.6C.6 -3.2 .8 -2.9 1.1 -2.4C1.7 -1.2 1 0 0 "
    "0C-1 0 -1.7 -1.2 -1.1 -2.4C-.8 -2.9 -.6 -3.2 -.7 -3.6C-1 -4.2 -.9 -5.1 -.12 "
    "-5.2ZM-.3 -10H.3V-9.2H-.3Z"
)


def curtain(sheet: Sheet) -> None:
    dark, cloth, fold, light, floor = sheet.colors
    cx, foot, r = sheet.focus((0.5, 0.76, 0.03), (0.66, 0.8, 0.044))
    sheet.ground((0, dark))
    sheet.define(gradient("cone", [(0, light, 0.75), (1, light, 0.12)]))
    gap = r * (5.2 + sheet.kind % 4)
    sheet.add(
        rect(0, foot, sheet.w, sheet.h, floor),
        poly([(cx - r, -10), (cx + r, -10), (cx + gap, foot + r), (cx - gap, foot + r)], "url(#cone)", fade(0.7)),
    )
    sheet.add(oval(cx, foot + r * 1.1, gap * 0.9, r * 1.3, light))
    who = (LADY, MICROPHONE, GENTLEMAN, CHAIR, GUITAR, STROLLER)[sheet.kind // 4 % 6]
    sheet.add(cut(who, dark, cx, foot + r * 1.3, r * 1.05))
    for side in (-1, 1):
        folds, edge = 9 if sheet.poster else 14, cx + side * gap
        end = 0 if side < 0 else sheet.w
        pitch = (end - edge) / folds
        for k in range(folds):
            x0, x1 = edge + pitch * k, edge + pitch * (k + 1) + side
            sway = -side * r * 1.5 * (1 - k / folds) ** 2
            d = (
                f"M{n(x0 + sway * 0.4, 0)}Q{n(x0 - sway, sheet.h * 0.45)} {n(x0, foot + r * 0.7)}"
                f"H{n(x1)}Q{n(x1 - sway * 0.8, sheet.h * 0.45)} {n(x1 + sway * 0.3, 0)}Z"
            )
            sheet.add(path(d, blend(cloth, fold, (0.15, 0.75, 0.4)[k % 3])))
    if sheet.poster:
        style = (Style("deco", 0.01, leading=0.95), Style("fat", 0, upper=False, leading=0.96))[sheet.kind // 24 % 2]
        title = sheet.layout(style, (52, 44, 496, 168))
        scallops = "".join(f"a{n(37.5, 30)} 0 0 1 -75 0" for _ in range(8))
        edge = title.box.bottom + 40
        sheet.add(
            path(f"M0 0H600V{n(edge)}{scallops}Z", dark),
            title.svg(light, blend(fold, light, 0.5)),
            rect(0, 828, 600, 72, dark),
        )
        sheet.billing(light, 869)


def grooves(sheet: Sheet) -> None:
    ground, disk, label, accent, paper = sheet.colors
    cx, cy, r = sheet.focus(
        ((0.5, 0.94, 0.06)[sheet.kind % 3], 0.62, 0.4 if sheet.kind % 3 else 0.29), (0.74, 0.55, 0.46)
    )
    sheet.ground((0, ground))
    kind = sheet.kind // 3 % 3
    if kind == 0:  # a record
        sheet.add(
            disc(cx, cy, r, disk),
            *(ring(cx, cy, r * (0.96 - 0.055 * k), blend(disk, paper, 0.16 if k % 4 else 0.4), 1.4) for k in range(11)),
        )
        sheet.add(
            poly([(cx, cy), (cx + r * 0.97, cy - r * 0.24), (cx + r * 0.8, cy - r * 0.6)], paper, fade(0.12)),
            poly([(cx, cy), (cx - r * 0.97, cy + r * 0.24), (cx - r * 0.8, cy + r * 0.6)], paper, fade(0.12)),
        )
        sheet.add(disc(cx, cy, r * 0.34, label), disc(cx, cy, r * 0.24, accent), disc(cx, cy, r * 0.03, ground))
    elif kind == 1:  # concentric rings
        colors = (disk, label, accent, paper)
        sheet.add(*(disc(cx, cy, r * (1.12 - 0.125 * k), colors[k % 4]) for k in range(8)))
    else:  # dashed rings, rotated at random
        for k in range(9):
            color = (disk, label, accent)[k % 3]
            turn = sheet.rng.uniform(0, 360)
            sheet.add(
                ring(
                    cx,
                    cy,
                    r * (1.1 - 0.115 * k),
                    color,
                    r * 0.075,
                    (
                        f' stroke-linecap="round" stroke-dasharray="{n(r * (3.6 - 0.35 * k), r * 1.2)}" '
                        f'transform="rotate({n(turn, cx, cy)})"'
                    ),
                )
            )
        sheet.add(disc(cx, cy, r * 0.09, accent))
    if sheet.poster:
        style = (Style("black", 0, leading=0.86), Style("deco", 0, leading=0.95), Style("wide", -0.01, leading=0.92))[
            sheet.kind // 9 % 3
        ]
        title = sheet.layout(style, (44, 50, 512, 196), anchor="start", block=sheet.kind % 2 == 0)
        sheet.add(title.svg(paper, accent), rect(0, 832, 600, 68, ground))
        sheet.billing(paper, 870, x=44, anchor="start", opacity=1)


def tiles(sheet: Sheet) -> None:
    ground, first, second, third, ink = sheet.colors
    sheet.ground((0, ground))
    size = 120 if sheet.poster else 180
    rows, columns = (5, 5) if sheet.poster else (5, 9)
    top = 240 if sheet.poster else 0
    quarter, half, leaf = "M0 0H1A1 1 0 0 1 0 1Z", "M0 0H1A.5 .5 0 0 1 0 0Z", "M0 0A1 1 0 0 1 1 1A1 1 0 0 1 0 0Z"
    for row in range(rows):
        for column in range(columns):
            x, y = column * size, top + row * size
            back, front = sheet.rng.sample((ground, first, second, third, ink), 2)
            shape, turn = sheet.rng.choice((quarter, quarter, leaf, half)), sheet.rng.choice((0, 90, 180, 270))
            moved = f"translate({x + size / 2:g} {y + size / 2:g}) rotate({turn}) scale({size}) translate(-.5 -.5)"
            sheet.add(
                rect(x, y, size + 0.5, size + 0.5, back), f'<path transform="{moved}" d="{shape}" fill="{front}"/>'
            )
            if sheet.rng.random() < 0.16:
                sheet.add(disc(x + size / 2, y + size / 2, size * 0.17, sheet.rng.choice((ground, ink))))
    who = sheet.kind % 3
    x, y = (360, 720) if sheet.poster else (1080, 540)
    if who:
        sheet.add(rect(x - size, y - size * 2, size, size * 2, first if who == 1 else second))
        sheet.add(cut((GENTLEMAN, LADY, STROLLER)[sheet.kind // 3 % 3], ink, x - size / 2, y, size * 0.17))
    if sheet.poster:
        sheet.add(rect(0, 840, 600, 60, ground))
        style = (Style("black", 0, leading=0.86), Style("wide", -0.01, leading=0.92), Style("slab", 0, leading=0.95))[
            sheet.kind // 9 % 3
        ]
        sheet.add(sheet.layout(style, (40, 44, 520, 156), anchor="start", stand="middle").svg(ink, first))
        sheet.billing(ink, 876, x=40, anchor="start", opacity=1)


CURTAIN = Template(
    curtain,
    [
        ("#1a0a0e", "#7a1020", "#c22a38", "#ffe6b0", "#3a1a18"),
        ("#0c1420", "#14365c", "#2f6aa6", "#fff0cf", "#1c2733"),
        ("#140a1e", "#4a1f6b", "#8a48b0", "#ffe9c9", "#261634"),
        ("#0c1812", "#11503c", "#2f8a66", "#fdf0c8", "#1b2a20"),
    ],
)
GROOVES = Template(
    grooves,
    [
        ("#e2562f", "#171310", "#f6d9a0", "#f2b632", "#fff1dc"),
        ("#1d2340", "#0c0f1f", "#e9577a", "#f7c95c", "#f4ecda"),
        ("#e9d8b4", "#1f4a4f", "#e2672f", "#c23a2a", "#20302f"),
        ("#0f3f3c", "#081f1e", "#f0b33c", "#ef6f4c", "#f4ecd4"),
    ],
)
TILES = Template(
    tiles,
    [
        ("#f3ead8", "#d8402a", "#e9b12f", "#2f5f8a", "#1b1a1f"),
        ("#f6efe2", "#ef7b5a", "#6fb3a8", "#f2c45a", "#1f2f3a"),
        ("#eee4ea", "#b0447a", "#5d53a0", "#f0a04b", "#231a33"),
        ("#ecebdc", "#4f8a4b", "#d9a52f", "#c4502f", "#1d241a"),
    ],
)
