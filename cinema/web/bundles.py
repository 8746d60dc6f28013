"""Bundles: all style sheets of a page type as one file, and all script modules of a page as one.

A file of `static/pages/` names what its page needs, by `@import` or `import`; `{% static 'bundles/<its name>' %}` is
those files put together, in the order in which they are needed. Nothing else lists them. The sources stay as they are,
and no tool is needed: a bundle is made when it is asked for (DEBUG=1) or when static files are collected.

A bundled module keeps its scope: it becomes a function that returns what it exports. So only plain forms are allowed:
imports by name at the beginning of a line, and declarations that are exported where they are written.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Error
from django.core.files.storage import FileSystemStorage

from cinema.files import private_folder, write_file

PAGES, FOLDER = "pages", "bundles"  # of the static files: entries, and what is made of them
STATIC = settings.BASE_DIR / "static"

SHEET = re.compile(r'^@import ()"([^"]+)"(?: (\([^;]+\)))?;\n?', re.MULTILINE)
ADDRESS = re.compile(r"""url\("(?!#|/|data:|https?:)([^"]+)"\)""")
IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"([^"]+)";\n?', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function\*?|const) (\w+))", re.MULTILINE)
RENAMED = re.compile(r"(\w+)\s+as\s+(\w+)")
OTHER_FORM = re.compile(r"^(?:(?:import|export)\b|await\b).*|\bimport(?:\(|\.meta).*|^@import.*", re.MULTILINE)


class BundleError(Exception):
    """A file cannot be put into a bundle; the text says which and why."""


def make_bundle(entry: Path, root: Path = STATIC) -> bytes:
    """The content of the bundle of this entry of `root / "pages"`. Raises BundleError."""
    put_together = _join_sheets if entry.suffix == ".css" else _join_modules
    return put_together(entry, root).encode()


def sources_of(entry: Path, root: Path = STATIC) -> list[Path]:
    """The entry and every file that it needs, each before those that need it. Raises BundleError."""
    pattern, resolve = (SHEET, _find_sheet) if entry.suffix == ".css" else (IMPORT, _find_module)
    found: dict[Path, bool] = {}  # whether all that it needs is there

    def visit(file: Path) -> None:
        if found.get(file) is False:
            raise BundleError(f"{file.name} is in a circle of imports")
        if file in found:
            return
        found[file] = False
        for names in pattern.findall(file.read_text()):
            visit(resolve(names[1], file, root))
        del found[file]
        found[file] = True

    visit(entry)
    return list(found)


# ---- Style sheets ---------------------------------------------------------------------------------------------------


def _join_sheets(entry: Path, root: Path) -> str:
    """A sheet that the entry imports for some media only is for those only."""
    media = {_find_sheet(name, entry, root): only for _, name, only in SHEET.findall(entry.read_text())}
    return "".join(_for_media(_sheet(file, root), media.get(file, "")) for file in sources_of(entry, root))


def _for_media(sheet: str, media: str) -> str:
    return f"@media {media} {{\n{sheet}}}\n" if media else sheet


def _sheet(file: Path, root: Path) -> str:
    here = file.relative_to(root).parent.as_posix()

    def moved(found: re.Match[str]) -> str:
        return f'url("../{posixpath.normpath(posixpath.join(here, found[1]))}")'

    text = _checked(SHEET.sub("", file.read_text()), file)
    return f"/* {file.relative_to(root).as_posix()} */\n{ADDRESS.sub(moved, text)}\n"


def _find_sheet(name: str, importer: Path, root: Path) -> Path:
    return _existing((importer.parent / name).resolve(), name, importer)


# ---- Modules --------------------------------------------------------------------------------------------------------


def _join_modules(entry: Path, root: Path) -> str:
    return "".join(_module(file, root) for file in sources_of(entry, root))


def _module(file: Path, root: Path) -> str:
    text = file.read_text()
    names = EXPORT.findall(text)
    body = _checked(EXPORT.sub("", IMPORT.sub(lambda found: _use(found, file, root), text)), file)
    start = f"const {_variable(file, root)} = " if names else ""
    end = f"return {{ {', '.join(names)} }};\n" if names else ""
    return f"// ---- {file.relative_to(root).as_posix()}\n{start}(() => {{\n{body}{end}}})();\n"


def _use(found: re.Match[str], importer: Path, root: Path) -> str:
    """The declaration in the place of an import."""
    if found[1] is None:
        return ""
    names = RENAMED.sub(r"\1: \2", " ".join(found[1].split()).rstrip(", "))
    return f"const {{ {names} }} = {_variable(_find_module(found[2], importer, root), root)};\n"


def _find_module(name: str, importer: Path, root: Path) -> Path:
    """By its plain name, wherever under `js/` it is; or relative to the importing file."""
    if name.startswith("."):
        return _existing((importer.parent / name).resolve(), name, importer)
    found = sorted((root / "js").rglob(f"{name}.js"))
    if len(found) > 1:
        raise BundleError(f"{importer.name} imports {name}, of which there are {len(found)}")
    return _existing(found[0] if found else root / "js" / f"{name}.js", name, importer)


def _variable(file: Path, root: Path) -> str:
    return re.sub(r"\W", "_", file.relative_to(root).with_suffix("").as_posix())


# ---- Both -----------------------------------------------------------------------------------------------------------


def _existing(file: Path, name: str, importer: Path) -> Path:
    if not file.is_file():
        raise BundleError(f"{importer.name} imports {name}, which is not there")
    return file


def _checked(text: str, file: Path) -> str:
    other = OTHER_FORM.search(text)
    if other:
        raise BundleError(f"{file.name} has a form that a bundle cannot have: {other[0][:80]}")
    return text


# ---- As static files ------------------------------------------------------------------------------------------------


Messages = list[CheckMessage]  # inside the class `list` is its method


class BundleFinder(BaseFinder):
    """Of STATICFILES_FINDERS: `bundles/<name>`, written to DATA_DIR when its sources have changed."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(settings.DATA_DIR)

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """The absolute path of a bundle; [] for any other file."""
        folder, _, name = path.replace("\\", "/").partition("/")
        entry = STATIC / PAGES / name
        if folder != FOLDER or entry not in entries():
            return []
        file = str(_written(entry))
        return [file] if find_all else file

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for entry in entries():
            _written(entry)
            yield f"{FOLDER}/{entry.name}", self.storage

    def check(self, **kwargs: Any) -> Messages:
        return check_bundles()


def entries() -> list[Path]:
    """The files of `static/pages/`."""
    return sorted(file for file in (STATIC / PAGES).iterdir() if file.suffix in (".css", ".js"))


def check_bundles() -> list[CheckMessage]:
    """An error for each bundle that cannot be made."""
    errors: list[CheckMessage] = []
    for entry in entries():
        try:
            make_bundle(entry)
        except BundleError as error:
            errors.append(Error(str(error), id="cinema.E001"))
    return errors


def _written(entry: Path) -> Path:
    file = Path(private_folder(settings.DATA_DIR / FOLDER)) / entry.name
    content = _made(entry, tuple((source, source.stat().st_mtime_ns) for source in sources_of(entry)))
    if not file.exists() or file.read_bytes() != content:
        write_file(file, content, is_synced=False)
    return file


@lru_cache(maxsize=64)
def _made(entry: Path, sources: tuple[tuple[Path, int], ...]) -> bytes:
    """Made again when a source has another time of change."""
    return make_bundle(entry)
