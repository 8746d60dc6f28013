import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

from realtime.launcher.postgres import Postgres, installed, reachable_programs, unprivileged

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")


@pytest.fixture
def open_folder():
    """A folder that everybody may enter, unlike pytest's own."""
    folder = mkdtemp(prefix="bookmyseat-open-")
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder)


def test_root_keeps_its_data_where_nobody_can_reach_it_when_its_own_folder_is_private(tmp_path):
    assert not os.stat(tmp_path.parent).st_mode & 0o001
    server = Postgres(tmp_path / "postgres", password="tests")
    try:
        child = server.start()
        child.stop()
        assert server.home.parent.name == "tmp" and child.exit_code == 0
    finally:
        shutil.rmtree(server.home)


def test_programs_that_nobody_can_reach_are_copied_and_run(tmp_path, open_folder):
    package = installed().parent
    private = tmp_path / package.name
    shutil.copytree(package / "pginstall", private / "pginstall", symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), tmp_path / f"{package.name}.libs")
    copy = reachable_programs(private / "pginstall", Path(open_folder))
    user, group = unprivileged()
    said = subprocess.run([copy / "bin/initdb", "--version"], user=user, group=group, capture_output=True, text=True)
    assert said.stdout.startswith("initdb (PostgreSQL)"), said.stderr
    assert reachable_programs(private / "pginstall", Path(open_folder)) == copy
