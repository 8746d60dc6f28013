"""`make check`: every check, also after a failed one; the exit code is 1 when any failed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a-long-random-text-that-only-this-check-knows-0123456789abcdefghijklmnop",
    "ALLOWED_HOSTS": "tickets.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://tickets.example.com",
    "HTTPS": "1",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "DATABASE_URL": "",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "LOOP": "external",
    "PAYMENTS": "stripe",
    "STRIPE_API_BASE": "",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_check",
    "STRIPE_SECRET_KEY": "sk_live_check",
    "STRIPE_WEBHOOK_SECRET": "whsec_check",
}
MANAGE = (sys.executable, "manage.py")
CHECKS = {
    "format": ((BIN / "ruff", "format", "--check", "--quiet", "."), {}),
    "lint": ((BIN / "ruff", "check", "--quiet", "."), {}),
    "types": ((BIN / "mypy",), {"DEBUG": "1"}),
    "import boundaries": ((BIN / "lint-imports",), {}),
    "lock files": ((sys.executable, "-m", "tests.dependencies.lock_files", "--check"), {}),
    "licences": ((sys.executable, "-m", "tests.dependencies.licences", "--check"), {}),
    "missing migrations": ((*MANAGE, "makemigrations", "--check", "--dry-run"), {"DEBUG": "1"}),
    "deploy": ((*MANAGE, "check", "--deploy", "--fail-level", "WARNING"), PRODUCTION),
}


def run_check(name, data_dir):
    command, env = CHECKS[name]
    begun = time.monotonic()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": data_dir} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0


def main():
    with tempfile.TemporaryDirectory(prefix="bookmyseat-check-") as data_dir:
        return 0 if all([run_check(name, data_dir) for name in CHECKS]) else 1  # noqa: C419 (all of them run)


if __name__ == "__main__":
    sys.exit(main())
