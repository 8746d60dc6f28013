"""Only `cinema.files` writes files: another writer would leave half a file on a full disk, or one that all may read."""

import ast

import pytest

from tests.boundaries.source import ROOT

PACKAGES = ("booking", "cinema", "payments", "realtime")
# Tools of developers, which write into the source, and the writer itself.
EXEMPT = {"cinema/files.py", "cinema/demo/draw_plans.py", "cinema/artwork/faces/extract.py"}
WRITING = {"write_text", "write_bytes"}


def is_writer(call):
    """A call that writes a file under its own name. (`mkdir`, `touch`, `rename` and `"ab"`, of a log, do not.)"""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in WRITING:
        return True
    texts = [each.value for each in [*call.args, *(k.value for k in call.keywords)] if isinstance(each, ast.Constant)]
    return name in ("open", "fdopen") and any(isinstance(text, str) and text[:1] in ("w", "x") for text in texts)


def writers(source):
    return [node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and is_writer(node)]


def test_nothing_else_writes_a_file():
    found = {
        f"{file.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if str(file.relative_to(ROOT)) not in EXEMPT
        for line in writers(file.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    "planted",
    [
        "Path('x').write_text('1')",
        "file.write_bytes(b'1')",
        "open('x', 'w')",
        "path.open(mode='wb')",
        "io.open(x, 'x')",
    ],
)
def test_a_planted_writer_is_found(planted):
    assert writers(planted) == [1]
