"""Streets: a wall of windows at night."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.shapes import blend, disc, fade, gradient, n, path, poly, rect
from cinema.artwork.sheet import Sheet, Template


def windows(sheet: Sheet) -> None:
    """Crime and drama: a block of flats at night, and the one window with somebody in it."""
    wall, blind, lit, figure, paper = sheet.colors
    sheet.ground((0, wall))
    columns, rows = (4, 5) if sheet.poster else (8, 4)
    top, foot = (40, 600) if sheet.poster else (-30, 930)
    pitch, tall = sheet.w / columns, (foot - top) / rows
    star = (1 + sheet.kind % 2, 1 + sheet.kind // 3 % 3) if sheet.poster else (5 + sheet.kind % 2, 1)
    for row in range(rows):
        for column in range(columns):
            x, y = column * pitch + pitch * 0.16, top + row * tall + tall * 0.12
            w, h = pitch * 0.68, tall * 0.76
            if (column, row) == star:
                _lit_window(sheet, x, y, w, h)
                continue
            dim = sheet.rng.random()
            shade = blend(wall, blind, 0.35 + 0.5 * dim) if dim < 0.86 else blend(blind, lit, 0.45)
            sheet.add(
                rect(x, y, w, h, shade), rect(x, y, w, h * sheet.rng.choice([0.2, 0.45, 0.7]), blend(shade, wall, 0.45))
            )
            sheet.add(rect(x - 3, y + h, w + 6, 4, blend(wall, blind, 0.6)))
    if sheet.poster:
        sheet.add(rect(0, 610, 600, 290, wall))
        sheet.add(
            sheet.layout(Style("gothic", 0.01), (44, 640, 512, 180), anchor="start", stand="bottom").svg(paper, lit)
        )
        sheet.billing(paper, x=44, anchor="start")


def _lit_window(sheet: Sheet, x: float, y: float, w: float, h: float) -> None:
    wall, _, lit, figure, _ = sheet.colors
    sheet.define(gradient("spill", [(0, lit, 0.55), (1, lit, 0)]))
    sheet.add(
        poly(
            [(x, y + h), (x + w, y + h), (x + w * 1.7, y + h * 3.2), (x - w * 0.7, y + h * 3.2)],
            "url(#spill)",
            fade(0.5),
        )
    )
    sheet.add(rect(x - 5, y - 5, w + 10, h + 10, blend(lit, "#ffffff", 0.5)), rect(x, y, w, h, lit))
    cx, unit = x + w * (0.36 if sheet.kind % 2 else 0.64), w * 0.105
    sheet.add(disc(cx, y + h * 0.42, unit * 1.1, figure))
    shoulders = f"M{n(cx - unit * 2.3, y + h)}C{n(cx - unit * 2.3, y + h * 0.5)} {n(cx + unit * 2.3, y + h * 0.5)} {n(cx + unit * 2.3, y + h)}Z"
    sheet.add(path(shoulders, figure), rect(x + w / 2 - 2, y, 4, h, wall), rect(x, y + h * 0.3, w, 4, wall))
    if sheet.kind % 5 < 2:
        sheet.add(
            rect(cx - unit * 2, y + h * 0.36, unit * 4, unit * 0.5, figure),
            rect(cx - unit * 1.1, y + h * 0.28, unit * 2.2, h * 0.1, figure),
        )


WINDOWS = Template(
    windows,
    [
        ("#141b2d", "#33415f", "#ffc94d", "#3a1d12", "#f3ead8"),
        ("#2a1420", "#5b2f40", "#ff9b54", "#2a0d10", "#f7e6d3"),
        ("#10231f", "#2c4a40", "#e9e27a", "#14201a", "#eef0dc"),
        ("#24221f", "#4b4740", "#f25f3a", "#1b0f0c", "#efe7da"),
    ],
)
