"""Retired words do not come back: not as a name, not as a part of a name."""

import io
import re
import tokenize
from functools import cache

import pytest

from tests.boundaries.source import ROOT

LIST = ROOT / "tests" / "boundaries" / "retired_words.txt"
RETIRED = [line.split()[:2] for line in LIST.read_text().splitlines() if line.startswith(("name ", "part "))]
NAMES = [word for kind, word in RETIRED if kind == "name"]
PARTS = [word for kind, word in RETIRED if kind == "part"]
FOLDERS = ("bench", "booking", "cinema", "payments", "realtime", "static", "templates", "tests")
SUFFIXES = {".py", ".js", ".css", ".html", ".txt", ".toml", ""}
# Not checked: landed migrations, third-party code, and what is drawn on posters.
FREE = ("static/vendor/", "static/posters/", "cinema/artwork/", "tests/boundaries/retired_words.txt")
STYLED = re.compile(r"""(?:[.#]|--|data-|\b(?:class|id|for|name)="[^"]*)([a-z][\w-]*)""")
SEAT_ROWS = "seat" + "_rows"  # a retired name for the test of this test
LANGUAGE = {"__slots__", "slots", "Promise"}  # names of Python and of Django
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@cache
def sources():
    """{path: text} of everything that is ours to name."""
    files = [ROOT / "asgi.py", ROOT / "manage.py", ROOT / "Makefile", ROOT / "pyproject.toml"]
    files += [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*")) if file.suffix in SUFFIXES]
    named = {file.relative_to(ROOT).as_posix(): file for file in files if file.is_file()}
    return {
        name: file.read_text()
        for name, file in named.items()
        if not name.startswith(FREE) and "/migrations/" not in name and "__pycache__" not in name
    }


def find_name(word, texts):
    looked_for = re.compile(rf"\b{re.escape(word)}\b")
    return [name for name, text in texts.items() if looked_for.search(text) or looked_for.search(name)]


def identifiers_of(name, text):
    """The identifiers of a Python file; the classes, ids, custom properties and data attributes of other files."""
    yield from re.split(r"[/.]", name)
    if name.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                yield token.string
    elif name.endswith((".css", ".html")):
        yield from STYLED.findall(text)
    elif name.endswith(".js"):
        yield from re.findall(r"\b(?:const|let|function|class|static|get|#)\s*([A-Za-z_]\w*)", text)


def parts_of(identifier):
    return {part.lower() for piece in re.split(r"[_\-]+", identifier) for part in CAMEL.split(piece) if part}


@cache
def parts():
    """{part of an identifier: the files that have it}."""
    found = {}
    for name, text in sources().items():
        for identifier in set(identifiers_of(name, text)) - LANGUAGE:
            for part in parts_of(identifier):
                found.setdefault(part, set()).add(f"{name}: {identifier}")
    return found


@pytest.mark.parametrize("word", NAMES)
def test_a_retired_name_is_nowhere(word):
    assert not find_name(word, sources())


@pytest.mark.parametrize("word", PARTS)
def test_a_retired_word_is_part_of_no_name(word):
    assert not sorted(parts().get(word, set()) | parts().get(f"{word}s", set()))


def test_planted_words_are_seen():
    assert find_name(SEAT_ROWS, {"booking/planted.py": f"# as {SEAT_ROWS} does"}) == ["booking/planted.py"]
    assert find_name(SEAT_ROWS, {f"booking/{SEAT_ROWS}.py": ""}) == [f"booking/{SEAT_ROWS}.py"]
    planted = {"a.py": "readWish = HeldSeat(my_chore=1)", "a.css": ".slot--free { --house-tint: red }"}
    found = {part for name, text in planted.items() for each in identifiers_of(name, text) for part in parts_of(each)}
    assert {"wish", "held", "chore", "slot", "house"} <= found
    assert not {"wish", "house"} & {
        part for each in identifiers_of("b.py", "x = 1  # a wish") for part in parts_of(each)
    }
