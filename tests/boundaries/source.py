"""The product's source as syntax trees, and what every boundary test asks of it."""

import ast
import shutil
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("booking", "cinema", "payments", "realtime")


@cache
def product_files(root=ROOT):
    """{path from the root: tree} of all product code; migrations are left out."""
    files = [root / "asgi.py", *(file for package in PACKAGES for file in (root / package).rglob("*.py"))]
    return {
        str(file.relative_to(root)): ast.parse(file.read_text()) for file in files if "migrations" not in file.parts
    }


def plant(trees, file, text):
    """These trees with one more file, or with `text` at the end of one that there is."""
    before = ast.unparse(trees[file]) if file in trees else ""
    return {**trees, file: ast.parse(f"{before}\n{text}\n")}


def calls_of(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name_of(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def copy_tree(folder):
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("asgi.py", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    return folder
