"""The settings as a fresh process reads them."""

import subprocess
import sys

from bench.support.servers import ROOT, clean_environment


def read_setting(name, **environment):
    """The finished process: the setting's value in its output, or what stopped it in its errors."""
    code = f"from cinema import settings; print(settings.{name}, end='')"
    env = clean_environment(**environment)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
