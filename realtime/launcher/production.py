"""The settings of the production shape on one machine, put into the environment before Django reads them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from cinema.environment import Environment, kept_secret
from cinema.files import private_folder
from realtime.launcher.postgres import Postgres, ServiceMissing
from realtime.launcher.processes import free_port

BASE_DIR = Path(__file__).resolve().parent.parent.parent
# No settings: which services the cluster starts itself, as password:port.
POSTGRES, VALKEY = "BOOKMYSEAT_OWN_POSTGRES", "BOOKMYSEAT_OWN_VALKEY"
LOCAL = "localhost,127.0.0.1,[::1]"


def prepare_environment() -> None:
    """Give each setting that the operator left empty the value that a cluster on this machine needs.

    The addresses of PostgreSQL and Valkey are chosen here, so that every process of the cluster reads the same ones.
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
    """(password, port) of a service that the cluster starts itself; None when the operator's is used."""
    found = os.environ.get(name)
    if not found:
        return None
    password, port = found.split(":")
    return password, int(port)


def _own_postgres(data_dir: Path) -> str:
    folder = data_dir / "postgres"
    folder.mkdir(exist_ok=True)
    private_folder(data_dir)  # now, since it depends on the folder inside where the server's data will be
    try:
        server = Postgres(folder, "", free_port())
        server.password = kept_secret(data_dir / "postgres_password", length=18, in_use=server.is_complete)
        os.environ[POSTGRES] = f"{server.password}:{server.port}"
        return server.url()
    except ServiceMissing as error:
        raise ImproperlyConfigured(str(error)) from error


def _own_valkey(data_dir: Path) -> str:
    password, port = kept_secret(data_dir / "valkey_password", length=18), free_port()
    os.environ[VALKEY] = f"{password}:{port}"
    return f"redis://:{password}@127.0.0.1:{port}/0"
