"""The structure of the code as a table: modules per folder, imports between rooms, import cycles, sizes.

`python -m bench.structure [--against DIR]`: of the working tree, and of the tree in `DIR` beside it. Sources are parsed
and never imported, so a tree of any age can be measured. Migrations are left out; `__init__.py` counts as no module.

A room is a folder directly below a package; each module in the package's own folder is a room of its own. An arrow is
an import statement of one module by another one in a different room of the same package.
"""

from __future__ import annotations

import argparse
import ast
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.support.tables import percentile, print_table

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("booking", "cinema", "payments", "realtime")


@dataclass
class Module:
    """One source file. `name` is dotted; `__init__.py` has the name of its folder."""

    path: Path
    name: str
    tree: ast.Module
    n_lines: int

    @property
    def is_init(self) -> bool:
        return self.path.name == "__init__.py"

    def functions(self) -> Iterator[tuple[int, str]]:
        """(lines from `def` to the end, name) of each function; the lines of a nested one count in both."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{self.name}.{node.name}"


@dataclass(frozen=True)
class Arrow:
    """One import statement: `importer` names `imported`. `for_types`: it stands under `if TYPE_CHECKING:`."""

    importer: str
    imported: str
    for_types: bool


# ---- Reading a tree --------------------------------------------------------------------------------------------------


def read_modules(root: Path, folder: str) -> list[Module]:
    files = sorted((root / folder).rglob("*.py"))
    return [read_module(root, file) for file in files if "migrations" not in file.parts]


def read_module(root: Path, file: Path) -> Module:
    parts = file.relative_to(root).with_suffix("").parts
    text = file.read_text(encoding="utf-8")
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(file, name, ast.parse(text), len(text.splitlines()))


def find_arrows(modules: Sequence[Module]) -> list[Arrow]:
    """Every import of one of these modules by another one, at the top of a file or inside a function."""
    known, found = {module.name for module in modules}, []
    for module in modules:
        type_only = {id(node) for node in nodes_for_types(module.tree)}
        for node in ast.walk(module.tree):
            imported = {first_known(name, known) for name in names_in(node, module)} - {None, module.name}
            found += [Arrow(module.name, name, id(node) in type_only) for name in sorted(filter(None, imported))]
    return found


def nodes_for_types(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.body:
                yield from ast.walk(statement)


def names_in(node: ast.AST, module: Module) -> set[str]:
    """The dotted names that this node imports, `from a import b` as `a.b`; none when it is no import statement."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom):
        return set()
    base = node.module or ""
    if node.level:
        parts = module.name.split(".")
        folder = parts[: len(parts) - node.level + module.is_init]
        base = ".".join([*folder, base] if base else folder)
    return {f"{base}.{alias.name}" for alias in node.names}


def first_known(name: str, known: set[str]) -> str | None:
    """The module that holds this name: `a.b.c` may be the module `a.b.c`, or something inside `a.b`."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def find_cycles(arrows: Iterable[Arrow]) -> list[list[str]]:
    """The strongly connected components of more than one module, each sorted by name."""
    targets: dict[str, set[str]] = {}
    for arrow in arrows:
        targets.setdefault(arrow.importer, set()).add(arrow.imported)
    reached = {name: reachable(name, targets) for name in targets}
    cycles = {tuple(sorted(other for other in reached[name] if name in reached.get(other, ()))) for name in targets}
    return [list(cycle) for cycle in sorted(cycles) if cycle]


def reachable(start: str, targets: dict[str, set[str]]) -> set[str]:
    """What `start` imports, directly or through others; `start` itself only when a cycle leads back to it."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = targets.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return found


# ---- The table -------------------------------------------------------------------------------------------------------


@dataclass
class Structure:
    """Of one tree: the cells of the table by row, and its import cycles."""

    cells: dict[str, str]
    cycles: list[list[str]]  # late imports included
    cycles_with_types: list[list[str]]  # those under TYPE_CHECKING too


