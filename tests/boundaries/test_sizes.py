"""How large a function, a file and a folder may be. More is a sign that two subjects share one place."""

import ast
from collections import Counter

import pytest

from tests.boundaries.source import ROOT

MOST_LINES_OF_FUNCTION, MOST_LINES_OF_FILE, MOST_MODULES_OF_FOLDER = 50, 400, 20
FOLDERS = ("bench", "booking", "cinema", "payments", "realtime", "tests")
FILES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") if "migrations" not in file.parts)


def long_functions(file, text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            n_lines = node.end_lineno - node.lineno + 1
            if n_lines > MOST_LINES_OF_FUNCTION:
                yield f"{file}: {node.name} has {n_lines} lines"


def test_no_function_is_too_long():
    assert not [found for file in FILES for found in long_functions(file.relative_to(ROOT), file.read_text())]


def test_a_planted_long_function_is_seen():
    text = "def planted():\n" + "    pass\n" * MOST_LINES_OF_FUNCTION
    assert list(long_functions("planted.py", text)) == ["planted.py: planted has 51 lines"]
    assert not list(long_functions("planted.py", text.rpartition("    pass\n")[0]))


def test_no_file_is_too_long():
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in FILES}
    assert not {file: n_lines for file, n_lines in lengths.items() if n_lines > MOST_LINES_OF_FILE}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_has_too_many_modules(folder):
    counted = Counter(
        file.parent.relative_to(ROOT).as_posix() for file in FILES if file.parts[len(ROOT.parts)] == folder
    )
    assert not {place: n for place, n in counted.items() if n > MOST_MODULES_OF_FOLDER}
