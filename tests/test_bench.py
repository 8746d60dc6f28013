"""What benchmarks compute rather than measure: latencies in a queue, and the table of the code's structure."""

import ast
import importlib
import os
import subprocess
import sys

import pytest

from bench import __main__ as all_benches
from bench import structure
from bench.pgbench import latencies


def line(end, took, script=0):
    """A line of pgbench's log: client, number, microseconds, script, end in seconds and in microseconds."""
    return ["0", "0", str(round(took * 1e6)), str(script), str(int(end)), str(round((end - int(end)) * 1e6))]


def test_with_a_connection_for_each_buyer_nobody_waits():
    found = latencies([line(10.5, 0.5), line(10.25, 0.25), line(11, 0.75), line(11, 0.5)], 2)
    assert [latency for _, latency in found] == [250, 500, 750, 500]


def test_a_buyer_without_a_connection_waits_for_those_before_him():
    found = latencies([line(11, 1, script=0), line(13, 2, script=1), line(14, 1, script=0), line(18, 4, script=1)], 3)
    assert found == [(0, 1000), (1, 3000), (0, 4000), (1, 7000)]


@pytest.mark.parametrize("name", all_benches.NAMES)
def test_every_benchmark_starts_without_settings(name):
    """As `make bench` starts it: several are clients of a server, and never set Django up."""
    bare = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", f"bench.{name}", "--help"]
    started = subprocess.run(command, cwd=all_benches.ROOT, env=bare, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr


FILES = {
    "booking/__init__.py": "",
    "booking/models.py": "",
    "booking/locks.py": "from booking import models\nfrom booking.seats.rows import write, read\n",
    "booking/migrations/0001_initial.py": "import booking.models\n",
    "booking/seats/__init__.py": "",
    "booking/seats/rows.py": "from ..models import A\nfrom . import labels\n\n\ndef f():\n    import booking.locks\n",
    "booking/seats/labels.py": "import typing\n\nif typing.TYPE_CHECKING:\n    from booking.seats import rows\n",
    "cinema/__init__.py": "",
    "cinema/films.py": "import os\nfrom booking import models\n",
    "templates/a.html": "short\n" + 170 * "x" + "\n",
    "ARCHITECTURE.md": "# The rule\n\nOne seat, one buyer.\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return structure.measure(tmp_path)


def test_modules_are_counted_without_migrations_and_init_files(tree):
    assert tree.cells["booking: modules"] == "4"
    assert tree.cells["booking: largest folder"] == "2 (booking/)"


def test_an_arrow_is_an_import_statement_between_two_rooms_of_one_package(tree):
    assert tree.cells["booking: arrows between rooms"] == "4 (4 pairs)"
    assert tree.cells["cinema: arrows between rooms"] == "0 (0 pairs)"


def test_a_late_import_closes_a_cycle_and_an_import_for_types_does_not(tree):
    assert tree.cycles == [["booking.locks", "booking.seats.rows"]]
    assert tree.cycles_with_types == [["booking.locks", "booking.seats.labels", "booking.seats.rows"]]
    assert tree.cells["import cycles, late imports included"] == "1"


def test_sizes_are_median_ninetieth_percentile_and_longest(tree):
    assert tree.cells["product: function lines"] == "2 / 2 / 2 (booking.seats.rows.f)"
    assert tree.cells["product: file lines"] == "3 / 6 / 6 (booking.seats.rows)"
    assert tree.cells["bench: file lines"] == "-"
    assert tree.cells["ARCHITECTURE.md: lines, words"] == "3, 7"
    assert tree.cells["templates: longest line"] == "170 (templates/a.html)"


def importers_of_tests(root):
    modules = structure.read_modules(root, "bench")
    return [
        module.name
        for module in modules
        for node in ast.walk(module.tree)
        if any(name.split(".")[0] == "tests" for name in structure.names_in(node, module))
    ]


def test_benchmarks_import_nothing_from_the_tests():
    assert importers_of_tests(structure.ROOT) == []


def test_a_planted_import_from_the_tests_is_found(tmp_path):
    (tmp_path / "bench/support").mkdir(parents=True)
    (tmp_path / "bench/support/planted.py").write_text("def late():\n    from tests.report import report\n")
    assert importers_of_tests(tmp_path) == ["bench.support.planted"]


@pytest.mark.parametrize("folder", ["bench", "tests/browser", "tests/soak"])
def test_product_names_that_are_imported_late_exist(folder):
    """mypy does not read these folders, and their late imports run only in a benchmark."""
    imports = [
        (node.module, alias.name)
        for module in structure.read_modules(structure.ROOT, folder)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in structure.PACKAGES
        for alias in node.names
    ]
    assert imports
    for module, name in imports:
        if not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")
