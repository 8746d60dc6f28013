import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("booking", "cinema", "payments", "realtime")
LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"


def product_files():
    files = [ROOT / "asgi.py", *(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]
    return {
        str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in files if "migrations" not in file.parts
    }


def calls_of(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name_of(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def lint_imports(folder):
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy_of_the_tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("asgi.py", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    return folder


def test_the_tree_as_it_is_passes_the_import_check(copy_of_the_tree):
    ended = lint_imports(copy_of_the_tree)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("cinema", "import booking.models"),
        ("booking", "from payments import models"),
        ("booking", "from realtime.live import hub"),
        ("realtime", "import payments.models"),
        ("payments", "from realtime.live import hub"),
        ("booking", "from asgiref.sync import async_to_sync"),
        ("payments", "import channels.layers"),
        ("cinema", "import stripe"),
        ("payments", "import stripe"),
    ],
)
def test_a_planted_bad_import_fails_the_check(copy_of_the_tree, package, line):
    planted = copy_of_the_tree / package / "planted.py"
    planted.write_text(f"{line}\n")
    try:
        ended = lint_imports(copy_of_the_tree)
    finally:
        planted.unlink()
    assert ended.returncode == 1, ended.stdout
    assert "planted" in ended.stdout


def test_exactly_one_signal_exists():
    found = [
        file for file, tree in product_files().items() for call in calls_of(tree) if name_of(call.func) == "Signal"
    ]
    assert found == ["booking/signals.py"]


def test_group_send_is_called_in_one_place():
    found = [
        file for file, tree in product_files().items() for call in calls_of(tree) if name_of(call.func) == "group_send"
    ]
    assert len(found) == 1
    assert found[0].startswith("realtime/")


WRITES = {"create", "bulk_create", "update", "bulk_update", "get_or_create", "update_or_create", "delete", "raw"}


def writes_seats(call):
    """`ShowtimeSeat.objects….update(…)`, `showtime.seats.….update(…)`, or a statement that names the table."""
    if name_of(call.func) in WRITES and isinstance(call.func, ast.Attribute):
        chain = {name_of(node) for node in ast.walk(call.func.value)}
        return bool(chain & {"ShowtimeSeat", "seats"})
    return False


def test_only_the_seat_rows_module_writes_showtime_seats():
    found = {file for file, tree in product_files().items() for call in calls_of(tree) if writes_seats(call)}
    assert found == {"booking/seats/rows.py"}


def test_no_other_module_writes_the_table_in_sql():
    statements = ("UPDATE booking_showtimeseat", "INTO booking_showtimeseat", "FROM booking_showtimeseat")
    for file, tree in product_files().items():
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if file != "booking/seats/rows.py":
            assert not [text for text in texts if any(s.lower() in text.lower() for s in statements[:2])], file
