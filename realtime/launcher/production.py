"""The settings of the production shape on one machine, laid into the environment before Django reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from cinema.environment import Environment, kept_secret
from realtime.launcher.postgres import Postgres, ServiceMissing
from realtime.launcher.processes import free_port

BASE_DIR = Path(__file__).resolve().parent.parent.parent
# Our own notes to ourselves, not settings: which services to start, as password:port.
POSTGRES, VALKEY = "BOOKMYSEAT_OWN_POSTGRES", "BOOKMYSEAT_OWN_VALKEY"
LOCAL = "localhost,127.0.0.1,[::1]"


def lay_out_environment() -> None:
    """What the operator gave stays; what is missing gets the value that a cluster on this machine needs.

    Addresses of PostgreSQL and Valkey are decided here, so that every process of the cluster reads the same ones.
    """
    env = Environment(BASE_DIR / ".env")
    data_dir = env.folder("DATA_DIR", default=BASE_DIR / "var", relative_to=BASE_DIR)
    missing: dict[str, Callable[[], str]] = {
        "SECRET_KEY": lambda: kept_secret(data_dir / "secret_key"),
        "ALLOWED_HOSTS": lambda: LOCAL,
        "DATABASE_URL": lambda: _own_postgres(data_dir),
        "REDIS_URL": lambda: _own_valkey(data_dir),
    }
    for name in (POSTGRES, VALKEY):
        os.environ.pop(name, None)
    for name, value in missing.items():
        if not env.text(name):
            os.environ[name] = value()
    os.environ |= {"DEBUG": "0", "LOOP": "external", "DATA_DIR": str(data_dir)}
    if not env.text("STRIPE_SECRET_KEY"):
        os.environ["DEMO_PAYMENTS_ANYWAY"] = "1"


def own_service(name: str) -> tuple[str, int] | None:
    """Password and port of the service that this cluster starts itself; None when the operator's is used."""
    told = os.environ.get(name)
    if not told:
        return None
    password, port = told.split(":")
    return password, int(port)


def _own_postgres(data_dir: Path) -> str:
    password, port = _new_service(POSTGRES, data_dir / "postgres_password")
    try:
        return Postgres(data_dir / "postgres", password, port).url()
    except ServiceMissing as error:
        raise ImproperlyConfigured(str(error)) from error


def _own_valkey(data_dir: Path) -> str:
    password, port = _new_service(VALKEY, data_dir / "valkey_password")
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _new_service(name: str, file: Path) -> tuple[str, int]:
    password, port = kept_secret(file, length=18), free_port()
    os.environ[name] = f"{password}:{port}"
    return password, port
