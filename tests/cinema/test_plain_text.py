"""Which characters a text may have, and how a text is written where lines matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinema.plain_text import clean_lines, clean_text, escape_controls, join_lines, one_line

CONTROLS = [
    "\x00", "\x07", "\x1b", "\x7f", "\x80", "\x9b", "\u202a", "\u202b", "\u202c", "\u202d",
    "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\ufff9", "\uffff", "\ud800",
]  # fmt: skip
MARKS = ["\u200b", "\u200e", "\u200f", "\u061c", "\u2060", "\u2063", "\ufeff", "\xad", "\u180e", "\u3164", "\U000e0041"]
KEPT = [
    "क्‍ष",  # ZWJ in an Indic word
    "می‌خواهم",  # ZWNJ in a Persian one
    "👩‍👩‍👧",  # ZWJ in an emoji
    "❤️",  # with a variation selector
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
    "שלום עולם!",
    "مرحبا",
    "Zoë 千と千尋 Ñandú",
]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("lines", [False, True])
def test_control_characters_are_refused(control, lines):
    with pytest.raises(ValueError, match="has control characters in it"):
        clean_text(f"Night{control}Train", lines=lines)


@pytest.mark.parametrize("control", ["\n", "\r", "\t", "\x0b", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_a_line_break_is_refused_where_there_is_one_line_and_read_where_there_are_more(control):
    with pytest.raises(ValueError, match="has control characters in it"):
        clean_text(f"Night{control}Train")
    assert clean_text(f"Night{control}Train", lines=True) in ("Night\nTrain", "Night\tTrain")


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_invisible_marks_are_removed_without_a_word(mark):
    assert clean_text(f"{mark}Night {mark}Train{mark} ") == "Night Train"
    assert clean_text(mark * 3) == ""


@pytest.mark.parametrize("text", KEPT, ids=ascii)
def test_what_a_script_or_an_emoji_is_spelt_with_stays(text):
    assert clean_text(text) == one_line(text) == text


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\x85", "\u2028", ",\r\n", "\r\n\r\n"], ids=ascii)
def test_the_lines_of_an_address_are_joined_however_they_end(end):
    assert join_lines(f"1 High Street{end}Leeds {end}LS1{end}") == "1 High Street, Leeds, LS1"
    assert join_lines("1 High Street, Leeds") == "1 High Street, Leeds"


@given(st.text())
def test_what_is_written_on_one_line_is_one_and_accepted_at_the_door(text):
    clean_text(one_line(text))  # raises nothing
    assert len(one_line(text).splitlines()) <= 1
    assert not set(clean_lines(text)) & {*CONTROLS, "\r", "\u2028"}
    escape_controls(text).encode("utf-8")
    assert len(escape_controls(text).splitlines()) <= 1
