"""Component sheets and charts read tokens by meaning only: a theme redefines the raw ones and reaches everything."""

import re

import pytest

from tests.static.style_sheets import (
    COLOUR,
    SCRIPTS,
    SHEETS,
    TOKENS,
    VARIABLE,
    faults_in,
    read_declarations,
    tokens_of,
)

RAW, MEANING = tokens_of(TOKENS.read_text())
# Written by scripts and by the style sheet of a layout (`cinema/plans/layouts.py`), which no file here defines.
ELSEWHERE = {
    "--x",
    "--y",
    "--turn",
    "--hall-width",
    "--hall-depth",
    "--screen-room",
    "--fit-left",
    "--fit-top",
    "--fit-right",
    "--fit-bottom",
}
PLANTS = {
    "raw token": ".a { color: var(--dark-2); }",
    "raw token in a shorthand": ".a { border: 1px solid var(--paper-1); }",
    "raw token in a token of a component": ".a { --edge: var( --lamp-2 ); }",
    "hex": ".a { color: #fff; }",
    "hex with alpha": ".a { color: #ffffff80; }",
    "rgb": ".a { box-shadow: 0 0 1px rgb(0 0 0 / .5); }",
    "hsl": ".a { color: hsl(20 10% 10%); }",
    "oklch": ".a { color: oklch(.7 .1 200); }",
    "name": ".a { color: RebeccaPurple; }",
    "name in a mix": ".a { color: color-mix(in oklab, var(--color-page), white 9%); }",
    "fallback": ".a { color: var(--edge, #fff); }",
    "in a query": "@media (min-width: 1px) { .a { fill: red; } }",
    "in keyframes": "@keyframes a { from { background: #000; } }",
    "without a semicolon": ".a { color: #fff }",
    "system colour on the screen": ".a { color: CanvasText; }",
}
ALLOWED = """
@layer components { /* #fff, red */
  #found .red, a[href="#fff"] { color: var(--color-text); white-space: nowrap; transition: color 1s; content: "#fff"; }
  .a { fill: url("#dots"); stroke: url(#hatch); color: currentColor; background: transparent; animation: red-flash 1s; }
  .b { --edge: color-mix(in oklab, var(--color-live) 9%, transparent); font: 600 1rem/1 var(--font-text); }
  @media print { .a { color: #000; background: white; } }
  @media (forced-colors: active) { .a { color: CanvasText; background: Highlight; } }
}
"""


def test_both_levels_have_tokens_and_share_none():
    assert len(RAW) >= 20
    assert len(MEANING) >= 100
    assert not RAW & MEANING


@pytest.mark.parametrize("sheet", [each for each in SHEETS if each != TOKENS], ids=lambda sheet: sheet.stem)
def test_a_component_sheet_has_no_raw_token_and_no_literal_colour(sheet):
    assert not list(faults_in(sheet.read_text(), RAW))


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_planted_violation_is_found(plant):
    assert len(list(faults_in(ALLOWED + plant, RAW))) == 1


def test_what_is_allowed_is_not_reported():
    assert not list(faults_in(ALLOWED, RAW))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_has_no_literal_colour_and_paints_with_tokens_by_meaning(script):
    text = re.sub(r"//.*|/\*.*?\*/", "", script.read_text())
    strings = re.findall(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`", text)
    assert not [each for each in strings if COLOUR.search(each)]
    painted = {f"--{name}" for name in re.findall(r'paint\("([^"]+)"\)', text)}
    assert painted <= MEANING


def test_every_variable_that_is_read_is_defined():
    declarations = [each for sheet in SHEETS for each in read_declarations(sheet.read_text())]
    defined = {each.name for each in declarations} | ELSEWHERE
    read = {name for each in declarations for name, fallback in VARIABLE.findall(each.value) if not fallback}
    assert read <= defined
