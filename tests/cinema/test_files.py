"""Files that the product writes: whole or not at all, whatever step fails, and for their owner only."""

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.support.servers import ROOT, clean_environment
from cinema import files
from cinema.environment import Environment
from cinema.files import tighten, write_file, write_first

STEPS = ("open", "write", "fsync", "replace")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and locks of POSIX")


def mode(path):
    return oct(path.stat().st_mode & 0o777)


@pytest.fixture
def full_disk(monkeypatch):
    """The disk is full at this step; at `write` after the first three bytes."""

    def fill(step):
        real = getattr(os, step)

        def fail(first, *args, **more):
            if step == "write" and len(args[0]) > 3:
                return real(first, args[0][:3])
            if step == "open" and args and not args[0] & os.O_CREAT:
                return real(first, *args, **more)
            raise FULL

        monkeypatch.setattr(files.os, step, fail)

    return fill


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("write", [write_file, write_first])
def test_on_a_full_disk_there_is_no_file(tmp_path, full_disk, monkeypatch, step, write):
    full_disk(step)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "secret", b"a secret text")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "secret", b"a secret text")
    assert (tmp_path / "secret").read_bytes() == b"a secret text"


@pytest.mark.parametrize("step", STEPS)
def test_on_a_full_disk_the_earlier_file_stays_whole(tmp_path, full_disk, step):
    file = tmp_path / "processes.json"
    write_file(file, b"the first")
    full_disk(step)
    with pytest.raises(OSError, match="No space left"):
        write_file(file, b"the second")
    assert [each.name for each in tmp_path.iterdir()] == ["processes.json"] and file.read_bytes() == b"the first"


def test_a_limit_of_the_system_leaves_nothing_either(tmp_path):
    """The same with a real short write: the system takes ten bytes of a file and no more."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from cinema.files import write_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "write_file(Path(sys.argv[1]), b'x' * 50)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "secret"], cwd=ROOT, capture_output=True, text=True)
    assert "File too large" in done.stderr and list(tmp_path.iterdir()) == []


def test_what_is_written_can_be_read_by_its_owner_only(tmp_path):
    write_file(tmp_path / "one", b"1")
    write_first(tmp_path / "two", b"2")
    assert [mode(file) for file in tmp_path.iterdir()] == ["0o600", "0o600"]


def test_of_many_writers_at_once_all_get_the_text_of_one(tmp_path):
    file, barrier, results = tmp_path / "secret", threading.Barrier(8), []
    file.touch()  # as a full disk left it

    def write(text):
        barrier.wait(10)
        results.append(write_first(file, text))

    threads = [threading.Thread(target=write, args=(b"text %d" % i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 8 and set(results) == {file.read_bytes()}


def test_what_an_earlier_release_left_open_is_closed(tmp_path):
    data_dir = tmp_path / "var"
    (data_dir / "mail").mkdir(parents=True)
    names = ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "db.sqlite3.backup", "secret_key", "mail/one.eml")
    for name in names:
        (data_dir / name).touch(0o644)
    for folder in (data_dir, data_dir / "mail"):
        folder.chmod(0o755)
    assert tighten(data_dir) == data_dir
    assert {mode(data_dir / name) for name in names} == {"0o600"}
    assert {mode(data_dir), mode(data_dir / "mail")} == {"0o700"}


def test_a_folder_of_everybody_and_one_with_more_in_it_stay_as_they_are(tmp_path, monkeypatch):
    shared, home = tmp_path / "shared", tmp_path / "home"
    for folder in (shared, home):
        folder.mkdir()
        folder.chmod(0o755)
    shared.chmod(0o1777)
    monkeypatch.setattr(Path, "home", lambda: home / "me")
    for folder in (shared, home):
        before = folder.stat().st_mode
        tighten(folder)
        assert folder.stat().st_mode == before


def test_a_link_is_not_followed(tmp_path):
    data_dir, outside = tmp_path / "var", tmp_path / "outside.sqlite3"
    data_dir.mkdir()
    outside.touch(0o644)
    outside.chmod(0o644)
    (data_dir / "db.sqlite3").symlink_to(outside)
    tighten(data_dir)
    assert mode(outside) == "0o644"


def test_sqlite_makes_its_other_files_as_private_as_the_database(tmp_path, monkeypatch):
    import sqlite3

    monkeypatch.setenv("DATABASE_URL", "")
    old = os.umask(0o022)
    try:
        config = Environment(tmp_path / "none").database("DATABASE_URL", sqlite=tmp_path / "db.sqlite3")
        database = sqlite3.connect(config["NAME"])
        database.executescript(f"{config['OPTIONS']['init_command']} CREATE TABLE one (two INT)")
    finally:
        os.umask(old)
    found = {file.name: mode(file) for file in tmp_path.iterdir()}
    database.close()
    assert found == dict.fromkeys(("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"), "0o600")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_for_root_postgresql_still_reaches_its_folder(tmp_path, monkeypatch):
    from realtime.launcher import postgres

    data_dir = tmp_path / "var"
    (data_dir / "postgres").mkdir(parents=True)
    tighten(data_dir)
    assert mode(data_dir) == "0o711"
    monkeypatch.setattr(postgres, "is_reachable", lambda path: True)
    assert postgres.reachable_folder(data_dir / "postgres") == data_dir / "postgres"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_for_root_a_database_that_was_made_elsewhere_is_still_found(tmp_path, monkeypatch):
    from realtime.launcher import postgres

    folder = tmp_path / "var" / "postgres"
    folder.mkdir(parents=True)
    elsewhere = postgres.reachable_folder(folder)  # pytest's own folders let nobody in
    try:
        assert elsewhere.parent == Path("/var/tmp")
        monkeypatch.setattr(postgres, "is_reachable", lambda path: True)
        assert postgres.reachable_folder(folder) == folder
        (elsewhere / "data").mkdir()
        assert postgres.reachable_folder(folder) == elsewhere
        (folder / "data").mkdir()
        assert postgres.reachable_folder(folder) == folder
    finally:
        shutil.rmtree(elsewhere)


def test_a_start_leaves_nothing_that_others_may_read(tmp_path):
    data_dir = tmp_path / "var"
    code = "import os; os.umask(0o022); import cinema.settings"
    env = clean_environment(DATA_DIR=data_dir)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
    assert {path.name: mode(path) for path in [data_dir, *data_dir.iterdir()]} == {
        "var": "0o700",
        "secret_key": "0o600",
        "db.sqlite3": "0o600",
    }
