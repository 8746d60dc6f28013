"""Read settings from the environment, which has precedence, and `.env`; refuse a bad value with one clear sentence."""

from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import environ
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured

from cinema.files import private_file, write_first

log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def kept_secret(file: Path, *, length: int = 50, in_use: bool = False) -> str:
    """A random text from `length` random bytes, created once and stored, so that sessions survive a restart.

    Processes that ask at once get the same text. An empty file, as a full disk used to leave, counts as missing.

    Args:
        in_use: something was made with the stored text, so that another one would not open it.

    Raises:
        ImproperlyConfigured: the file cannot be read or written, is cut short, or is missing although it is in use.
    """
    try:
        text = file.read_text().strip() if file.exists() else ""
        if not text and in_use:
            raise ImproperlyConfigured(f"{file} is missing or empty. Put it back from a backup.")
        if not text:
            if file.exists():
                log.warning("%s is empty, as after a full disk. A new secret is made.", file)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = write_first(file, secrets.token_urlsafe(length).encode()).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file} cannot be kept: {error}.") from error
    if len(text) < length:
        raise ImproperlyConfigured(
            f"{file} has only {len(text)} characters: it is cut short. Put it back from a backup; or remove it, and "
            "the next start makes a new one."
        )
    return text


def why_weak(key: str) -> str:
    """Why this SECRET_KEY is too easy to guess, by the rule of Django's check W009; "" if it is not."""
    if len(key) < 50:
        return f"has {len(key)} characters; with DEBUG=0 it must have 50 or more"
    if len(set(key)) < 5:
        return "has fewer than 5 different characters; with DEBUG=0 it must be random"
    if key.startswith("django-insecure-"):
        return "is the one of a new Django project; with DEBUG=0 it must be your own"
    return ""


class Environment:
    """Typed reading of settings. An empty variable means the default, like an unset one."""

    def __init__(self, file: Path) -> None:
        if file.exists():
            environ.Env.read_env(file, overwrite=False)
        self._env = environ.Env()

    def refuse(self, name: str, sentence: str) -> NoReturn:
        raise ImproperlyConfigured(f"{name} {sentence}.")

    def text(self, name: str, default: str = "") -> str:
        return str(self._env.str(name, default="")).strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        words = {"": default, "1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        value = self.text(name).lower()
        if value not in words:
            self.refuse(name, f"is {value!r}; it must be 1 or 0")
        return words[value]

    def number(self, name: str, *, default: float, least: float, most: float) -> float:
        value = self.text(name)
        try:
            result = float(value) if value else default
        except ValueError:
            self.refuse(name, f"is {value!r}; it must be a number")
        if not least <= result <= most:
            self.refuse(name, f"is {value}; it must be from {least:g} to {most:g}")
        return result

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        result = self.number(name, default=default, least=least, most=most)
        if result != int(result):
            self.refuse(name, f"is {result:g}; it must be a whole number")
        return int(result)

    def choice(self, name: str, allowed: Sequence[str], *, default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.refuse(name, f"is {value!r}; it must be one of {', '.join(allowed)}")
        return value

    def items(self, name: str, default: Sequence[str] = ()) -> list[str]:
        return [item.strip() for item in self.text(name).split(",") if item.strip()] or list(default)

    def networks(self, name: str) -> list[Network]:
        try:
            networks = [ipaddress.ip_network(item) for item in self.items(name)]
        except ValueError as error:
            self.refuse(name, f"must be addresses or networks with commas between: {error}")
        for network in networks:
            if getattr(network.network_address, "ipv4_mapped", None):  # addresses are compared as IPv4: never equal
                self.refuse(name, f"has {network}; write an IPv4 network as such, like 192.0.2.0/24")
        return networks

    def origins(self, name: str) -> list[str]:
        origins = self.items(name)
        for origin in origins:
            if not re.fullmatch(r"https?://[^/]+", origin):
                self.refuse(name, f"has {origin!r}; an origin looks like https://tickets.example.com")
        return origins

    def address(self, name: str, *, schemes: Sequence[str]) -> str:
        value = self.text(name)
        if value and value.partition("://")[0] not in schemes:
            self.refuse(name, f"must begin with one of {', '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    def folder(self, name: str, *, default: Path, relative_to: Path) -> Path:
        """The folder, created if missing; a relative path is relative to `relative_to`."""
        value = self.text(name)
        folder = (relative_to / value).resolve() if value else default
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.refuse(name, f"is {folder}, which cannot be made: {error.strerror}")
        return folder

    def language(self, name: str, *, default: str) -> str:
        value = self.text(name, default).lower()
        if value not in dict(global_settings.LANGUAGES):
            self.refuse(name, f"is {value!r}; it must be a language of Django such as en-gb")
        return value

    def currency(self, name: str, *, default: str) -> str:
        value = self.text(name, default).upper()
        if not re.fullmatch(r"[A-Z]{3}", value):
            self.refuse(name, f"is {value!r}; it must be three letters, such as GBP")
        return value

    def time_zone(self, name: str, *, default: str) -> str:
        value = self.text(name, default)
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            self.refuse(name, f"is {value!r}; it must be a zone such as Europe/London")
        return value

    def database(self, name: str, *, sqlite: Path) -> dict[str, Any]:
        """Django's settings for one database: waiting writers for SQLite, a connection pool for PostgreSQL."""
        url = self.text(name) or f"sqlite:///{sqlite}"
        try:
            config: dict[str, Any] = dict(environ.Env.db_url_config(url))
        except Exception as error:  # the library does not wrap the errors of its parsing
            self.refuse(name, f"cannot be read: {error}")
        if config["ENGINE"] == "django.db.backends.sqlite3":
            _make_sqlite_private(Path(config["NAME"]))
            config["CONN_MAX_AGE"] = 60  # seconds; opening a connection costs more than most requests
            config["OPTIONS"] = {
                # SQLite has no row locks: a writer locks the file at BEGIN, and the others wait.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
            }
        elif config["ENGINE"] == "django.db.backends.postgresql":
            from cinema.database.statements import PlannedConnection

            config["CONN_MAX_AGE"] = 0
            given = config.get("OPTIONS", {})  # the query of the address, such as sslmode
            config["OPTIONS"] = {
                **given,
                # Prepared statements are planned once per connection; by default, those with arrays at each execution.
                "options": f"{given.get('options', '')} -c plan_cache_mode=force_generic_plan".strip(),
                "pool": {
                    "min_size": 1,
                    "max_size": 12,
                    "timeout": 3,
                    # An attempt to connect is repeated after a second, then given up: the next request begins another.
                    # By default the wait doubles, and the pool stays empty for as long again as the database was away.
                    "reconnect_timeout": 1,
                    "connection_class": PlannedConnection,
                },
            }
        else:
            self.refuse(name, "must be a postgres:// or sqlite:/// address")
        return config


def _make_sqlite_private(file: Path) -> None:
    """SQLite gives its other files (-wal, -shm) the mode of the database's file. Raises ImproperlyConfigured."""
    if file.name == ":memory:":
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        private_file(file)
    except OSError as error:
        raise ImproperlyConfigured(f"The database {file} cannot be made: {error.strerror}.") from error
