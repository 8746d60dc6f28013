"""Titles with letters that none of the stored faces has: SVG text in the reader's own font."""

from __future__ import annotations

import unicodedata
from xml.sax.saxutils import escape

from cinema.artwork.lettering import MAX_LINES, Anchor, Box


def as_text(text: str, box: Box, anchor: Anchor, stand: str) -> tuple[str, ...]:
    """`<text>` elements that fill the box. Widths are estimated on the safe side: the font is unknown."""
    lines = _guess_lines(text, box)
    size = min(box.width / max(_guess(line) for line in lines), box.height / (1.2 * len(lines)), 150)
    tall = size * 1.2 * len(lines)
    top = {"top": box.top, "bottom": box.bottom - tall, "middle": (box.top + box.bottom - tall) / 2}[stand]
    x = {"start": box.left, "middle": (box.left + box.right) / 2, "end": box.right}[anchor]
    look = f'font-family="sans-serif" font-weight="700" font-size="{size:.1f}" text-anchor="{anchor}"'
    return tuple(
        f'<text x="{x:.1f}" y="{top + size * (1.2 * i + 0.95):.1f}" {look}>{escape(line)}</text>'
        for i, line in enumerate(lines)
    )


def _guess(text: str) -> float:
    return max(0.6, sum(1.05 if unicodedata.east_asian_width(each) in "WF" else 0.68 for each in text))


def _guess_lines(text: str, box: Box) -> list[str]:
    words = text.split() if " " in text else list(text) if _guess(text) > len(text) * 0.9 else [text]
    glue = " " if " " in text else ""
    found: list[tuple[float, list[str]]] = []
    for count in range(1, min(len(words), MAX_LINES) + 1):
        most, lines = sum(map(_guess, words)) / count, [""]
        for word in words:
            if lines[-1] and _guess(lines[-1] + glue + word) > most * 1.15:
                lines.append(word)
            else:
                lines[-1] += (glue if lines[-1] else "") + word
        found.append((min(box.width / max(map(_guess, lines)), box.height / (1.2 * len(lines))), lines))
    return max(found)[1]
