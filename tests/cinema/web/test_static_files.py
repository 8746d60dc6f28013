"""`collectstatic` on a full disk: no file is left that would be served cut short for ever."""

import errno
import os

import pytest
from django.core.files.base import ContentFile

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
