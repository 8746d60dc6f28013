"""Files that the product writes: whole or not at all, and readable by its own user only.

A full disk or a killed process leaves the earlier file, or none; never a part of the new one under its name.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700
# Others may pass through, but not look around: PostgreSQL, which runs as `nobody` for root, has its folder inside.
PASSABLE_MODE = 0o711
PRIVATE = ("*.sqlite3*", "secret_key", "demo_webhook_secret", "*_password", "processes.json", "*.prom", "*.log")


def write_file(file: Path, content: bytes, *, is_synced: bool = True) -> None:
    """Create or replace this file: written beside it, synced, renamed.

    Args:
        is_synced: without it a power cut may leave the file empty.

    Raises:
        OSError: nothing has changed.
    """
    part = _write_beside(file, content, is_synced=is_synced)
    try:
        os.replace(part, file)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if is_synced:
        _sync_folder(file.parent)


def write_first(file: Path, content: bytes) -> bytes:
    """Create this file unless it has content, and return what it has: of several processes, all get one content.

    On Windows, which has no lock of a folder, that is guaranteed only to processes that start one after the other.

    Raises:
        OSError: nothing has changed.
    """
    part = _write_beside(file, content)
    try:
        with _alone_in(file.parent):
            if not file.exists() or not file.stat().st_size:
                os.replace(part, file)
                _sync_folder(file.parent)
        return file.read_bytes()
    finally:
        part.unlink(missing_ok=True)


def private_folder(folder: Path) -> Path:
    """The folder, made if missing; only its owner may enter it. Raises OSError if it cannot be made."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    is_passed = _is_root() and (folder / "postgres").is_dir()
    _set_mode(folder.resolve(), PASSABLE_MODE if is_passed else FOLDER_MODE)
    return folder


def private_file(file: Path) -> Path:
    """The file, made empty if missing; only its owner may read it. Raises OSError if it cannot be made."""
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, FILE_MODE))
    _set_mode(file, FILE_MODE)
    return file


def tighten(data_dir: Path) -> Path:
    """DATA_DIR and what an earlier release left in it readable for others, now for its owner only.

    What belongs to other users stays as it is, and so does a folder that is more than a DATA_DIR: one that everybody
    writes to, such as /tmp, or that contains this program or the user's home.
    """
    if any(inner.resolve().is_relative_to(data_dir.resolve()) for inner in (Path(__file__), Path.home())):
        return data_dir
    mail = data_dir / "mail"
    if mail.is_dir() and mail.stat().st_mode & 0o077:  # else its files were tightened before
        for file in mail.iterdir():
            _set_mode(file, FILE_MODE)
        _set_mode(mail, FOLDER_MODE)
    for pattern in PRIVATE:
        for file in data_dir.glob(pattern):
            _set_mode(file, FILE_MODE)
    return private_folder(data_dir)


def _write_beside(file: Path, content: bytes, *, is_synced: bool = True) -> Path:
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), FILE_MODE)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system can sync a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other process is in such a block of this folder. The lock ends with the process."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _set_mode(path: Path, mode: int) -> None:
    """Only for what is ours: others' files are theirs, and a link would change what it points to."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        found = path.lstat()
        is_shared = bool(found.st_mode & 0o1000)  # sticky, as /tmp
        is_link = path.is_symlink()
        if found.st_uid == os.geteuid() and not is_shared and not is_link and found.st_mode & 0o777 != mode:
            path.chmod(mode)


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
