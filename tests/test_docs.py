"""The documents name only what exists: links, paths, modules, commands; and ARCHITECTURE.md stays short."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {".git", ".venv", "node_modules", "var"}
PACKAGES = ("booking", "cinema", "payments", "realtime")
TOP = (*PACKAGES, "bench", "docs", "static", "templates", "tests")
MOST_LINES, MOST_WORDS = 150, 2600

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:py|js|json|md|html|css|toml|webp)")
FOLDER = re.compile(rf"(?:{'|'.join(TOP)})(?:/[\w.-]+)*/")
MODULE = re.compile(rf"(?:{'|'.join(PACKAGES)}|bench)(?:\.\w+)+")
# Names of Django and of the root of a package that need no line of their own.
PLUMBING = {"__init__", "admin", "api_urls", "apps", "models", "refusals", "routing", "signals", "site_urls", "urls"}
NO_ROOMS = {"management", "migrations", "templatetags", "__pycache__"}


def documents():
    folders = [each for each in ROOT.iterdir() if each.is_dir() and each.name not in NOT_OURS]
    found = [*ROOT.glob("*.md"), *(file for folder in folders for file in folder.rglob("*.md"))]
    return sorted(file for file in found if "vendor" not in file.parts)


def name_of(document):
    return str(document.relative_to(ROOT))


def without_fences(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors_of(document):
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", without_fences(document.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_module(dotted):
    """A module, or a name in one."""
    path = ROOT.joinpath(*dotted.split("."))
    if path.with_suffix(".py").exists() or path.is_dir():
        return True
    parent = path.parent.with_suffix(".py")
    return parent.exists() and re.search(rf"\b{path.name}\b", parent.read_text()) is not None


def bad_links(document):
    for target in LINK.findall(without_fences(document.read_text())):
        path, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        found = (document.parent / path) if path else document
        if not found.exists() or (anchor and anchor not in anchors_of(found)):
            yield target


def bad_paths(document):
    """Paths in backticks, from the root of the repository."""
    for code in CODE.findall(without_fences(document.read_text())):
        is_path = FILE.fullmatch(code) or FOLDER.fullmatch(code)
        if is_path and not (ROOT / code).exists():
            yield code
        if MODULE.fullmatch(code) and not FILE.fullmatch(code) and not is_module(code):
            yield code


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_link_leads_somewhere(document):
    assert list(bad_links(document)) == []


@pytest.mark.parametrize("document", [d for d in documents() if d.name != "CHANGELOG.md"], ids=name_of)
def test_every_path_and_module_exists(document):
    assert list(bad_paths(document)) == []


def test_a_bad_link_and_a_bad_path_are_found(tmp_path):
    planted = tmp_path / "planted.md"
    planted.write_text(
        "# One\n[a](none.md) [b](#one) [c](#two) `booking/none.py` `booking.locks.nowhere` `tests/none/`\n"
    )
    assert list(bad_links(planted)) == ["none.md", "#two"]
    assert list(bad_paths(planted)) == ["booking/none.py", "booking.locks.nowhere", "tests/none/"]


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_command_exists(document):
    from django.core.management import get_commands

    text = document.read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.M)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    modules = set(re.findall(r"python -m ((?:bench|tests|realtime|cinema)(?:\.\w+)*)", text))
    assert [each for each in modules if not is_module(each)] == []


def code_files():
    python = [file for package in (*PACKAGES, "bench", "tests") for file in (ROOT / package).rglob("*.py")]
    return [*python, *(ROOT / "static/js").glob("*.js")]


def bad_references(text):
    """Documents and tests that code names and that are not there, and headings that the document does not have."""
    for path in set(re.findall(r"\b(?:docs|tests)/[\w/-]+\.(?:md|json|py)\b", text)):
        if not (ROOT / path).exists():
            yield path
        elif path.endswith(".md"):
            named = re.findall(rf'{path}, "([^"]+)"|"([^"]+)" in {path}', text)
            headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.M)
            yield from (words for words in map(" ".join, map(str.split, map("".join, named))) if words not in headings)


def test_what_code_says_of_documents_and_tests_is_there():
    texts = {name_of(file): file.read_text() for file in code_files() if file != Path(__file__)}
    assert {name: bad for name, text in texts.items() if (bad := list(bad_references(text)))} == {}


@cache
def architecture():
    return (ROOT / "ARCHITECTURE.md").read_text()


def test_architecture_stays_short():
    assert len(architecture().splitlines()) <= MOST_LINES
    assert len(architecture().split()) <= MOST_WORDS


def table_of(package):
    """The names in the first column of the package's table of folders."""
    rows = architecture().partition(f"| `{package}/` | |\n")[2].partition("\n\n")[0].splitlines()[1:]
    return {name for row in rows for name in CODE.findall(row.split("|")[1])}


@pytest.mark.parametrize("package", PACKAGES)
def test_architecture_lists_the_folders_of_each_package_and_no_other(package):
    here, listed = ROOT / package, table_of(package)
    folders = {
        f"{each.name}/" for each in here.iterdir() if (each / "__init__.py").exists() and each.name not in NO_ROOMS
    }
    modules = {each.stem for each in here.glob("*.py")}
    assert {name for name in listed if name.endswith("/")} == folders
    assert {name for name in listed if not name.endswith("/")} <= modules
    assert modules - PLUMBING - listed == set()


def test_names_stand_in_the_files_beside_them():
    """A name in backticks, in a line that leads to Python or JavaScript files, is in one of them."""
    checked = 0
    for line in architecture().splitlines():
        files = [ROOT / target for target in LINK.findall(line) if target.endswith((".py", ".js"))]
        text = "".join(file.read_text() for file in files)
        names = {name.removeprefix("@") for name in CODE.findall(line)} if files else set()
        assert [name for name in names if name.isidentifier() and name not in text] == [], line
        checked += len(names)
    assert checked > 50


def test_the_rule_has_its_three_steps():
    tree = ast.parse((ROOT / "booking/locks.py").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"lock_seats", "read_situation", "decide", "store"} <= functions


def decisions():
    return sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


def test_decisions_are_numbered_in_order_of_date():
    dates = []
    for number, file in enumerate(decisions(), start=1):
        text = file.read_text()
        assert file.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number:04}. ")
        dates += re.findall(r"^Date: (\d{4}-\d\d-\d\d)$", text, re.M)
        assert len(dates) == number, file.name
    assert dates == sorted(dates)


@pytest.mark.parametrize("file", decisions(), ids=lambda file: file.stem)
def test_a_decision_has_a_question_a_choice_a_price_and_a_status(file):
    text = file.read_text()
    assert re.findall(r"^## (.+)$", text, re.M) == ["Question", "Choice", "Price", "Status"]
    status = text.partition("## Status\n\n")[2].strip()
    assert re.match(r"Accepted\b|Superseded by \[\d{4}\]\(", status)
    assert all(later > file.stem[:4] for later in re.findall(r"by \[(\d{4})\]", status))


def test_the_index_lists_every_decision_once():
    listed = re.findall(r"^- \[\d{4}\]\((.+?)\)", (ROOT / "docs/decisions/README.md").read_text(), re.M)
    assert sorted(listed) == [file.name for file in decisions()]
