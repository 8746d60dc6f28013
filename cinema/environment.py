"""Read settings from the environment, which has precedence, and `.env`; refuse a bad value with one clear sentence."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import time
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import environ
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def kept_secret(file: Path, *, length: int = 50) -> str:
    """A random text from `length` random bytes, created once and stored, so that sessions survive a restart."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as fresh:
            fresh.write(secrets.token_urlsafe(length))
    except FileExistsError:  # also if two processes start at once: one writes, the other waits below
        pass
    for _ in range(100):
        if text := file.read_text().strip():
            return text
        time.sleep(0.01)
    raise ImproperlyConfigured(f"{file} is empty. Remove it, and the next start makes a new one.")


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
            return [ipaddress.ip_network(item) for item in self.items(name)]
        except ValueError as error:
            self.refuse(name, f"must be addresses or networks with commas between: {error}")

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
            Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
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
                "pool": {"min_size": 1, "max_size": 12, "timeout": 3, "connection_class": PlannedConnection},
            }
        else:
            self.refuse(name, "must be a postgres:// or sqlite:/// address")
        return config
