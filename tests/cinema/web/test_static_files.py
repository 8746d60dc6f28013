"""Static files: whole after a full disk, and served by one middleware under every command."""

import errno
import os

import pytest
from django.core.files.base import ContentFile
from django.core.management import get_commands, load_command_class

from cinema import files
from cinema.web.static_files import WholeFilesStorage


@pytest.fixture
def storage(tmp_path):
    return WholeFilesStorage(location=tmp_path, base_url="/static/")


def test_a_file_is_there_whole_or_not_at_all(storage, tmp_path, monkeypatch):
    real = os.write

    def write(descriptor, content):
        if len(content) < 100:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, content[:50])

    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        storage.save("css/site.css", ContentFile(b"x" * 120))
    monkeypatch.undo()
    assert not storage.exists("css/site.css") and list((tmp_path / "css").iterdir()) == []
    assert storage.save("css/site.css", ContentFile(b"x" * 120)) == "css/site.css"
    assert storage.size("css/site.css") == 120


def test_one_that_a_power_cut_left_empty_is_written_anew(storage, tmp_path):
    (tmp_path / "one.js").touch()
    assert not storage.exists("one.js")
    assert storage.save("one.js", ContentFile(b"text")) == "one.js"
    assert (tmp_path / "one.js").read_bytes() == b"text"


def test_runserver_is_daphnes_and_leaves_static_files_to_the_middleware():
    """Django's own handler answers a path that leaves its folder with an error 5xx."""
    command = load_command_class(get_commands()["runserver"], "runserver")
    assert any(each.__module__.startswith("daphne.") for each in type(command).__mro__)
    assert command.create_parser("manage.py", "runserver").get_default("use_static_handler") is False
