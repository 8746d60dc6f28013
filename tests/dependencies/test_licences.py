"""docs/licences.md lists every package of the lock files, and no GPL."""

from email.message import Message
from types import SimpleNamespace

import pytest

from tests.dependencies import licences


def test_the_document_lists_every_package_with_an_accepted_licence():
    assert sorted(licences.faults()) == []


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only",
        "AGPL-3.0-or-later",
        "MIT AND GPL-2.0-only",
        "GNU General Public License v3 (GPLv3)",
        "GNU Affero General Public License v3",
        "UNKNOWN",
        "",
    ],
)
def test_gpl_agpl_and_an_unknown_licence_are_refused(licence):
    assert licences.is_refused(licence)


@pytest.mark.parametrize(
    "licence", ["MIT", "LGPL-3.0-only", "GNU Lesser General Public License v3 (LGPLv3)", "ZPL-2.1", "MPL-2.0"]
)
def test_other_licences_are_accepted(licence):
    assert not licences.is_refused(licence)


def distribution(**fields):
    said = Message()
    said["Name"] = "planted"
    for name, value in fields.items():
        said[name.replace("_", "-")] = value
    return SimpleNamespace(metadata=said)


def test_the_expression_is_read_before_the_classifiers_and_the_text():
    classifier = "License :: OSI Approved :: BSD License"
    assert licences.licence_of(distribution(License_Expression="MIT", Classifier=classifier)) == "MIT"
    assert licences.licence_of(distribution(Classifier=classifier, License="a long text")) == "BSD"
    assert licences.licence_of(distribution(License="Apache-2.0\nand a text")) == "Apache-2.0"
    assert licences.licence_of(distribution()) == ""


def planted(tmp_path, monkeypatch, old, new):
    document = tmp_path / "licences.md"
    text = licences.DOCUMENT.read_text()
    assert old in text
    document.write_text(text.replace(old, new, 1))
    monkeypatch.setattr(licences, "DOCUMENT", document)
    return " ".join(licences.faults())


def row(name):
    return next(line for line in licences.DOCUMENT.read_text().splitlines() if line.startswith(f"| {name} |"))


def test_a_row_with_a_refused_licence_is_named(tmp_path, monkeypatch):
    old = row("u-msgpack-python")  # not installed here, so nothing but the document says its licence
    assert "refused: GPL-3.0-only" in planted(tmp_path, monkeypatch, old, old.replace("MIT", "GPL-3.0-only"))


def test_a_row_that_differs_from_what_is_installed_is_named(tmp_path, monkeypatch):
    old = row("segno")
    assert "another licence or use of segno" in planted(tmp_path, monkeypatch, old, old.replace("BSD", "MIT"))


def test_a_missing_row_is_named(tmp_path, monkeypatch):
    assert "does not have segno" in planted(tmp_path, monkeypatch, row("segno") + "\n", "")


def test_a_row_too_many_is_named(tmp_path, monkeypatch):
    old = row("segno")
    assert "planted 1.0, which no lock" in planted(tmp_path, monkeypatch, old, f"{old}\n| planted | 1.0 | MIT | run |")
