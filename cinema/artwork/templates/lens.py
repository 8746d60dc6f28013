"""Documentary: tilted shapes in red and black; the contour lines of a map."""

from __future__ import annotations

import math

from cinema.artwork.lettering import Style
from cinema.artwork.shapes import blend, cut, disc, fade, group, n, oval, path, polar, poly, rect, ring, stroke
from cinema.artwork.sheet import Sheet, Template


def kino(sheet: Sheet) -> None:
    paper, ink, red, grey, white = sheet.colors
    cx, cy, r = sheet.focus((0.6, 0.37, 0.23), (0.66, 0.47, 0.35))
    lean = -16 if sheet.kind % 2 else 14
    sheet.ground((0, paper))
    bars = [
        rect(-sheet.w, cy + r * y, sheet.w * 3, r * high, color)
        for y, high, color in ((-0.3, 0.6, red), (0.48, 0.1, ink), (0.66, 0.035, ink), (-1.55, 0.05, ink))
    ]
    holes = [rect(-sheet.w * 0.4 + k * r * 0.42, cy - r * 1.42, r * 0.22, r * 0.26, ink) for k in range(22)]
    sheet.add(group([*bars, *holes], f"rotate({lean} {n(sheet.w / 2, sheet.h / 2)})"))
    (_lens, _reel, _globe)[sheet.kind // 2 % 3](sheet, cx, cy, r)
    if sheet.poster:
        title = sheet.layout(Style("black", 0, leading=0.98), (66, 626, 468, 184), anchor="start", stand="middle")
        boxes = []
        for i, line in enumerate(title.lines):
            box = line.box
            boxes.append(rect(box.left - 22, box.top - 12, box.width + 44, box.height + 24, red if i % 2 else ink))
        if not boxes:
            boxes = [rect(44, title.box.top - 12, 512, title.box.height + 24, ink)]
        sheet.add(
            group([*boxes, title.svg(paper)], f"rotate({-5 if lean < 0 else 4} 300 720)"), rect(0, 842, 600, 58, paper)
        )
        sheet.billing(ink, 876, opacity=1)


def _lens(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    paper, ink, red, grey, white = sheet.colors
    leg = cy + r * 2.6
    legs = [(-0.16, 0.98), (0.16, 0.98)]
    sheet.add(
        poly(
            [
                *((cx + x * r, cy + y * r) for x, y in legs),
                (cx + r * 0.9, leg),
                (cx + r * 0.72, leg),
                (cx, cy + r * 1.2),
                (cx - r * 0.72, leg),
                (cx - r * 0.9, leg),
            ],
            ink,
        )
    )
    sheet.add(
        disc(cx, cy, r, ink),
        ring(cx, cy, r * 0.88, paper, r * 0.02),
        disc(cx, cy, r * 0.74, red),
        disc(cx, cy, r * 0.6, ink),
        ring(cx, cy, r * 0.46, grey, r * 0.012),
    )
    sheet.add(
        disc(cx, cy, r * 0.4, blend(ink, grey, 0.2)),
        disc(cx, cy, r * 0.24, "#000000"),
        disc(cx - r * 0.2, cy - r * 0.22, r * 0.1, white, fade(0.92)),
        disc(cx + r * 0.16, cy + r * 0.2, r * 0.05, white, fade(0.5)),
    )
    sheet.add(ring(cx, cy, r * 0.82, paper, r * 0.06, f' stroke-dasharray="{n(r * 0.012, r * 0.0953)}"'))


def _reel(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    paper, ink, red, *_ = sheet.colors
    sheet.add(
        path(
            (
                f"M{n(cx, cy + r * 0.95)}C{n(cx + r * 1.4, cy + r * 1.2)} "
                f"{n(cx + r * 0.6, cy + r * 2)} {n(sheet.w + 60, cy + r * 1.55)}"
            ),
            "none",
            f' stroke="{ink}" stroke-width="{n(r * 0.2)}"',
        )
    )
    sheet.add(
        path(
            (
                f"M{n(cx, cy + r * 0.95)}C{n(cx + r * 1.4, cy + r * 1.2)} "
                f"{n(cx + r * 0.6, cy + r * 2)} {n(sheet.w + 60, cy + r * 1.55)}"
            ),
            "none",
            f' stroke="{paper}" stroke-width="{n(r * 0.09)}" stroke-dasharray="{n(r * 0.07, r * 0.05)}"',
        )
    )
    sheet.add(disc(cx, cy, r, ink), ring(cx, cy, r * 0.93, paper, r * 0.02))
    sheet.add(
        *(
            disc(*polar(cx, cy, r * 0.56, k * 60 + sheet.kind % 60), r * 0.24, red if k % 3 == 0 else paper)
            for k in range(6)
        ),
        disc(cx, cy, r * 0.12, paper),
        disc(cx, cy, r * 0.05, ink),
    )


def _globe(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    paper, ink, red, *_ = sheet.colors
    line = f' stroke="{paper}" stroke-width="{n(r * 0.022)}"'
    sheet.add(disc(cx, cy, r, ink), *(oval(cx, cy, r * k, r, "none", line) for k in (0.2, 0.55, 0.84)))
    for k in (-0.6, -0.3, 0, 0.3, 0.6):
        half = r * math.sqrt(1 - k * k)
        sheet.add(path(f"M{n(cx - half, cy + k * r)}H{n(cx + half)}", "none", line))
    sheet.add(
        disc(*polar(cx, cy, r * 0.5, sheet.kind % 360), r * 0.2, red),
        ring(*polar(cx, cy, r * 0.5, sheet.kind % 360), r * 0.3, red, r * 0.03),
    )


def contours(sheet: Sheet) -> None:
    low, high, line, mark, ink = sheet.colors
    cx, cy, r = sheet.focus((0.46, 0.37, 0.05), (0.66, 0.48, 0.075))
    sheet.ground((0, low))
    waves = [(sheet.rng.randint(2, 5), sheet.rng.uniform(0, 6.3), sheet.rng.uniform(0.05, 0.16)) for _ in range(3)]
    drift = sheet.rng.uniform(-0.35, 0.35), sheet.rng.uniform(-0.3, 0.3)
    bands = 11 if sheet.poster else 10
    for k in range(bands, 0, -1):
        t = k / bands
        points = []
        for step in range(40):
            a = step * math.tau / 40
            bulge = 1 + sum(size * math.sin(count * a + phase + t) for count, phase, size in waves)
            far = r * k * bulge * (1.25 if sheet.poster else 1.15)
            points.append((cx + drift[0] * r * k + far * math.cos(a), cy + drift[1] * r * k + far * math.sin(a)))
        sheet.add(
            path(
                _smooth(points),
                blend(high, low, t * 0.96),
                f' stroke="{line}" stroke-width="{2.6 if k % 4 == 0 else 1.1}"',
            )
        )
    _goal(sheet, cx, cy, r)
    if sheet.poster:
        title = sheet.layout(
            Style("wide", -0.01, leading=0.92),
            (44, 654, 512, 168),
            anchor="start",
            stand="bottom",
            block=sheet.kind // 3 % 2 == 0,
        )
        sheet.add(
            rect(0, title.box.top - 36, 600, 900, low), rect(0, title.box.top - 36, 600, 6, ink), title.svg(ink, mark)
        )
        sheet.billing(ink, x=44, anchor="start", opacity=1)


def _goal(sheet: Sheet, cx: float, cy: float, r: float) -> None:
    """A route across the map to a cross, a pin or a flag."""
    low, _, _, mark, _ = sheet.colors
    way = f"M{n(cx - r * 6.5, cy + r * 7)}q{n(r * 3, -r * 0.6)} {n(r * 2.6, -r * 3)}t{n(r * 3.9, -r * 4)}"
    dashes = f' stroke-dasharray="{n(r * 0.3, r * 0.28)}" stroke-linecap="round"'
    sheet.add(stroke(way, mark, r * 0.13, dashes))
    if sheet.kind % 3 == 0:
        half = r * 0.5
        cross = f"M{n(cx - half, cy - half)}l{n(r, r)}M{n(cx + half, cy - half)}l{n(-r, r)}"
        sheet.add(stroke(cross, mark, r * 0.26))
    elif sheet.kind % 3 == 1:
        pin = "M0 0C-.9 -1 -.9 -1.4 -.9 -1.6A.9 .9 0 1 1 .9 -1.6C.9 -1.4 .9 -1 0 0Z"
        sheet.add(cut(pin, mark, cx, cy, r), disc(cx, cy - r * 1.6, r * 0.36, low))
    else:
        sheet.add(cut("M0 0V-2.6H.12V-2.5L1.5 -2L.12 -1.5V0Z", mark, cx, cy, r))


def _smooth(points: list[tuple[float, float]]) -> str:
    """A closed curve through the midpoints between neighbouring points."""
    middles = [((a + c) / 2, (b + d) / 2) for (a, b), (c, d) in zip(points, points[1:] + points[:1], strict=True)]
    return f"M{n(*middles[-1])}" + "".join(f"Q{n(*p)} {n(*m)}" for p, m in zip(points, middles, strict=True)) + "Z"


KINO = Template(
    kino,
    [
        ("#ece0c8", "#16130f", "#d6301d", "#8f8468", "#ffffff"),
        ("#e3e6df", "#10202c", "#e2992b", "#7c8b92", "#ffffff"),
        ("#f0d9c4", "#1c1330", "#2f66c9", "#8d7f8f", "#ffffff"),
        ("#e4e2cf", "#122019", "#1f8a5b", "#83907c", "#ffffff"),
    ],
)
CONTOURS = Template(
    contours,
    [
        ("#efe7d2", "#7fa58a", "#3c5a4a", "#d8402a", "#1d2a24"),
        ("#e8eef0", "#4a8ab0", "#1f4a66", "#f08a2b", "#0f2433"),
        ("#f3e0c0", "#d07a45", "#7a3a1c", "#1f5f6b", "#2b160c"),
        ("#eee5ee", "#9a6fb5", "#54357a", "#e9b429", "#24133a"),
    ],
)
