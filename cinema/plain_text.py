"""Which characters a text may have: one rule for imports, admin forms, mails, calendar files and the log. Pure.

A control character ends a line or a header, or drives a terminal; a bidirectional control makes the text around it read
in another order. Both are refused. Invisible marks, which editors and film databases leave in titles, are removed
without a word: they make two equal titles differ. Joiners (ZWJ, ZWNJ) and variation selectors stay, because Indic and
Persian words and emoji are spelt with them.
"""

from __future__ import annotations

import re
import unicodedata

# C0, DEL, C1, line and paragraph separators, surrogates, non-characters, and what embeds, overrides or isolates a
# direction of text (U+202A to U+202E, U+2066 to U+2069).
CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"
# Soft hyphen, Arabic letter mark, zero-width space, LRM, RLM, word joiner and invisible operators, deprecated format
# characters, byte order mark, Hangul fillers.
INVISIBLE = "\xad\u061c\u180e\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
TAGS = "\U000e0000-\U000e007f"  # they spell text that nobody sees, except in the flags of England, Scotland and Wales

_CONTROL = re.compile(f"[{CONTROLS}]")
_MARK = re.compile(f"(\U0001f3f4[\U000e0061-\U000e007a]+\U000e007f)|[{INVISIBLE}{TAGS}]")
_ESCAPED = re.compile(f"[{CONTROLS}{INVISIBLE}{TAGS}]")
_LINE_ENDS = re.compile("\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

REASON = "has control characters in it"


def clean_text(text: str, *, lines: bool = False) -> str:
    """The text of a form or a file as it is stored: NFC, without invisible marks, without spaces at its ends.

    Args:
        lines: it may have line breaks, which become "\\n", and tabs.

    Raises:
        ValueError: with the reason; it has control characters or bidirectional controls.
    """
    if lines:
        text = _LINE_ENDS.sub("\n", text)
    text = without_marks(unicodedata.normalize("NFC", text)).strip()
    if _CONTROL.search(text.replace("\n", "").replace("\t", "") if lines else text):
        raise ValueError(REASON)
    return text


def without_marks(text: str) -> str:
    """The text without the marks that nobody sees; joiners, variation selectors and the tags of a flag stay."""
    return _MARK.sub(lambda found: found[1] or "", text)


def join_lines(text: str, separator: str = ", ") -> str:
    """The lines of an address, however they end, on one line."""
    return separator.join(filter(None, (line.strip(" \t,") for line in _LINE_ENDS.split(text))))


def one_line(text: str) -> str:
    """The text for a header, a calendar file or a payment page: one line, no control and no invisible characters.

    For what is stored already; `clean_text` refuses it in what comes in.
    """
    return " ".join(_CONTROL.sub(" ", without_marks(text)).split())


def clean_lines(text: str) -> str:
    """The same for a text of several lines, such as a mail: its lines end with "\\n", and tabs stay."""
    return _CONTROL.sub(
        lambda found: found[0] if found[0] in "\n\t" else " ", without_marks(_LINE_ENDS.sub("\n", text))
    )


def escape_controls(text: str) -> str:
    """The text on one line, with control and invisible characters written as Python does: `\\n`, `\\x1b`, `\\u202e`."""
    return _ESCAPED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
