"""Secrets that are made once and stored in DATA_DIR."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from cinema import files
from cinema.environment import kept_secret, why_weak

ROOT = Path(files.__file__).parent.parent


def test_it_is_made_once(tmp_path):
    file = tmp_path / "folder" / "secret_key"
    first = kept_secret(file)
    assert len(first) > 60 and kept_secret(file) == first == file.read_text()
    assert [each.name for each in file.parent.iterdir()] == ["secret_key"]


def test_one_that_a_full_disk_left_empty_is_made_anew_with_a_sentence(tmp_path, caplog):
    file = tmp_path / "secret_key"
    file.touch()
    assert len(kept_secret(file)) > 60
    assert f"{file} is empty, as after a full disk. A new secret is made." in caplog.text


def test_a_full_disk_is_a_sentence_and_the_next_start_makes_the_secret(tmp_path, monkeypatch):
    def fail(descriptor, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "write", fail)
    with pytest.raises(ImproperlyConfigured, match="secret_key cannot be kept: .*No space left"):
        kept_secret(tmp_path / "secret_key")
    monkeypatch.undo()
    assert len(kept_secret(tmp_path / "secret_key")) > 60


def test_one_that_is_cut_short_is_refused_and_stays(tmp_path):
    file = tmp_path / "demo_webhook_secret"
    file.write_text("abc")
    with pytest.raises(ImproperlyConfigured, match="has only 3 characters: it is cut short"):
        kept_secret(file)
    assert file.read_text() == "abc"


@pytest.mark.parametrize("is_there", [True, False])
def test_one_with_which_something_was_made_is_never_replaced(tmp_path, is_there):
    file = tmp_path / "postgres_password"
    if is_there:
        file.touch()
    with pytest.raises(ImproperlyConfigured, match="missing or empty. Put it back from a backup"):
        kept_secret(file, length=18, in_use=True)
    assert not file.exists() or not file.read_text()


def test_processes_that_start_at_once_agree(tmp_path):
    code = "import sys; from pathlib import Path; from cinema.environment import kept_secret\n"
    code += "sys.stdin.readline(); print(kept_secret(Path(sys.argv[1])))"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "secret"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    texts = {process.communicate(timeout=60)[0].strip() for process in started}
    assert texts == {(tmp_path / "secret").read_text()}


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x" * 49, "has 49 characters"),
        ("abcd" * 20, "fewer than 5 different"),
        ("django-insecure-" + "abcdefghij" * 5, "a new Django project"),
        ("abcdefghij" * 5, ""),
    ],
)
def test_a_weak_key_is_named(key, why):
    assert why in why_weak(key) and bool(why_weak(key)) is bool(why)
