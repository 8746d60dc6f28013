"""`make lock`: writes the lock files from the requirements. `--check` says, without a network, where they differ."""

import argparse
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Sources, the widest last: each begins with `-r` of the one before it.
SOURCES = ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt")
# The lowest Python, for every platform: other versions and systems get their packages by markers in the same file.
COMPILE = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url")
HEADER = """\
# Written by `make lock` from {source}; not edited by hand.
# For every platform and Python 3.11 or newer: pip install --require-hashes -r {lock}
# sha256 of its requirements: {digest}
"""
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==([^\s;\\]+)\s*(?:;\s*([^\\#]+?))?\s*\\?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


@dataclass(frozen=True)
class Pin:
    """One package of one version; `marker` is the condition under which it is installed, or empty."""

    name: str
    version: str
    marker: str = ""


def lock_of(source):
    return source.replace(".txt", ".lock")


def normal(name):
    """A package's name as the registry compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_lines(source, root=ROOT):
    """The requirements of a source and of the sources that it includes, without their reasons."""
    for line in (root / source).read_text().splitlines():
        requirement = line.partition("#")[0].strip()
        if requirement.startswith("-r "):
            yield from requirement_lines(requirement.removeprefix("-r ").strip(), root)
        elif requirement:
            yield requirement


def digest_of(source, root=ROOT):
    return hashlib.sha256("\n".join(sorted(requirement_lines(source, root))).encode()).hexdigest()


def parse_pin(line):
    found = PIN.match(line)
    return Pin(normal(found[1]), found[2], found[3] or "") if found else None


def locked(source, root=ROOT):
    """The pins of the lock file of a source, in its order."""
    return [pin for line in (root / lock_of(source)).read_text().splitlines() if (pin := parse_pin(line))]


def renew(upgrade):
    """Each lock file is limited to the versions of the one before it, so all three agree."""
    constraints = []
    for source in SOURCES:
        lock = ROOT / lock_of(source)
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *COMPILE, *constraints]
        command += [*(["--upgrade"] if upgrade else []), "--output-file", lock.name, source]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        lock.write_text(HEADER.format(source=source, lock=lock.name, digest=digest_of(source)) + lock.read_text())
        constraints = ["--constraint", lock.name]
        print(f"{lock.name}: {len(locked(source))} packages")


def faults_of(source, root=ROOT):
    """Sentences about a lock file that does not belong to its source or does not hold what it must."""
    name = lock_of(source)
    try:
        text = (root / name).read_text()
    except FileNotFoundError:
        yield f"{name} is missing"
        return
    if digest_of(source, root) not in text:
        yield f"{name} was made from other requirements than those in {source}"
    pins = {(pin.name, pin.version) for pin in locked(source, root)}
    for requirement in requirement_lines(source, root):
        pin = parse_pin(requirement)
        if not pin:
            yield f"{source} has no exact version for {requirement}"
        elif (pin.name, pin.version) not in pins:
            yield f"{name} does not have {pin.name} {pin.version}"
    if "://" in text:
        yield f"{name} names a host"
    yield from faults_of_lines(name, text)


def faults_of_lines(name, text):
    """Only pins with hashes: no option, path or URL, and no pin without a hash."""
    waiting = None  # the pin whose hash has not come yet
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if HASH.match(line):
            waiting = None
            continue
        if waiting:
            break
        waiting = parse_pin(line)
        if not waiting:
            yield f"{name} has a line that is not a pin: {line.strip()}"
    if waiting:
        yield f"{name} has no hash for {waiting.name}"


def faults(root=ROOT):
    found = [sentence for source in SOURCES for sentence in faults_of(source, root)]
    if not found:
        for lower, wider in zip(SOURCES, SOURCES[1:], strict=False):
            missing = set(locked(lower, root)) - set(locked(wider, root))
            found += [f"{lock_of(wider)} does not have {pin.name} {pin.version}" for pin in missing]
    return found


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.dependencies.lock_files", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say where lock files and requirements differ")
    parser.add_argument("--upgrade", action="store_true", help="the newest versions of everything not pinned")
    options = parser.parse_args()
    if not options.check:
        renew(options.upgrade)
    for sentence in (found := faults()):
        print(f"{sentence}. `make lock` renews it.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
