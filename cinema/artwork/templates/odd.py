"""Mystery and thriller: crooked houses without right angles; a figure falling into a spiral; stairs."""

from __future__ import annotations

from dataclasses import dataclass

from cinema.artwork.lettering import Anchor, Line, Style
from cinema.artwork.people import GENTLEMAN, LADY, MAN, PEOPLE
from cinema.artwork.shapes import blend, cut, disc, fade, group, n, polar, poly, rect
from cinema.artwork.sheet import Sheet, Template


def crooked(sheet: Sheet) -> None:
    black, violet, bone, rust, lilac = sheet.colors
    cx, cy, u = sheet.focus((0.52, 0.66, 1 / 900), (0.66, 0.62, 1 / 760))
    flip = -1 if sheet.kind % 2 else 1
    sheet.ground((0, violet), (1, black))

    def at(dx: float, dy: float) -> tuple[float, float]:
        return cx + flip * dx * u, cy + dy * u

    sheet.add(poly([at(-190, -900), at(40, -900), at(270, 600), at(-420, 600)], lilac, fade(0.38)))
    for x, y, wide, tall, lean in (
        (-360, 220, 150, 470, -6),
        (-235, 260, 120, 380, 9),
        (120, 250, 130, 430, -8),
        (235, 210, 170, 520, 7),
    ):
        jump = sheet.rng.uniform(0.85, 1.15)
        _house(sheet, cx + flip * x * u, cy + y * u, flip * wide * u, tall * u * jump, lean * flip)
    for k in range(9):  # the crooked path
        y0, y1, s0, s1 = 40 + k * 46, 72 + k * 46, 26 + k * 22, 44 + k * 25
        lean = (-1) ** k * (10 + 4 * k)
        sheet.add(
            poly(
                [at(lean - s0, y0), at(lean + s0, y0 + 6), at(s1 - lean, y1), at(-s1 - lean, y1 - 8)],
                bone if k % 2 else rust,
                fade(0.9),
            )
        )
    who = PEOPLE[sheet.kind // 2 % 5]
    sheet.add(cut(who, black, cx, cy + 50 * u, 21 * u, turn=5 * flip))
    if sheet.kind // 10 % 2:
        sheet.add(disc(*at(-104, -232), 42 * u, bone))
    if sheet.poster:
        sheet.add(rect(0, 828, 600, 72, black))
        sheet.add(*_rotated_letters(sheet, Style("gothic", 0.03, leading=0.9), bone, rust))
        sheet.billing(bone, 868)


def _house(sheet: Sheet, x: float, y: float, wide: float, tall: float, lean: float) -> None:
    black, _, bone, rust, _ = sheet.colors
    near, far = (bone, rust) if lean < 0 else (rust, bone)

    def corners(*shares: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x + wide * dx, y + tall * dy) for dx, dy in shares]

    sheet.add(
        group(
            [
                poly(corners((0, 1), (0.1, -0.8), (0.62, -1.16), (1, -0.72), (0.9, 1)), black),
                poly(corners((0.3, -0.5), (0.58, -0.58), (0.62, -0.38), (0.26, -0.34)), near, fade(0.92)),
                poly(corners((0.34, -0.14), (0.66, -0.1), (0.6, 0.06), (0.38, 0.04)), far, fade(0.75)),
            ],
            f"rotate({n(lean)} {n(x, y)})",
        )
    )


def _rotated_letters(sheet: Sheet, style: Style, fill: str, accent: str) -> list[str]:
    """The title with each letter rotated by up to 5 degrees, inside the frame."""
    title = sheet.layout(style, (60, 64, 480, 232))
    if not title.lines:
        return [title.svg(fill)]
    out = []
    for line in title.lines:
        letters = [each for each in line.letters() if each]
        for letter, drawn in zip(line.text.replace(" ", ""), letters, strict=True):
            out.append(
                f'<path transform="rotate({sheet.rng.uniform(-5, 5):.1f} {n(*_middle(line, drawn))})" '
                f'd="{drawn}" fill="{accent if letter in ".,:!?’" else fill}"/>'
            )
    return out


