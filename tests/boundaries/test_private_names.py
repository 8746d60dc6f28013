"""Private names of other libraries are used in `realtime.fast_path` and `cinema.database` only."""

import ast

import pytest

from tests.boundaries.source import PACKAGES, product_files

ROOMS = ("cinema/database/", "realtime/fast_path/")
DOCUMENTED = {"_asdict", "_exit", "_meta", "_replace", "_state"}  # of named tuples, `os` and Django's models


def is_private(name):
    return name.startswith("_") and not name.startswith("__") and name != "_"


def names_of_ours(found):
    """Every private name that the product defines or assigns."""
    for tree in found.values():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield node.name
            elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
                yield node.id if isinstance(node, ast.Name) else node.attr


def names_used(tree):
    """Each private name that is read, imported, or asked for by `getattr` and the like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr", "setattr"):
            yield from (each.value for each in node.args if isinstance(each, ast.Constant) and each.value is not None)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", None) or ""
            if module.split(".")[0] not in PACKAGES:
                parts = [part for each in node.names for part in (*module.split("."), *each.name.split("."))]
                yield from ("_internal" if part == "internal" else part for part in parts)


def private_names_of_others(found, ours):
    return {
        (file, name)
        for file, tree in found.items()
        if not file.startswith(ROOMS)
        for name in names_used(tree)
        if isinstance(name, str) and is_private(name) and name not in ours | DOCUMENTED
    }


def test_no_other_room_uses_a_private_name_of_a_library():
    found = product_files()
    assert private_names_of_others(found, set(names_of_ours(found))) == set()


@pytest.mark.parametrize(
    "line",
    [
        "from psycopg.errors import _WaitTimeout",
        "import uvicorn._types",
        "from allauth.account.internal.flows.email_verification import send_verification_email_to_address",
        "loop = reactor._asyncioEventloop",
        "sock = getattr(transport, '_sock', None)",
        "if response._container: pass",
    ],
)
def test_a_planted_private_name_is_found(line):
    ours = set(names_of_ours(product_files()))
    [(file, _)] = private_names_of_others({"realtime/live/planted.py": ast.parse(line)}, ours)
    assert file == "realtime/live/planted.py"
    assert private_names_of_others({"realtime/fast_path/planted.py": ast.parse(line)}, ours) == set()