def measure(root: Path) -> Structure:
    packages = {package: read_modules(root, package) for package in PACKAGES}
    product = [module for modules in packages.values() for module in modules]
    groups = {"product": product, "tests": read_modules(root, "tests"), "bench": read_modules(root, "bench")}
    arrows = find_arrows(product)
    cycles, with_types = find_cycles(arrow for arrow in arrows if not arrow.for_types), find_cycles(arrows)
    cells: dict[str, str] = {}
    for package, modules in packages.items():
        cells |= cells_of_folders(root, package, modules)
        cells[f"{package}: arrows between rooms"] = count_between_rooms(package, arrows)
    cells |= cells_of_folders(root, "tests", groups["tests"])
    cells["import cycles, late imports included"] = f"{len(cycles)}"
    cells["import cycles, TYPE_CHECKING included too"] = f"{len(with_types)}"
    for name, modules in groups.items():
        cells |= cells_of_sizes(name, modules)
    return Structure(cells | cells_of_texts(root), cycles, with_types)


def cells_of_folders(root: Path, name: str, modules: Sequence[Module]) -> dict[str, str]:
    folders = Counter(module.path.parent for module in modules if not module.is_init)
    [(largest, most)] = folders.most_common(1) or [(root / name, 0)]
    return {
        f"{name}: modules": f"{folders.total()}",
        f"{name}: largest folder": f"{most} ({largest.relative_to(root)}/)",
    }


def count_between_rooms(package: str, arrows: Iterable[Arrow]) -> str:
    inside = [arrow for arrow in arrows if package_of(arrow.importer) == package_of(arrow.imported) == package]
    between = [arrow for arrow in inside if room_of(arrow.importer) != room_of(arrow.imported)]
    return f"{len(between)} ({len({(arrow.importer, arrow.imported) for arrow in between})} pairs)"


def package_of(name: str) -> str:
    return name.partition(".")[0]


def room_of(name: str) -> list[str]:
    return name.split(".")[:2]


def cells_of_sizes(name: str, modules: Sequence[Module]) -> dict[str, str]:
    functions = sorted(each for module in modules for each in module.functions())
    files = sorted((module.n_lines, module.name) for module in modules if module.n_lines)
    return {f"{name}: function lines": describe_sizes(functions), f"{name}: file lines": describe_sizes(files)}


def describe_sizes(sizes: Sequence[tuple[int, str]]) -> str:
    """`median / 90th percentile / longest (its name)` of sorted (lines, name)."""
    if not sizes:
        return "-"
    lengths = [length for length, _ in sizes]
    longest, name = sizes[-1]
    return f"{statistics.median(lengths):g} / {percentile(lengths, 0.9):g} / {longest} ({name})"


def cells_of_texts(root: Path) -> dict[str, str]:
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    lines = [
        (len(line), f"{file.relative_to(root)}")
        for file in sorted((root / "templates").rglob("*.html"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    length, name = max(lines, default=(0, "-"))
    return {
        "ARCHITECTURE.md: lines, words": f"{len(text.splitlines())}, {len(text.split())}",
        "templates: longest line": f"{length} ({name})",
        "templates: lines over 160 characters": f"{sum(length > 160 for length, _ in lines)}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.structure", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="DIR", help="another tree, measured beside this one")
    options = parser.parse_args()
    trees = {"this tree": measure(ROOT)}
    if options.against:
        trees = {str(options.against): measure(options.against.resolve()), **trees}
    rows = trees["this tree"].cells
    print_table(["measure", *trees], [[name, *(tree.cells[name] for tree in trees.values())] for name in rows])
    print("\nSizes are median / 90th percentile / longest.")
    for name, tree in trees.items():
        for cycle in tree.cycles:
            print(f"Import cycle in {name}: {', '.join(cycle)}")
        for cycle in tree.cycles_with_types:
            if cycle not in tree.cycles:
                print(f"Import cycle in {name}, through TYPE_CHECKING: {', '.join(cycle)}")


if __name__ == "__main__":
    main()
