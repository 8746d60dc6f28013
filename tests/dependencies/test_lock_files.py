"""The lock files belong to the requirements, hold nothing but pins with hashes, and a difference is named."""

import re
import shutil

import pytest

from tests.dependencies.lock_files import ROOT, SOURCES, faults, lock_of, locked, requirement_lines


@pytest.fixture
def copy(tmp_path):
    """The requirements and lock files, to be changed."""
    for source in SOURCES:
        shutil.copy(ROOT / source, tmp_path)
        shutil.copy(ROOT / lock_of(source), tmp_path)
    return tmp_path


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def first_pin(name):
    """A direct pin, so that no test depends on today's versions."""
    return next(line for line in requirement_lines("requirements.txt") if line.startswith(name))


def test_the_lock_files_belong_to_the_requirements():
    assert faults() == []


def test_every_direct_pin_has_its_reason():
    lines = [line for source in SOURCES for line in (ROOT / source).read_text().splitlines()]
    assert [line for line in lines if "==" in line and not re.search(r" # \S", line)] == []


def test_a_changed_version_is_named(copy):
    edit(copy / "requirements.txt", first_pin("segno"), "segno==0.0.1")
    assert "requirements.lock does not have segno 0.0.1" in faults(copy)


def test_an_added_package_is_named_in_every_lock_file(copy):
    edit(copy / "requirements.txt", "# What", "nothing-like-it==1.0  # planted\n# What")
    assert [f"{lock_of(source)} does not have nothing-like-it 1.0" in faults(copy) for source in SOURCES] == [True] * 3


def test_an_added_extra_is_noticed(copy):
    edit(copy / "requirements.txt", "django-allauth==", "django-allauth[planted]==")
    assert "requirements.lock was made from other requirements than those in requirements.txt" in faults(copy)


def test_a_package_that_was_taken_out_is_noticed(copy):
    edit(copy / "requirements.txt", first_pin("segno"), "")
    assert "requirements-dev.lock was made from other requirements than those in requirements-dev.txt" in faults(copy)


def test_another_reason_changes_nothing(copy):
    edit(copy / "requirements.txt", "# QR codes", "# Codes that phones read")
    assert faults(copy) == []


def test_a_version_that_is_not_exact_is_named(copy):
    edit(copy / "requirements.txt", first_pin("segno"), "segno>=1.6")
    assert "requirements.txt has no exact version for segno>=1.6" in faults(copy)


def test_a_pin_without_a_hash_is_named(copy):
    lock = copy / "requirements.lock"
    lock.write_text(lock.read_text() + "planted==1.0\n")
    assert "requirements.lock has no hash for planted" in faults(copy)


def test_a_hash_that_was_taken_out_is_named(copy):
    lock = copy / "requirements.lock"
    text = lock.read_text()
    begin = text.index("    --hash", text.index("\nsegno=="))
    lock.write_text(text[:begin] + text[text.index("    # via", begin) :])
    assert "requirements.lock has no hash for segno" in faults(copy)


@pytest.mark.parametrize("line", ["--extra-index-url https://packages.example.com/", "planted @ file:///planted.whl"])
def test_a_line_that_is_no_pin_is_named(copy, line):
    lock = copy / "requirements.lock"
    lock.write_text(f"{line}\n{lock.read_text()}")
    assert f"requirements.lock has a line that is not a pin: {line}" in faults(copy)
    assert "requirements.lock names a host" in faults(copy)


def test_a_lock_file_that_disagrees_with_another_is_named(copy):
    pin = next(pin for pin in locked("requirements.txt") if pin.name == "sqlparse")
    edit(copy / "requirements-dev.lock", f"\nsqlparse=={pin.version}", "\nsqlparse==0.0.1")
    assert f"requirements-dev.lock does not have sqlparse {pin.version}" in faults(copy)


def test_a_missing_lock_file_is_named(copy):
    (copy / "requirements-cluster.lock").unlink()
    assert "requirements-cluster.lock is missing" in faults(copy)


def test_windows_gets_time_zones():
    """Windows has no time zones of its own; a lock file made for Linux alone would lack them."""
    assert [pin.marker for pin in locked("requirements.txt") if pin.name == "tzdata"] in (
        [""],
        ["sys_platform == 'win32'"],
    )
    assert "colorama" in {pin.name for pin in locked("requirements-dev.txt")}


def test_make_installs_from_the_lock_files_only():
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if re.match(r"\t@\$\((?:PIP|LOCKED)\)", line)]
    assert [line.split()[1] for line in installs] == [
        "requirements.lock",
        "requirements-cluster.lock",
        "requirements-dev.lock",
        '"$$(sed',  # uv, before it can write the lock files
    ]
    assert "--require-hashes" in makefile
