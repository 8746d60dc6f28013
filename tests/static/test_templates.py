"""Templates that can be read in a diff: short lines, and a fragment where a template grows long."""

from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
LONGEST_LINE, MOST_LINES = 160, 80


def too_long(text):
    """The numbers of the lines that are longer than a line may be."""
    return [number for number, line in enumerate(text.splitlines(), 1) if len(line) > LONGEST_LINE]


@pytest.mark.parametrize("text", [f"short\n{'x' * 161}\n", f"short\r\n{'é' * 161}"], ids=["at the end", "other ends"])
def test_a_long_line_is_found(text):
    assert too_long(text) == [2]
    assert not too_long("x" * 160)


def test_no_line_of_a_template_is_too_long():
    files = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert not {str(path.relative_to(TEMPLATES)): lines for path in files if (lines := too_long(path.read_text()))}


def test_no_template_has_too_many_lines():
    counted = {path.name: len(path.read_text().splitlines()) for path in TEMPLATES.rglob("*") if path.is_file()}
    assert not {name: count for name, count in counted.items() if count > MOST_LINES}