def _middle(line: Line, drawn: str) -> tuple[float, float]:
    """About the middle of a letter: the x of its outline's first point, and the middle height of its line."""
    x, *_ = drawn[1:].split(" ", 1)
    return float(x), (line.box.top + line.box.bottom) / 2


def spiral(sheet: Sheet) -> None:
    ground, line, figure, accent, paper = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.6, 0.27), (0.68, 0.5, 0.42))
    sheet.ground((0, ground))
    kind = sheet.kind % 3
    if kind == 0:  # rotated ovals
        turns = 15 + sheet.kind // 3 % 8
        for k in range(turns):
            sheet.add(
                f'<ellipse cx="{n(cx)}" cy="{n(cy)}" rx="{n(r)}" ry="{n(r * 0.42)}" fill="none" '
                f'stroke="{line}" stroke-width="{n(r * 0.009)}" transform="rotate({n(180 * k / turns)}'
                f' {n(cx, cy)})"/>'
            )
        sheet.add(disc(cx, cy, r * 0.36, accent))
    elif kind == 1:  # spiral arms
        arms = 2 + sheet.kind // 3 % 3
        for arm in range(arms):
            outer = [polar(cx, cy, r * 1.12 * (k / 110) ** 1.15, k * 9 + arm * 360 / arms) for k in range(111)]
            inner = [
                polar(cx, cy, r * 1.12 * (k / 110) ** 1.15, k * 9 + arm * 360 / arms + 180 / arms * 0.75)
                for k in range(111)
            ]
            sheet.add(poly([*outer, *reversed(inner)], line if arm % 2 == 0 else accent))
    else:  # squares, each rotated inside the one before
        for k in range(12):
            size = r * 1.15 * 0.82**k
            corners = [polar(cx, cy, size, 45 + 90 * side + k * (7 + sheet.kind // 3 % 6)) for side in range(4)]
            sheet.add(poly(corners, (line, ground)[k % 2] if k < 10 else accent))
    size = r * 0.058
    who = (MAN, GENTLEMAN, LADY)[sheet.kind // 9 % 3]
    tumble = (158, -24, 24, 202)[sheet.kind // 27 % 4]
    sheet.add(
        f'<g transform="translate({n(cx, cy)}) rotate({tumble})"><path transform="translate(0 '
        f'{n(size * 5)}) scale({size:.3f})" d="{who}" fill="{figure}"/></g>'
    )
    if sheet.poster:
        style = (Style("black", 0, leading=0.86), Style("wide", 0, leading=0.92))[sheet.kind // 108 % 2]
        sheet.add(sheet.layout(style, (44, 48, 512, 172), block=sheet.kind % 2 == 0).svg(paper, accent))
        sheet.billing(paper)


@dataclass(frozen=True)
class _Flight:
    """A flight of `count` steps from its foot (x0, y0) to its top (x1, y1), mirrored unless it rises to the right."""

    x0: float
    y0: float
    x1: float
    y1: float
    count: int
    right: bool
    sheet_width: float

    @property
    def step(self) -> float:
        return (self.x1 - self.x0) / self.count

    @property
    def rise(self) -> float:
        return (self.y0 - self.y1) / self.count

    def across(self, x: float) -> float:
        return x if self.right else self.sheet_width - x


def stairs(sheet: Sheet) -> None:
    wall, tread, _, light, figure = sheet.colors
    sheet.ground((0, wall))
    right = sheet.kind % 2 == 0 or not sheet.poster
    count = 9 + sheet.kind // 2 % 4
    x0, x1 = (sheet.w * 0.06, sheet.w * 0.99) if sheet.poster else (sheet.w * 0.3, sheet.w * 1.0)
    y0, y1 = sheet.h * 1.02, sheet.h * (0.49 if sheet.poster else 0.42)
    flight = _Flight(x0, y0, x1, y1, count, right, sheet.w)
    _doorway(sheet, flight)
    _steps(sheet, flight)
    _climbers(sheet, flight)
    if sheet.poster:
        style = (Style("deco", 0.01, leading=0.95), Style("gothic", 0.02), Style("plain", 0.06, leading=1.06))[
            sheet.kind // 6 % 3
        ]
        anchor: Anchor = "start" if right else "end"
        sheet.add(sheet.layout(style, (44, 54, 512, 178), anchor=anchor).svg(light, tread))
        sheet.add(rect(0, 826, 600, 74, figure))
        sheet.billing(light, 870)


def _doorway(sheet: Sheet, flight: _Flight) -> None:
    """A lit door at the top, and its light on the stairs."""
    light, step, rise, y1 = sheet.colors[3], flight.step, flight.rise, flight.y1
    door = flight.across(flight.x1 - step * 1.1)
    sheet.add(
        poly(
            [
                (door - step * 0.9, y1 + rise),
                (door + step * 0.9, y1 + rise),
                (door + step * 0.9, y1 - rise * 3.4),
                (door - step * 0.9, y1 - rise * 3.4),
            ],
            light,
        )
    )
    lit = [
        (door - step * 0.9, y1 - rise * 3.4),
        (door - step * 0.9, y1 + rise),
        (flight.across(flight.x0 - step * 2), flight.y0 + rise),
        (flight.across(flight.x0 - step * 2), flight.y0 - rise * 5),
    ]
    if not flight.right:
        lit = [(door + step * 0.9, y) if x == door - step * 0.9 else (x, y) for x, y in lit]
    sheet.add(poly(lit, light, fade(0.13)))


def _steps(sheet: Sheet, flight: _Flight) -> None:
    wall, tread, riser, _, _ = sheet.colors
    count, step, rise = flight.count, flight.step, flight.rise
    for k in range(count):
        x, y = flight.x0 + k * step, flight.y0 - k * rise
        left, end = sorted((flight.across(x), flight.across(x + step)))
        sheet.add(rect(left - 0.5, y - rise, end - left + 1, sheet.h, blend(riser, wall, 0.5 - 0.5 * k / count)))
        sheet.add(rect(left - 0.5, y - rise, end - left + 1, rise * 0.24, blend(tread, wall, 0.45 - 0.45 * k / count)))


def _climbers(sheet: Sheet, flight: _Flight) -> None:
    """One person on the stairs, or two."""
    figure, step, rise = sheet.colors[4], flight.step, flight.rise
    where = (flight.count - 2, flight.count // 2, 3)[sheet.kind // 16 % 3]
    x, y = flight.across(flight.x0 + (where + 0.5) * step), flight.y0 - (where + 1) * rise
    size = step * 0.2
    sheet.add(cut(PEOPLE[sheet.kind // 48 % 5], figure, x, y + 1, size))
    if sheet.kind // 240 % 2 and where != 3:
        sheet.add(cut(LADY, figure, flight.across(flight.x0 + 3.5 * step), flight.y0 - 4 * rise + 1, size))


CROOKED = Template(
    crooked,
    [
        ("#15121c", "#35294a", "#efe6cf", "#b9482f", "#7c6aa0"),
        ("#0f1715", "#24443f", "#f0e8c9", "#d99a2b", "#6b9488"),
        ("#1a0f0f", "#5a2222", "#f4e2c6", "#e0782f", "#a8665a"),
        ("#10131d", "#2a3c66", "#eeead8", "#c94f7c", "#7f90c0"),
    ],
)
SPIRAL = Template(
    spiral,
    [
        ("#e2562f", "#fbe9d2", "#161212", "#161212", "#fff2e0"),
        ("#16130f", "#e9dcc0", "#d6301d", "#d6301d", "#f1e7d2"),
        ("#123a4a", "#e8d9b0", "#f2efe2", "#e8663c", "#f5ecd2"),
        ("#e9c23f", "#20180c", "#d43a2a", "#fff3cf", "#20180c"),
        ("#3b2353", "#f0c9d8", "#f7e86a", "#1a0d2a", "#f8e6ee"),
    ],
)
STAIRS = Template(
    stairs,
    [
        ("#1d2b33", "#e9d8b4", "#4d6a73", "#f6d98b", "#0c1216"),
        ("#5a1f22", "#f2c49a", "#a8463a", "#ffe3ad", "#1e0a0c"),
        ("#2b2440", "#cfc0e6", "#67578f", "#f7c7a0", "#120d1e"),
        ("#2d3a22", "#dfe0a8", "#6e7f48", "#f4efb8", "#12180c"),
        ("#383430", "#e4dccb", "#7f776b", "#f3b45b", "#141210"),
    ],
)
