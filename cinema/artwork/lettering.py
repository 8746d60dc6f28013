"""Letters as outlines: a drawing with a title needs no font, so it works in <img>, in mail and in print."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

FACES = Path(__file__).parent / "faces"
EM = 1000
MAX_LINES = 8  # of a title
POINTS_OF = {"M": 1, "L": 1, "Q": 2, "C": 3, "Z": 0}  # points per path command

Anchor = Literal["start", "middle", "end"]


class Box(NamedTuple):
    """Left, top, right, bottom; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class Glyph:
    """An outline on a grid of `EM` units, the y axis pointing up."""

    advance: int
    commands: str
    points: tuple[tuple[int, int], ...]

    @property
    def ink(self) -> Box | None:
        if not self.points:
            return None
        across, up = zip(*self.points, strict=True)
        return Box(min(across), -max(up), max(across), -min(up))


@dataclass(frozen=True)
class Face:
    glyphs: dict[str, Glyph]
    kerning: dict[str, dict[str, int]]


@cache
def face(name: str) -> Face:
    stored = json.loads((FACES / f"{name}.json").read_text(encoding="utf-8"))
    glyphs = {}
    for letter, (advance, commands, steps) in stored["letters"].items():
        points, x, y = [], 0, 0
        for dx, dy in zip(steps[::2], steps[1::2], strict=True):
            x, y = x + dx, y + dy
            points.append((x, y))
        glyphs[letter] = Glyph(advance, commands, tuple(points))
    return Face(glyphs, stored["kerning"])


@dataclass(frozen=True)
class Style:
    """How a title is set: face, space between letters (in em), height as a factor of the face's own."""

    face: str
    tracking: float = 0
    tall: float = 1
    upper: bool = True
    leading: float = 0.9  # from baseline to baseline, in em

    def word(self, text: str) -> str:
        return text.upper() if self.upper else text


def covers(text: str, name: str = "gothic") -> bool:
    known = face(name).glyphs
    return all(letter in known for letter in text)


def glyph_positions(text: str, style: Style) -> list[tuple[Glyph, float]]:
    """The glyph of each letter and its x, in units of the em grid."""
    chosen, found, x = face(style.face), [], 0.0
    for letter, after in pairwise([*text, ""]):
        glyph = chosen.glyphs[letter]
        found.append((glyph, x))
        x += glyph.advance + chosen.kerning.get(letter, {}).get(after, 0) + style.tracking * EM
    return found


@lru_cache(maxsize=4096)
def ink(text: str, style: Style) -> Box:
    """The inked box of a line at a size of one, with its first letter at x 0 and its baseline at y 0."""
    boxes = [(x, glyph.ink) for glyph, x in glyph_positions(text, style)]
    inked = [(x, box) for x, box in boxes if box is not None]
    if not inked:
        return Box(0, 0, 0, 0)
    return Box(
        min(x + box.left for x, box in inked) / EM,
        min(box.top for _, box in inked) * style.tall / EM,
        max(x + box.right for x, box in inked) / EM,
        max(box.bottom for _, box in inked) * style.tall / EM,
    )


@dataclass(frozen=True)
class Line:
    """One line of letters: `size` is the em, `wide` a horizontal stretch, `left` the x at which its ink begins."""

    text: str
    style: Style
    size: float
    left: float
    baseline: float
    wide: float = 1

    @property
    def box(self) -> Box:
        inked = ink(self.text, self.style)
        return Box(
            self.left,
            self.baseline + inked.top * self.size,
            self.left + inked.width * self.size * self.wide,
            self.baseline + inked.bottom * self.size,
        )

    @property
    def path(self) -> str:
        return "".join(self.letters())

    def letters(self) -> list[str]:
        """The path data of each letter, in the coordinates of the sheet."""
        scale = self.size / EM
        across, up = scale * self.wide, -scale * self.style.tall
        start = self.left - ink(self.text, self.style).left * self.size * self.wide
        return [
            _path(glyph, start + x * across, self.baseline, across, up)
            for glyph, x in glyph_positions(self.text, self.style)
        ]


def _path(glyph: Glyph, x: float, y: float, across: float, up: float) -> str:
    points = [f"{x + px * across:.1f} {y + py * up:.1f}" for px, py in glyph.points]
    out, at = [], 0
    for command in glyph.commands:
        takes = POINTS_OF[command]
        out.append(command + " ".join(points[at : at + takes]))
        at += takes
    return "".join(out)


def put_line(
    text: str, style: Style, size: float, x: float, baseline: float, anchor: Anchor = "start", wide: float = 1
) -> Line:
    """A line whose ink starts, is centred or ends at x."""
    width = ink(text, style).width * size * wide
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return Line(text, style, size, left, baseline, wide)
