"""Chromium on a machine that has none."""

import os
import shutil
import subprocess

from bench.support.chromium import find_chromium


def install_chromium():
    """The path of a Chromium, installed when this is root on a Debian; None when that is not possible."""
    if not find_chromium() and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing Chromium", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, **quiet)
    return find_chromium()
