"""Who may import whom: the contracts in pyproject.toml, and for each a planted import that breaks it."""

import ast
import os
import re
import subprocess
import sys

import pytest

from tests.boundaries.source import ROOT, calls_of, copy_tree, name_of, plant, product_files

LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"


def lint_imports(folder):
    env = os.environ | {"COLUMNS": "500"}  # or names of contracts are broken over lines
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return copy_tree(tmp_path_factory.mktemp("product"))


def test_the_product_keeps_every_contract(tree):
    ended = lint_imports(tree)
    assert ended.returncode == 0, ended.stdout


# Each breaks the contract of that name, and is planted together with the others: a run takes seconds.
PLANTED = [
    ("cinema/planted.py", "import booking.models", "Lower never imports higher"),
    ("booking/planted.py", "from payments import refunds", "Lower never imports higher"),
    ("booking/planted.py", "from realtime.live import hub", "Lower never imports higher"),
    ("realtime/planted.py", "import payments.models", "Lower never imports higher"),
    ("payments/planted.py", "from realtime.live import hub", "Lower never imports higher"),
    ("booking/seats/map.py", "import booking.locks", "Inside booking"),
    ("booking/signals.py", "def late():\n    from booking.outbox import messages", "Inside booking"),
    ("booking/locks.py", "from booking.pages import api", "Inside booking"),
    ("payments/refunds.py", "from payments.staff import search", "Inside payments: staff"),
    ("payments/settlement.py", "def late():\n    from payments import refunds", "Inside payments: no use case"),
    ("payments/gateways/interface.py", "def late():\n    from payments.gateways import factory", "No circle"),
    ("cinema/schedule.py", "from cinema.whats_on import listings", "Inside cinema"),
    ("cinema/database/statements.py", "import cinema.models", "cinema.database knows no cinema"),
    ("realtime/live/hub.py", "def late():\n    from realtime.sockets import consumers", "Inside realtime"),
    ("realtime/fast_path/eager.py", "from realtime.live import viewer", "Inside realtime"),
    ("payments/webhook.py", "from payments.gateways.stripe import read_event", "The webhook asks the interface"),
    ("booking/planted.py", "from asgiref.sync import async_to_sync", "channels and asgiref"),
    ("payments/planted.py", "import channels.layers", "channels and asgiref"),
    ("cinema/planted.py", "import stripe", "stripe only"),
    ("payments/planted.py", "import stripe", "stripe only"),
    ("realtime/live/hub.py", "from uvicorn.server import ServerState", "uvicorn, daphne, twisted and autobahn only"),
    ("realtime/launcher/web.py", "from twisted.internet import reactor", "uvicorn, daphne, twisted and autobahn only"),
    ("payments/gateways/amounts.py", "import booking.basket", "A gateway knows money"),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """What is printed for the tree with all planted imports, by contract."""
    folder = copy_tree(tmp_path_factory.mktemp("planted"))
    for file, line, _ in PLANTED:
        with (folder / file).open("a") as source:
            source.write(f"\n{line}\n")
    ended = lint_imports(folder)
    assert ended.returncode == 1
    sections = re.split(r"\n([^\n]+)\n-{3,}\n", ended.stdout.partition("Broken contracts")[2])
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED, ids=[f"{file}: {line}" for file, line, _ in PLANTED])
def test_a_planted_import_breaks_its_contract(broken, file, line, contract):
    [text] = [text for name, text in broken.items() if name.startswith(contract)]
    importer = file.removesuffix(".py").replace("/", ".")
    assert importer in text or f".{importer.rpartition('.')[2]} ->" in text, text  # circles are named by last parts


def find_calls(trees, name):
    return [file for file, tree in trees.items() for call in calls_of(tree) if name_of(call.func) == name]


def test_exactly_one_signal_exists():
    assert find_calls(product_files(), "Signal") == ["booking/signals.py"]
    planted = plant(product_files(), "payments/planted.py", "from django.dispatch import Signal\nPAID = Signal()")
    assert len(find_calls(planted, "Signal")) == 2


def test_group_send_is_called_in_one_place():
    [file] = find_calls(product_files(), "group_send")
    assert file.startswith("realtime/")
    planted = plant(product_files(), "booking/planted.py", "layer.group_send('showtime.1', {})")
    assert len(find_calls(planted, "group_send")) == 2


def imports_of(folder):
    """(file, module) of every import below a folder, late ones included."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                yield path.relative_to(ROOT).as_posix(), node.module or ""
            elif isinstance(node, ast.Import):
                yield from ((path.relative_to(ROOT).as_posix(), alias.name) for alias in node.names)


def test_benchmarks_take_nothing_from_tests():
    assert not [(file, module) for file, module in imports_of("bench") if module.split(".")[0] == "tests"]


def test_the_product_takes_nothing_from_tests_or_benchmarks():
    for package in ("booking", "cinema", "payments", "realtime"):
        assert not [found for found in imports_of(package) if found[1].split(".")[0] in ("tests", "bench")]
