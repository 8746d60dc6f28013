"""Horror: a lit door and a long shadow; a wood at night."""

from __future__ import annotations

from cinema.artwork.lettering import Style
from cinema.artwork.people import COUNT, GENTLEMAN, HOUSE, LADY
from cinema.artwork.shapes import blend, cut, disc, glow, gradient, n, oval, path, poly, rect
from cinema.artwork.sheet import Sheet, Template


def shadow(sheet: Sheet) -> None:
    black, moss, bone, pale, olive = sheet.colors
    cx, foot, half = sheet.focus((0.5, 0.70, 0.115), (0.66, 0.64, 0.165))
    top = foot - half * (2.95 if sheet.poster else 2.8)
    sheet.ground((0, black), (1, moss))
    sheet.define(glow("glow", [(0, bone, 0.55), (1, bone, 0)]), gradient("floor", [(0, bone, 0.95), (1, olive, 0.25)]))
    sheet.add(disc(cx, (top + foot) / 2, sheet.h * 0.46, "url(#glow)"))
    boards = "".join(f"M{n(sheet.w * k / 26, 0)}V{n(foot)}" for k in range(1, 26))
    sheet.add(path(boards, "none", f' stroke="{black}" opacity=".35"'), rect(0, foot, sheet.w, sheet.h, black))
    sheet.add(
        poly(
            [(cx - half, foot), (cx + half, foot), (cx + half * 3.1, sheet.h), (cx - half * 3.1, sheet.h)],
            "url(#floor)",
        )
    )
    for share, color in ((1, bone), (0.84, pale)):
        sheet.add(path(_door(sheet.kind % 3, cx, top + half * (1 - share), foot, half * share), color))
    figure = (COUNT, GENTLEMAN, LADY)[sheet.kind // 3 % 3]
    size = half * (0.225 if figure is COUNT else 0.21)
    sheet.add(cut(figure, black, cx, foot + 2, size))
    lean = (-10, 0, 10)[sheet.kind // 9 % 3]
    sheet.add(
        f'<g transform="translate({n(cx, foot)}) skewX({-lean}) scale({size * 1.75:.3f} '
        f'{-size * 1.8:.3f})"><path d="{figure}" fill="{black}" opacity=".93"/></g>'
    )
    if sheet.poster:
        sheet.add(rect(0, 822, 600, 78, black))
        sheet.add(sheet.layout(Style("gothic", 0.01, 1.28, leading=0.84), (44, 46, 512, 236)).svg(bone))
        sheet.billing(bone, 866)


def _door(kind: int, cx: float, top: float, foot: float, half: float) -> str:
    left, right = cx - half, cx + half
    if kind == 0:
        return f"M{n(left, foot)}V{n(top + half)}A{n(half, half)} 0 0 1 {n(right, top + half)}V{n(foot)}Z"
    if kind == 1:
        return (
            f"M{n(left, foot)}V{n(top + half * 1.2)}Q{n(left, top + half * 0.5)} {n(cx, top)}"
            f"Q{n(right, top + half * 0.5)} {n(right, top + half * 1.2)}V{n(foot)}Z"
        )
    return f"M{n(left, foot)}V{n(top + half * 0.2)}H{n(right)}V{n(foot)}Z"


def woods(sheet: Sheet) -> None:
    black, far, moon, accent, pale = sheet.colors
    cx, cy, r = sheet.focus((0.5, 0.42, 0.2), (0.67, 0.42, 0.3))
    foot = sheet.h * (0.74 if sheet.poster else 0.9)
    sheet.ground((0, blend(far, black, 0.5)), (0.7, far), (1, blend(far, moon, 0.3)))
    sheet.define(glow("mist", [(0, moon, 0.5), (1, moon, 0)]))
    sheet.add(disc(cx, cy, r * 2.1, "url(#mist)"), disc(cx, cy, r, moon))
    for layer in range(3):
        shade = blend(blend(far, moon, 0.22), black, (0.25, 0.62, 1)[layer])
        if layer == 2:
            _between_trees(sheet, cx, foot, r)
        x = sheet.rng.uniform(-40, 10)
        while x < sheet.w + 30:
            wide = sheet.rng.uniform(9, 22) * (1 + layer * 0.95)
            lean = sheet.rng.uniform(-14, 14)
            clear = layer == 2 and abs(x + wide / 2 - cx) < r * 0.62
            if not clear:
                sheet.add(_trunk(sheet, x, wide, lean, foot + (layer - 1) * 26, shade))
            x += wide + sheet.rng.uniform(26, 74) * (1 + layer * 0.55)
    ground = (
        f"M0 {n(foot)}Q{n(sheet.w * 0.25, foot - 26)} {n(sheet.w * 0.5, foot + 4)}T{n(sheet.w, foot)}V{n(sheet.h)}H0Z"
    )
    sheet.add(path(ground, black))
    if sheet.poster:
        sheet.add(
            sheet.layout(Style("gothic", 0.02, 1.15, leading=0.86), (44, 690, 512, 134), stand="bottom").svg(
                pale, accent
            )
        )
        sheet.billing(pale)


def _trunk(sheet: Sheet, x: float, wide: float, lean: float, foot: float, shade: str) -> str:
    arm, up = sheet.rng.uniform(0.12, 0.6) * foot, sheet.rng.choice([-1, 1])
    start = x + wide * 0.5 + lean * (1 - arm / foot)
    branch = (
        f"M{n(start, arm + wide)}l{n(up * wide * 2.6, -wide * 2.4)}"
        f"l{n(up * wide * 0.5, -wide * 1.6)}l{n(-up * wide * 0.1, wide * 1.8)}"
        f"l{n(-up * wide * 2.6, wide * 3.2)}Z"
    )
    trunk = (
        f"M{n(x - wide * 0.5, foot + 30)}Q{n(x + lean * 0.3, foot * 0.85)} {n(x + lean, -5)}"
        f"h{n(wide * 0.72)}Q{n(x + wide + lean * 0.3, foot * 0.85)} "
        f"{n(x + wide * 1.5, foot + 30)}Z"
    )
    return path(trunk + branch, shade)


def _between_trees(sheet: Sheet, cx: float, foot: float, r: float) -> None:
    """A house, a woman or a pair of eyes between the trees."""
    black, _, _, accent, pale = sheet.colors
    kind = sheet.kind % 3
    if kind == 0:
        sheet.add(
            cut(HOUSE, black, cx, foot + 4, r * 0.34), rect(cx - r * 0.16, foot - r * 0.6, r * 0.28, r * 0.34, accent)
        )
    elif kind == 1:
        sheet.add(cut(LADY, accent, cx, foot + 6, r * 0.075))
    else:
        for side in (-1, 1):
            x = cx + side * r * 0.3
            sheet.add(
                path(
                    (
                        f"M{n(x - r * 0.2, foot - r * 0.72)}q{n(r * 0.2, -r * 0.17)} {n(r * 0.4, 0)}"
                        f"q{n(-r * 0.2, r * 0.17)} {n(-r * 0.4, 0)}Z"
                    ),
                    pale,
                )
            )
            sheet.add(oval(x, foot - r * 0.72, r * 0.035, r * 0.085, black))


SHADOW = Template(
    shadow,
    [
        ("#0b0d0a", "#1f2a1d", "#cdd6a0", "#f2f3d8", "#7f9a5a"),
        ("#100808", "#3a1111", "#f0b28a", "#fff0d8", "#b2472f"),
        ("#080b12", "#16264a", "#a9c8ea", "#eef6ff", "#4d77b8"),
        ("#0e0a12", "#2c1c3d", "#d9b8e6", "#f8eefb", "#8457a6"),
    ],
)
WOODS = Template(
    woods,
    [
        ("#0c1114", "#2c4650", "#e9e4c4", "#d8432e", "#f4f1de"),
        ("#130808", "#6b1a1a", "#f3a545", "#ffe2a6", "#fbeedb"),
        ("#0b0f0b", "#30452f", "#d5dfa4", "#f0b33c", "#f1f4e0"),
        ("#0d0b16", "#3b3169", "#efd9f2", "#ff6b6b", "#f7f0fa"),
    ],
)
