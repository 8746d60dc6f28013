"""Fit a title into a box: line breaks, size and width, for short, long and foreign titles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cinema.artwork.foreign import as_text
from cinema.artwork.lettering import MAX_LINES, Anchor, Box, Line, Style, covers, ink, put_line

MAX_WORD = 18  # letters; a longer word is broken
WIDER = (Style("wide"), Style("slab"))  # replace the style of a title of one or two letters, which would be too narrow
CLOSE = Style("gothic", 0.02, leading=0.95)  # for long subtitles
LONG_SUBTITLE = 20
LEADERS = re.compile(r"(the|an?|le|la|les|il|lo|el|los|las|der|die|das|un|une)\s+(?=\S)", re.IGNORECASE)
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # Unicode categories: control, format, surrogate, private use, unassigned
JOINERS = "\u200c\u200d"  # format characters that some scripts need
PARTS = re.compile(r"(?<=\S)(?::\s+|\s+[-–—]\s+|;\s+)(?=\S)")


@dataclass(frozen=True)
class Title:
    """A placed title: outlined lines, or `<text>` elements if no stored face has the letters."""

    lines: tuple[Line, ...]
    box: Box
    texts: tuple[str, ...] = ()
    has_kicker: bool = False

    def svg(self, fill: str, kicker: str = "") -> str:
        """`kicker` is the colour of the small article above the title, if there is one."""
        colors = [kicker if kicker and self.has_kicker and i == 0 else fill for i in range(len(self.lines))]
        paths = [f'<path d="{line.path}" fill="{color}"/>' for line, color in zip(self.lines, colors, strict=True)]
        return "".join(paths) + (f'<g fill="{fill}">{"".join(self.texts)}</g>' if self.texts else "")


def clean(title: str) -> str:
    """The title in NFC, without characters that XML forbids, and without emoji and other symbols if letters remain."""
    text = unicodedata.normalize("NFC", title).replace("'", "’").replace("`", "’")
    legal = "".join(each for each in text if each in JOINERS or unicodedata.category(each) not in UNSEEN)
    words = "".join(each for each in legal if unicodedata.category(each) != "So")
    return " ".join((words if words.strip() else legal).split())


def set_title(
    title: str,
    style: Style,
    box: Box,
    *,
    anchor: Anchor = "middle",
    stand: Literal["top", "bottom", "middle"] = "top",
    block: bool = False,
    least: float = 200,
) -> Title:
    """The title inside `box`.

    Args:
        block: set every line to the full width; otherwise all lines have one size.
        least: the minimum width of the title.
    """
    text = clean(title)
    if not covers(style.word(text), style.face):
        return Title((), box, as_text(text, box, anchor, stand))
    if not text:
        return Title((), Box(box.left, box.top, box.left, box.top))
    lines = _lay(text, style, box, anchor, block)
    if _bounds(lines).width < least:
        for wider in WIDER:
            if covers(text.upper(), wider.face) and _bounds(lines).width < least:
                lines = _lay(text, wider, box, anchor, False)
        if 0 < (wide := _bounds(lines).width) < least:
            lines = [_widen(line, least / wide, box, anchor) for line in lines]
    return _stand(lines, box, stand, bool(_parts(text)[0]))


def _lay(text: str, style: Style, box: Box, anchor: Anchor, block: bool) -> list[Line]:
    """The lines of a title: a small leading article, the main words, and the subtitle."""
    kicker, head, sub = _parts(text)
    height = box.height * (0.62 if sub else 0.82 if kicker else 1)
    lines = _fill(style.word(head), style, box.width, height, block)
    top, placed = box.top, []
    x = {"start": box.left, "middle": (box.left + box.right) / 2, "end": box.right}[anchor]
    if kicker:
        size = min(max(lines[0][1] * 0.36, 38), 64, box.height * 0.15 / max(0.5, -ink(style.word(kicker), style).top))
        first = put_line(style.word(kicker), style, size, x, 0, anchor)
        placed.append(_drop(first, top))
        top = placed[-1].baseline + size * 0.34
    placed += _column(lines, style, x, top, anchor, block)
    if sub:
        foot = max(line.box.bottom for line in placed) + 14
        below = CLOSE if len(sub) > LONG_SUBTITLE else style
        rest = _fill(below.word(sub), below, box.width, max(24.0, box.bottom - foot), False)
        biggest = min(min(size for _, size in lines) * 0.6, min(size for _, size in rest))
        placed += _column([(words, biggest) for words, _ in rest], below, x, foot, anchor, False)
    return _shrink(placed, box, x)


def _shrink(lines: Sequence[Line], box: Box, x: float) -> list[Line]:
    """The lines scaled down to the height of the box, towards its top and x; unchanged if they fit."""
    bounds = _bounds(lines)
    by = min(1.0, box.height / max(bounds.height, 1))
    return [
        Line(
            line.text,
            line.style,
            line.size * by,
            x + (line.left - x) * by,
            box.top + (line.baseline - bounds.top) * by,
            line.wide,
        )
        for line in lines
    ]


def _parts(text: str) -> tuple[str, str, str]:
    """Article, main words and subtitle: `The Return: of the Box` is ("The", "Return", "of the Box")."""
    head, *rest = PARTS.split(text, maxsplit=1)
    sub = rest[0] if rest and len(head) > 1 else ""
    if rest and not sub:
        head = text
    leader = LEADERS.match(head)
    if leader and not head[leader.end() :].casefold().startswith(leader[0].casefold()):
        return leader[1], head[leader.end() :], sub
    return "", head, sub


def _column(
    lines: Sequence[tuple[str, float]], style: Style, x: float, top: float, anchor: Anchor, block: bool
) -> list[Line]:
    placed: list[Line] = []
    for words, size in lines:
        line = put_line(words, style, size, x, 0, anchor)
        if placed and not block:
            line = put_line(words, style, size, x, placed[-1].baseline + size * style.leading * style.tall, anchor)
        else:
            line = _drop(line, placed[-1].box.bottom + 10 + 0.02 * size if placed else top)
        placed.append(line)
    return placed


def _drop(line: Line, top: float) -> Line:
    """The line moved so that its ink starts at `top`."""
    return Line(line.text, line.style, line.size, line.left, line.baseline + top - line.box.top, line.wide)


@lru_cache(maxsize=512)
def _fill(text: str, style: Style, width: float, height: float, block: bool) -> tuple[tuple[str, float], ...]:
    """The line breaks that fill the box best, as (text, size)."""
    best: tuple[tuple[str, float], ...] = ()
    score = -1.0
    for lines in _breaks(text, style):
        widths = [max(ink(line, style).width, 0.05) for line in lines]
        if block and (found := _justify(lines, widths, style, width, height)):
            fits = 1000 + sum(size for _, size in found)
        else:
            span = ink(lines[0], style).height if len(lines) == 1 else _span(lines, style)
            size = min(width / max(widths), height / span)
            found, fits = tuple((line, size) for line in lines), size - 2 * len(lines)
        if fits > score:
            best, score = found, fits
    return best


def _justify(
    lines: Sequence[str], widths: Sequence[float], style: Style, width: float, height: float
) -> tuple[tuple[str, float], ...] | None:
    """Every line as wide as the box; None if that is too tall, or if the sizes differ by more than 3.2 times."""
    sizes = [width / each for each in widths]
    tall = sum(ink(line, style).height * size for line, size in zip(lines, sizes, strict=True))
    tall += sum(10 + 0.02 * size for size in sizes[1:])
    if tall > height or max(sizes) > 3.2 * min(sizes):
        return None
    return tuple(zip(lines, sizes, strict=True))


def _span(lines: Sequence[str], style: Style) -> float:
    """Height from the top of the first line's ink to the bottom of the last line's, at a size of one."""
    first, last = ink(lines[0], style), ink(lines[-1], style)
    return -first.top + (len(lines) - 1) * style.leading * style.tall + last.bottom


def _breaks(text: str, style: Style) -> Iterator[list[str]]:
    """The most even breaks into one line, two lines, and so on."""
    words = [part for word in text.split() for part in _broken(word)]
    for count in range(1, min(len(words), MAX_LINES) + 1):
        yield _even(words, count, style)


def _broken(word: str) -> list[str]:
    if len(word) <= MAX_WORD:
        return [word]
    pieces = -(-len(word) // MAX_WORD)
    step = -(-len(word) // pieces)
    parts = [word[at : at + step] for at in range(0, len(word), step)]
    return [f"{part}-" for part in parts[:-1]] + parts[-1:]


def _even(words: Sequence[str], count: int, style: Style) -> list[str]:
    """Breaks into `count` lines that minimise the longest one, by dynamic programming over the words."""
    widths = [ink(word, style).width + 0.25 for word in words]
    sums = [0.0]
    for width in widths:
        sums.append(sums[-1] + width)
    best: list[list[tuple[float, int]]] = [[(total, 0) for total in sums]]
    for _ in range(1, count):
        row = [(0.0, 0)]
        for end in range(1, len(sums)):
            row.append(min((max(best[-1][cut][0], sums[end] - sums[cut]), cut) for cut in range(end)))
        best.append(row)
    lines, end = [], len(words)
    for row in reversed(best):
        cut = row[end][1]
        lines.append(" ".join(words[cut:end]))
        end = cut
    return [line for line in reversed(lines) if line]


def _widen(line: Line, by: float, box: Box, anchor: Anchor) -> Line:
    x = {"start": box.left, "middle": (box.left + box.right) / 2, "end": box.right}[anchor]
    return put_line(line.text, line.style, line.size, x, line.baseline, anchor, by)


def _bounds(lines: Sequence[Line]) -> Box:
    boxes = [line.box for line in lines]
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _stand(lines: Sequence[Line], box: Box, stand: str, has_kicker: bool) -> Title:
    bounds = _bounds(lines)
    spare = box.bottom - bounds.bottom
    down = {"top": box.top - bounds.top, "bottom": spare, "middle": spare / 2}[stand]
    moved = tuple(Line(one.text, one.style, one.size, one.left, one.baseline + down, one.wide) for one in lines)
    return Title(moved, _bounds(moved), has_kicker=has_kicker)
