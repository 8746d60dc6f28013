# mypy: ignore-errors
"""Extract the letters of a font file once, so that the product needs no font library to draw a title.

    pip install "fonttools[woff]" uharfbuzz
    python extract.py OUT.json LATIN.woff2 [LATIN-EXT.woff2] [AXIS=VALUE ...]

The result has, in units of 1/1000 em, `letters` (advance and outline of each) and `kerning` (by pairs of letters). An
outline is a string of commands (M, L, Q, C, Z) and a flat list of points, each relative to the one before; y points up.
"""

import io
import json
import sys

import uharfbuzz as hb
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

EM = 1000
EUROPE = "ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŒœŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŴŵŶŷŸŹźŻżŽžȘșȚțẞ"
SIGNS = "¡£§©«°±·º»½¿–—‘’‚“”„…€™"
LETTERS = [*map(chr, range(0x20, 0x7F)), *map(chr, range(0xC0, 0x100)), *SIGNS, *EUROPE]
KERNED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzÄÖÜÉÈÀÅØäöüéèàåø0123456789.,:’'-–!?& "


class Outline(BasePen):
    def __init__(self, glyphs, scale):
        super().__init__(glyphs)
        self.scale, self.commands, self.steps, self.at = scale, "", [], (0, 0)

    def _add(self, command, *points):
        self.commands += command
        for point in points:
            x, y = (round(value * self.scale) for value in point)
            self.steps += [x - self.at[0], y - self.at[1]]
            self.at = x, y

    def _moveTo(self, point):
        self._add("M", point)

    def _lineTo(self, point):
        self._add("L", point)

    def _curveToOne(self, *points):
        self._add("C", *points)

    def _qCurveToOne(self, *points):
        self._add("Q", *points)

    def _closePath(self):
        self._add("Z")


def letters(font):
    glyphs, cmap, scale = font.getGlyphSet(), font.getBestCmap(), EM / font["head"].unitsPerEm
    for letter in LETTERS:
        if name := cmap.get(ord(letter)):
            pen = Outline(glyphs, scale)
            glyphs[name].draw(pen)
            yield letter, [round(glyphs[name].width * scale), pen.commands, pen.steps]


def kerning(font):
    blob = io.BytesIO()
    font.flavor = None
    font.save(blob)
    shaper = hb.Font(hb.Face(blob.getvalue()))
    scale = EM / font["head"].unitsPerEm
    alone = {letter: advance(shaper, letter) for letter in KERNED}
    pairs = {}
    for first in KERNED:
        for second in KERNED:
            by = round((advance(shaper, first + second) - alone[first] - alone[second]) * scale)
            if abs(by) >= 6:
                pairs.setdefault(first, {})[second] = by
    return pairs


def advance(shaper, text):
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(shaper, buffer, {"liga": False, "dlig": False, "clig": False})
    return sum(one.x_advance for one in buffer.glyph_positions)


def main(target, *arguments):
    axes = {key: float(value) for key, value in (one.split("=") for one in arguments if "=" in one)}
    fonts = [TTFont(one) for one in arguments if "=" not in one]
    if axes:
        fonts = [instancer.instantiateVariableFont(one, axes) for one in fonts]
    found = {letter: drawn for font in reversed(fonts) for letter, drawn in letters(font)}
    face = {"letters": dict(sorted(found.items())), "kerning": kerning(fonts[0])}
    with open(target, "w", encoding="utf-8", newline="\n") as file:
        json.dump(face, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
